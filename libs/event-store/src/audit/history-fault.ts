import { type GlobalPosition } from '../global-position.ts';
import { type AuditedRow } from './audited-row.ts';

export type HistoryFaultKind =
  | 'changed'
  | 'mac-missing'
  | 'predecessor-missing'
  | 'out-of-order'
  | 'moved'
  | 'replaced'
  | 'cut-off'
  | 'stream-missing'
  | 'head-differs'
  | 'order-differs'
  | 'checkpoint-not-genuine'
  | 'checkpoint-missing'
  | 'checkpoint-differs';

/** Something in the log, or in its checkpoints, that is not as it was recorded. */
export interface HistoryFault {
  readonly kind: HistoryFaultKind;
  /** What is wrong, in words. */
  readonly problem: string;
  /** The event that shows it, or the last one that is still there; left out where there is none. */
  readonly event?: NamedEvent;
  /** Of the event, or of a stream that has none left. */
  readonly streamId?: string;
  /** Of a checkpoint that is at fault itself. */
  readonly checkpoint?: number;
}

export interface NamedEvent {
  readonly streamId: string;
  readonly version: number;
  /** UUID. */
  readonly eventId: string;
  readonly type: string;
  /** ISO 8601, UTC; the database's own words when it is no instant. */
  readonly recordedAt: string;
  readonly position: GlobalPosition;
}

/** What is said of an event that shows a fault; never its content. */
export const nameEvent = (row: AuditedRow): NamedEvent => ({
  streamId: row.stream_id,
  version: row.version,
  eventId: row.event_id,
  type: row.type,
  recordedAt: instantText(row.recorded_at),
  position: positionOf(row),
});

export const faultOf = (kind: HistoryFaultKind, event: NamedEvent, problem: string): HistoryFault => ({
  ...{ kind, problem, event },
  streamId: event.streamId,
});

export const positionOf = (row: AuditedRow): GlobalPosition => ({
  epoch: row.epoch,
  transactionId: row.transaction_id,
  sequence: row.sequence,
});

/** Whoever writes past the program can also write `infinity`. */
export const instantText = (at: unknown): string =>
  at instanceof Date && !Number.isNaN(at.getTime()) ? at.toISOString() : String(at);
