import { type EventMetadata, type RecordedEvent } from './event-store.port.ts';
import { upcast, type Upcasters } from './upcasting.ts';

/** A row of `events` as `pg` hands it over: 64-bit numbers are strings, jsonb is parsed. */
export interface EventRow {
  readonly epoch: number;
  readonly transaction_id: string;
  readonly sequence: string;
  readonly event_id: string;
  readonly stream_id: string;
  readonly version: number;
  readonly type: string;
  readonly schema_version: number;
  readonly recorded_at: Date;
  readonly metadata: EventMetadata;
  readonly data: unknown;
  /** 32 bytes. */
  readonly mac: Buffer;
}

/** What an event is made of: all but its MAC. */
export type StoredColumns = Omit<EventRow, 'mac'> & Partial<EventRow>;

/** The event as it was recorded. */
export const readStoredEvent = (row: StoredColumns): RecordedEvent => ({
  eventId: row.event_id,
  streamId: row.stream_id,
  streamVersion: row.version,
  position: { epoch: row.epoch, transactionId: row.transaction_id, sequence: row.sequence },
  recordedAt: row.recorded_at.toISOString(),
  metadata: row.metadata,
  type: row.type,
  schemaVersion: row.schema_version,
  data: row.data,
});

/** The event in its newest shape. */
export const readEventRow = (row: StoredColumns, upcasters: Upcasters): RecordedEvent =>
  upcast(readStoredEvent(row), upcasters);
