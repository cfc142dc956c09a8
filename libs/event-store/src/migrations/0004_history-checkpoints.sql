-- Up Migration

-- Signed every so often: how far the log had come, in which order, and where its streams ended. Each is also written to a
-- file outside the database, because whoever can write here can take the newest rows away.
CREATE TABLE history_checkpoints (
  number integer PRIMARY KEY,
  taken_at timestamptz NOT NULL,
  -- Position of the last event it covers.
  epoch integer NOT NULL,
  transaction_id xid8 NOT NULL,
  sequence bigint NOT NULL,
  -- Events covered, from the first one on.
  event_count bigint NOT NULL,
  -- Running SHA-256 over their MACs and positions.
  digest bytea NOT NULL,
  -- SHA-256 of the checkpoint before; NULL in the first.
  previous bytea,
  signature bytea NOT NULL
);

-- Streams that went on since the checkpoint before: part of what is signed.
CREATE TABLE history_checkpoint_heads (
  number integer NOT NULL REFERENCES history_checkpoints,
  stream_id text NOT NULL,
  version integer NOT NULL,
  mac bytea NOT NULL,
  -- Where in the log, counted from 1, the stream's events since the checkpoint before stand.
  places bigint[] NOT NULL,
  PRIMARY KEY (number, stream_id)
);
CREATE INDEX history_checkpoint_heads_by_stream ON history_checkpoint_heads (stream_id, number DESC);
