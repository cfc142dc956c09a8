import { type LoadedStream, type RecordedEvent } from './event-store.port.ts';
import { type HistoryKeys, isSameMac } from './history-keys.ts';
import { type EventRow, readEventRow } from './recorded-event-row.ts';
import { type Upcasters } from './upcasting.ts';

/** Where a stream ends. */
export interface StreamHead {
  /** 0: there is no such stream. */
  readonly version: number;
  /** Null without a stream. */
  readonly mac: Buffer | null;
}

export const NO_STREAM: StreamHead = { version: 0, mac: null };

/** `event_store_load`: what a snapshot has is its version, its state as `data` and two MACs. */
export interface LoadRow extends EventRow {
  readonly is_snapshot: boolean;
  readonly head_mac: Buffer | null;
}

export const LOAD = {
  name: 'event_store_load_1',
  text: 'SELECT * FROM event_store_load($1, $2, $3)',
};

/** Versions are 32-bit integers in the database. */
export const HIGHEST_VERSION = 2_147_483_647;

/**
 * Clocks of several processes differ a little while a stream has one order: the last event by then counts. They are taken
 * to agree within a minute: after an event of more than a minute later nothing can be from before, so that halving finds
 * where to look from, however long the stream is.
 */
export const VERSION_AT = {
  name: 'event_store_version_at_2',
  text: `
    WITH RECURSIVE search AS (
      SELECT 0 AS low, 1 + coalesce((SELECT max(e.version) FROM events e WHERE e.stream_id = $1), 0) AS high
      UNION ALL
      SELECT CASE WHEN probe.is_later THEN s.low ELSE (s.low + s.high) / 2 END,
             CASE WHEN probe.is_later THEN (s.low + s.high) / 2 ELSE s.high END
      FROM search s
      CROSS JOIN LATERAL (
        SELECT e.recorded_at > $2::timestamptz + interval '1 minute' AS is_later
        FROM events e WHERE e.stream_id = $1 AND e.version = (s.low + s.high) / 2
      ) probe
      WHERE s.high - s.low > 1
    )
    SELECT version FROM events
    WHERE stream_id = $1 AND version < (SELECT min(high) FROM search) AND recorded_at <= $2::timestamptz
    ORDER BY version DESC LIMIT 1`,
};

export const loadParameters = ({ streamId, shape }: LoadRequest, toVersion: number | undefined): unknown[] => [
  ...[streamId, shape],
  toVersion === undefined ? null : Math.min(toVersion, HIGHEST_VERSION),
];

export interface LoadRequest {
  readonly streamId: string;
  readonly shape: string;
}

interface ReadLoad {
  readonly loaded: LoadedStream;
  readonly head: StreamHead;
}

/** @returns undefined when the snapshot was not made under these keys: the stream must be read from its beginning */
export function readLoadRows(
  rows: readonly LoadRow[],
  { streamId, shape }: LoadRequest,
  { keys, upcasters }: { readonly keys: HistoryKeys; readonly upcasters: Upcasters },
): ReadLoad | undefined {
  const snapshot = rows.find((row) => row.is_snapshot);
  if (snapshot !== undefined && !isGenuine(snapshot, { streamId, shape }, keys)) return undefined;
  const events = rows.filter((row) => !row.is_snapshot);
  return {
    loaded: {
      snapshot: snapshot === undefined ? undefined : { version: snapshot.version, state: snapshot.data },
      events: events.map((row): RecordedEvent => readEventRow(row, upcasters)),
    },
    head: headOf(events.at(-1) ?? snapshot),
  };
}

function isGenuine({ version, head_mac, data, mac }: LoadRow, request: LoadRequest, keys: HistoryKeys): boolean {
  if (head_mac === null) return false;
  return isSameMac(mac, keys.snapshotMac({ ...request, version, headMac: head_mac, state: data }));
}

function headOf(last: LoadRow | undefined): StreamHead {
  if (last === undefined) return NO_STREAM;
  return { version: last.version, mac: last.is_snapshot ? last.head_mac : last.mac };
}
