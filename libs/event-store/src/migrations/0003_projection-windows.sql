-- Up Migration

-- What a projection has to look at next: of the events after a position those of its types, and the last one in any
-- case, so that the reader knows where the window ends. Foreign events stay in the database.
-- place: how many events of the window there are up to this one, of all types.
CREATE FUNCTION event_store_window_after(
  p_epoch integer, p_transaction_id xid8, p_sequence bigint, p_types text[], p_limit integer
) RETURNS TABLE (place bigint, epoch integer, transaction_id xid8, sequence bigint, event_id uuid, stream_id text,
                 version integer, type text, schema_version integer, recorded_at timestamptz, metadata jsonb, data jsonb)
LANGUAGE sql STABLE AS $$
  SELECT w.place, w.epoch, w.transaction_id, w.sequence, w.event_id, w.stream_id,
         w.version, w.type, w.schema_version, w.recorded_at, w.metadata, w.data
  FROM (SELECT e.*, row_number() OVER in_order AS place, lead(e.sequence) OVER in_order IS NULL AS is_last
        FROM event_store_events_after(p_epoch, p_transaction_id, p_sequence, p_limit) e
        WINDOW in_order AS (ORDER BY e.epoch, e.transaction_id, e.sequence)) w
  WHERE w.type = ANY (p_types) OR w.is_last
  ORDER BY w.place
$$;
