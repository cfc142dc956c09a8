-- Up Migration

-- The log is read by transaction id. A transaction gets its id with its first write and may append long after that: to a
-- stream, behind an event of a transaction that began later, and of whatever it has read meanwhile. So that an event
-- stands behind all that was there when it was appended, and one transaction's events in the order in which they were, it
-- takes the place of the newest event's transaction where that is the later one. Nobody reads past that id while this
-- transaction runs, which is older.

-- Old and new must not append side by side.
LOCK TABLE event_store_epochs IN EXCLUSIVE MODE;

-- Appends to one stream in one round trip: locks its head, checks that it is the one the MACs were made for, inserts.
-- p_version 0 = the stream must not exist.
-- appended = false: nothing was done, head_version and head_mac are where the stream is, and it is held there until the
-- transaction ends. The transaction stays usable.
CREATE OR REPLACE FUNCTION event_store_append(
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

  SELECT max(e.epoch) INTO current_epoch FROM event_store_epochs e;
  transaction_id := greatest(pg_current_xact_id(), (
    SELECT e.transaction_id FROM events e WHERE e.epoch = current_epoch ORDER BY e.transaction_id DESC LIMIT 1
  ));
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

-- What had come into the log before its predecessor gets the place behind it. No checkpoint of the history covers such an
-- event: they stop before it. A projection that has seen it is moved past its new place, unless that leaves out something
-- else: then it sees the event again, which a rebuild puts right.
WITH placed AS MATERIALIZED (
  SELECT epoch, transaction_id AS old_id, sequence,
         max(transaction_id) OVER (PARTITION BY stream_id, epoch ORDER BY version) AS new_id
  FROM events
), moved AS (
  UPDATE events e SET transaction_id = p.new_id FROM placed p
  WHERE p.old_id < p.new_id AND (e.epoch, e.transaction_id, e.sequence) = (p.epoch, p.old_id, p.sequence)
)
UPDATE projection_checkpoints c SET transaction_id = passed.new_id, sequence = passed.sequence
FROM projection_checkpoints k CROSS JOIN LATERAL (
  SELECT p.new_id, p.sequence FROM placed p
  WHERE p.old_id < p.new_id AND (p.epoch, p.old_id, p.sequence) <= (k.epoch, k.transaction_id, k.sequence)
    AND (p.epoch, p.new_id, p.sequence) > (k.epoch, k.transaction_id, k.sequence)
    AND NOT EXISTS (
      SELECT FROM placed unseen
      WHERE (unseen.epoch, unseen.old_id, unseen.sequence) > (k.epoch, k.transaction_id, k.sequence)
        AND (unseen.epoch, unseen.new_id, unseen.sequence) < (p.epoch, p.new_id, p.sequence)
    )
  ORDER BY p.new_id DESC, p.sequence DESC LIMIT 1
) passed
WHERE c.name = k.name;
