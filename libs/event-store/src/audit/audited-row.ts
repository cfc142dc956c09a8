import { type EventRow } from '../recorded-event-row.ts';

/** A row of `events` of which nothing is taken for granted. */
export interface AuditedRow extends Omit<EventRow, 'mac'> {
  readonly mac: Buffer | null;
  /** Its time has a part below a millisecond, which no program here writes and no reader sees. */
  readonly has_odd_time: boolean;
}

/** Of `events e`. */
export const AUDITED_COLUMNS = `e.*, e.recorded_at <> date_trunc('milliseconds', e.recorded_at) AS has_odd_time`;
