import type pg from 'pg';
import { type RecordedEvent } from './event-store.port.ts';
import { type GlobalPosition } from './global-position.ts';
import { readEventRow, type StoredColumns } from './recorded-event-row.ts';
import { storedTypes, type Upcasters } from './upcasting.ts';

/** A stretch of the log as a projection sees it. */
export interface Window {
  /** Those that it wants to see, oldest first. */
  readonly events: readonly RecordedEvent[];
  /** The window's last event, of whatever type; undefined when there is nothing after the position yet. */
  readonly end: GlobalPosition | undefined;
  /** How many events there are in the window, of all types. */
  readonly count: number;
}

/** Which events a projection wants, and how they are brought up to their newest shape. */
export interface Wanted {
  readonly eventTypes: ReadonlySet<string>;
  readonly upcasters: Upcasters;
}

/** How a statement reaches the database. */
export type RunStatement = <Row extends pg.QueryResultRow>(text: string, values: unknown[]) => Promise<readonly Row[]>;

/** A row of `event_store_window_after`. */
export interface WindowRow extends StoredColumns {
  /** 64-bit: a string. */
  readonly place: string;
}

/** As parameters of `event_store_window_after`. */
export const windowParameters = (after: GlobalPosition, wanted: Wanted, limit: number): unknown[] => [
  ...[after.epoch, after.transactionId, after.sequence],
  storedTypes(wanted.eventTypes, wanted.upcasters),
  limit,
];

/** The next events after a position, at most `limit` of all types. */
export async function readWindow(
  run: RunStatement,
  after: GlobalPosition,
  wanted: Wanted,
  limit: number,
): Promise<Window> {
  const text = 'SELECT * FROM event_store_window_after($1, $2, $3, $4, $5)';
  return windowOf(await run<WindowRow>(text, windowParameters(after, wanted, limit)), wanted);
}

/** @param rows in order */
export function windowOf(rows: readonly WindowRow[], { eventTypes, upcasters }: Wanted): Window {
  const last = rows.at(-1);
  return {
    // The last row may be there only because it is the last.
    events: rows.map((row) => readEventRow(row, upcasters)).filter(({ type }) => eventTypes.has(type)),
    end:
      last === undefined
        ? undefined
        : { epoch: last.epoch, transactionId: last.transaction_id, sequence: last.sequence },
    count: Number(last?.place ?? 0),
  };
}
