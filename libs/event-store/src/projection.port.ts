import { type RecordedEvent } from './event-store.port.ts';
import { type GlobalPosition } from './global-position.ts';

/** A read model made from the log, in batches. */
export interface Projection<Transaction> {
  /** Stable: its checkpoint is kept under this name. */
  readonly name: string;
  /** Types, after upcasting, that it wants to see. */
  readonly eventTypes: ReadonlySet<string>;
  /**
   * The tables that it keeps, as it names them in its statements: without a schema. Nobody else writes them. Each has a
   * primary key; none has a foreign key or a column that the database fills by itself.
   */
  readonly tables: readonly string[];
  /**
   * Writes through `transaction` only: the checkpoint moves in the same one, so each event counts exactly once. What the
   * tables hold afterwards depends on the events alone: not on how they are split into batches, nor on the time.
   *
   * @param events of its types, oldest first, never empty
   */
  apply(transaction: Transaction, events: readonly RecordedEvent[]): Promise<void>;
}

export interface ProjectionLag {
  readonly projection: string;
  /** Everything up to here has been applied. */
  readonly checkpoint: GlobalPosition;
  /** Committed events after the checkpoint that it has yet to apply: those of its types. */
  readonly eventsBehind: number;
  /** True while this process retries an event that the projection refuses, or cannot reach the database. */
  readonly isFailing: boolean;
}
