-- Up Migration

-- Each event carries a MAC over itself and the event before it in its stream, made by the program under a key that the
-- database never sees. Events from before this migration have none yet: a program that has the key adds them once
-- (seal-history.ts) and forbids NULL from then on. Where there are no events, NULL is forbidden at once.
ALTER TABLE events ADD COLUMN mac bytea CHECK (octet_length(mac) = 32);
ALTER TABLE streams ADD COLUMN mac bytea CHECK (octet_length(mac) = 32);
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM events) THEN
    ALTER TABLE events ALTER COLUMN mac SET NOT NULL;
    ALTER TABLE streams ALTER COLUMN mac SET NOT NULL;
  END IF;
END
$$;

-- When something happened, roughly in the order of the table: enough to find the events of a time.
CREATE INDEX events_by_time ON events USING brin (recorded_at);

-- What a stream came to at one of its versions, to be read instead of the events up to there. May be deleted at any time.
CREATE TABLE stream_snapshots (
  stream_id text NOT NULL,
  -- Which program made the state, in which form: others are passed over.
  shape text NOT NULL,
  version integer NOT NULL,
  -- Of the event at that version.
  head_mac bytea NOT NULL,
  state jsonb NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (stream_id, shape, version)
);

DROP FUNCTION event_store_append(text, integer, timestamptz, jsonb, uuid[], text[], integer[], jsonb[]);

-- Appends to one stream in one round trip: locks its head, checks that it is the one the MACs were made for, inserts.
-- p_version 0 = the stream must not exist.
-- appended = false: nothing was done, head_version and head_mac are where the stream is, and it is held there until the
-- transaction ends. The transaction stays usable.
CREATE FUNCTION event_store_append(
  p_stream_id text, p_version integer, p_previous_mac bytea, p_recorded_at timestamptz, p_metadata jsonb,
  p_event_ids uuid[], p_types text[], p_schema_versions integer[], p_data jsonb[], p_macs bytea[],
  OUT appended boolean, OUT head_version integer, OUT head_mac bytea,
  OUT current_epoch integer, OUT transaction_id xid8, OUT sequences bigint[]
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  added CONSTANT integer := cardinality(p_event_ids);
BEGIN
  -- The statement may be sent together with BEGIN: should that have failed, this must not be recorded by itself.
  IF current_setting('event_store.transaction', true) IS DISTINCT FROM 'open' THEN
    RAISE EXCEPTION 'events are appended in transactions of the event store only';
  END IF;

  -- An epoch opens only when nobody is appending (see event_store_open_epoch). As a statement of its own, so that
  -- the ones below see an epoch that opened while this one waited.
  LOCK TABLE event_store_epochs IN ROW SHARE MODE;

  IF p_version = 0 THEN
    INSERT INTO streams AS s (stream_id, version, mac) VALUES (p_stream_id, added, p_macs[added])
      ON CONFLICT (stream_id) DO NOTHING
      RETURNING s.version INTO head_version;
  ELSE
    UPDATE streams AS s SET version = s.version + added, mac = p_macs[added]
      WHERE s.stream_id = p_stream_id AND s.version = p_version AND s.mac = p_previous_mac
      RETURNING s.version INTO head_version;
  END IF;

  appended := FOUND;
  IF NOT appended THEN
    SELECT s.version, s.mac INTO head_version, head_mac FROM streams s WHERE s.stream_id = p_stream_id FOR UPDATE;
    head_version := coalesce(head_version, 0);
    RETURN;
  END IF;

  transaction_id := pg_current_xact_id();
  SELECT max(e.epoch) INTO current_epoch FROM event_store_epochs e;
  IF added = 1 THEN
    -- The usual case, without the detour of a list.
    INSERT INTO events (epoch, transaction_id, event_id, stream_id, version,
                        type, schema_version, recorded_at, metadata, data, mac)
    VALUES (current_epoch, event_store_append.transaction_id, p_event_ids[1], p_stream_id, head_version,
            p_types[1], p_schema_versions[1], p_recorded_at, p_metadata, p_data[1], p_macs[1])
    RETURNING ARRAY[events.sequence] INTO sequences;
    RETURN;
  END IF;
  WITH inserted AS (
    INSERT INTO events (epoch, transaction_id, event_id, stream_id, version,
                        type, schema_version, recorded_at, metadata, data, mac)
    SELECT current_epoch, event_store_append.transaction_id, n.event_id, p_stream_id, p_version + n.place,
           n.type, n.schema_version, p_recorded_at, p_metadata, n.data, n.mac
    FROM unnest(p_event_ids, p_types, p_schema_versions, p_data, p_macs)
         WITH ORDINALITY AS n (event_id, type, schema_version, data, mac, place)
    ORDER BY n.place
    RETURNING events.sequence
  )
  SELECT array_agg(i.sequence ORDER BY i.sequence) INTO sequences FROM inserted i;
END
$$;

-- A stream up to a version (NULL: all of it): its newest snapshot of the shape, if there is one, then what came after.
-- The snapshot's row has no position, type and metadata; its data is the state, its mac that of the snapshot.
CREATE FUNCTION event_store_load(
  p_stream_id text, p_shape text, p_version integer
) RETURNS TABLE (is_snapshot boolean, head_mac bytea, epoch integer, transaction_id xid8, sequence bigint, event_id uuid,
                 stream_id text, version integer, type text, schema_version integer, recorded_at timestamptz,
                 metadata jsonb, data jsonb, mac bytea)
LANGUAGE sql STABLE AS $$
  WITH newest AS MATERIALIZED (
    SELECT s.version, s.head_mac, s.state, s.mac FROM stream_snapshots s
    WHERE s.stream_id = p_stream_id AND s.shape = p_shape AND (p_version IS NULL OR s.version <= p_version)
    ORDER BY s.version DESC LIMIT 1
  )
  (SELECT true, n.head_mac, NULL::integer, NULL::xid8, NULL::bigint, NULL::uuid,
          p_stream_id, n.version, NULL::text, NULL::integer, NULL::timestamptz, NULL::jsonb, n.state, n.mac
   FROM newest n)
  UNION ALL
  (SELECT false, NULL, e.epoch, e.transaction_id, e.sequence, e.event_id,
          e.stream_id, e.version, e.type, e.schema_version, e.recorded_at, e.metadata, e.data, e.mac
   FROM events e
   WHERE e.stream_id = p_stream_id AND e.version > coalesce((SELECT n.version FROM newest n), 0)
     AND (p_version IS NULL OR e.version <= p_version))
  ORDER BY 8
$$;
