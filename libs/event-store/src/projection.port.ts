import { type RecordedEvent } from './event-store.port.ts';
import { type GlobalPosition } from './global-position.ts';

/** A read model made from the log, event by event. */
export interface Projection<Transaction> {
  /** Stable: its checkpoint is kept under this name. */
  readonly name: string;
  /** Types, after upcasting, that it wants to see. */
  readonly eventTypes: ReadonlySet<string>;
  /** Writes through `transaction` only: the checkpoint moves in the same one, so each event counts exactly once. */
  apply(transaction: Transaction, event: RecordedEvent): Promise<void>;
  /** Empties what it has written. */
  reset(transaction: Transaction): Promise<void>;
}

export interface ProjectionLag {
  readonly projection: string;
  /** Everything up to here has been applied. */
  readonly checkpoint: GlobalPosition;
  /** Committed events after the checkpoint, of all types. */
  readonly eventsBehind: number;
  /** True while this process retries an event that the projection refuses, or cannot reach the database. */
  readonly isFailing: boolean;
}
