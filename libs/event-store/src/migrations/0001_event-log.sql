-- Up Migration

-- Transaction ids order the log, and they start again from low numbers in a cluster that was filled from a dump.
-- A new epoch puts everything appended from then on after everything restored.
CREATE TABLE event_store_epochs (
  epoch integer PRIMARY KEY,
  opened_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO event_store_epochs (epoch) VALUES (1);

-- One head row per stream: locked by whoever appends. Its only changing column is not indexed (HOT updates).
CREATE TABLE streams (
  stream_id text PRIMARY KEY,
  version integer NOT NULL CHECK (version > 0)
) WITH (fillfactor = 70);

CREATE TABLE events (
  epoch integer NOT NULL,
  transaction_id xid8 NOT NULL,
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  event_id uuid NOT NULL,
  stream_id text NOT NULL,
  version integer NOT NULL,
  type text NOT NULL,
  schema_version integer NOT NULL,
  recorded_at timestamptz NOT NULL,
  metadata jsonb NOT NULL,
  data jsonb NOT NULL,
  PRIMARY KEY (epoch, transaction_id, sequence),
  UNIQUE (stream_id, version)
);

CREATE TABLE projection_checkpoints (
  name text PRIMARY KEY,
  epoch integer NOT NULL,
  transaction_id xid8 NOT NULL,
  sequence bigint NOT NULL
) WITH (fillfactor = 70);

-- Appends to one stream in one round trip: locks its head, checks the version, inserts.
-- p_expected_version NULL = any, 0 = the stream must not exist.
-- appended = false: nothing was done, head_version is what the stream is at. The transaction stays usable.
CREATE FUNCTION event_store_append(
  p_stream_id text, p_expected_version integer, p_recorded_at timestamptz, p_metadata jsonb,
  p_event_ids uuid[], p_types text[], p_schema_versions integer[], p_data jsonb[],
  OUT appended boolean, OUT head_version integer,
  OUT current_epoch integer, OUT transaction_id xid8, OUT sequences bigint[]
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  added CONSTANT integer := cardinality(p_event_ids);
BEGIN
  -- An epoch opens only when nobody is appending (see event_store_open_epoch). As a statement of its own, so that
  -- the ones below see an epoch that opened while this one waited.
  LOCK TABLE event_store_epochs IN ROW SHARE MODE;

  IF p_expected_version IS NULL THEN
    INSERT INTO streams AS s (stream_id, version) VALUES (p_stream_id, added)
      ON CONFLICT (stream_id) DO UPDATE SET version = s.version + added
      RETURNING s.version INTO head_version;
  ELSIF p_expected_version = 0 THEN
    INSERT INTO streams AS s (stream_id, version) VALUES (p_stream_id, added)
      ON CONFLICT (stream_id) DO NOTHING
      RETURNING s.version INTO head_version;
  ELSE
    UPDATE streams AS s SET version = s.version + added
      WHERE s.stream_id = p_stream_id AND s.version = p_expected_version
      RETURNING s.version INTO head_version;
  END IF;

  appended := FOUND;
  IF NOT appended THEN
    SELECT s.version INTO head_version FROM streams s WHERE s.stream_id = p_stream_id;
    head_version := coalesce(head_version, 0);
    RETURN;
  END IF;

  transaction_id := pg_current_xact_id();
  SELECT max(e.epoch) INTO current_epoch FROM event_store_epochs e;
  WITH inserted AS (
    INSERT INTO events (epoch, transaction_id, event_id, stream_id, version,
                        type, schema_version, recorded_at, metadata, data)
    SELECT current_epoch, event_store_append.transaction_id, n.event_id, p_stream_id, head_version - added + n.place,
           n.type, n.schema_version, p_recorded_at, p_metadata, n.data
    FROM unnest(p_event_ids, p_types, p_schema_versions, p_data)
         WITH ORDINALITY AS n (event_id, type, schema_version, data, place)
    ORDER BY n.place
    RETURNING events.sequence
  )
  SELECT array_agg(i.sequence ORDER BY i.sequence) INTO sequences FROM inserted i;
END
$$;

-- Events after a position, oldest first. Of the current epoch only those that no running transaction can still
-- slip in front of. The only place that spells this condition.
CREATE FUNCTION event_store_events_after(
  p_epoch integer, p_transaction_id xid8, p_sequence bigint, p_limit integer
) RETURNS SETOF events LANGUAGE sql STABLE AS $$
  SELECT e.*
  FROM events e
  WHERE (e.epoch, e.transaction_id, e.sequence) > (p_epoch, p_transaction_id, p_sequence)
    AND (e.epoch < (SELECT max(c.epoch) FROM event_store_epochs c)
         OR e.transaction_id < pg_snapshot_xmin(pg_current_snapshot()))
  ORDER BY e.epoch, e.transaction_id, e.sequence
  LIMIT p_limit
$$;

-- True when the current epoch holds a transaction id that this cluster has yet to give out.
CREATE FUNCTION event_store_epoch_is_spent() RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce((
    SELECT e.transaction_id >= pg_snapshot_xmax(pg_current_snapshot())
    FROM events e
    WHERE e.epoch = (SELECT max(c.epoch) FROM event_store_epochs c)
    ORDER BY e.transaction_id DESC
    LIMIT 1
  ), false)
$$;

-- Opens the next epoch when the current one is spent. Called on every new connection, in a READ COMMITTED transaction
-- of its own. The lock waits for all running appends: readers take earlier epochs to be complete.
CREATE FUNCTION event_store_open_epoch() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF event_store_epoch_is_spent() THEN
    LOCK TABLE event_store_epochs IN EXCLUSIVE MODE;
    IF event_store_epoch_is_spent() THEN
      INSERT INTO event_store_epochs (epoch) SELECT max(c.epoch) + 1 FROM event_store_epochs c;
    END IF;
  END IF;
END
$$;
