import { type GlobalPosition } from './global-position.ts';

/** Something that happened, as plain JSON data. Never changed once stored: a new shape is a new `schemaVersion`. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  /** Past tense, in the aggregate's own words. */
  readonly type: Type;
  /** Shape of `data`, from 1. */
  readonly schemaVersion: number;
  /** JSON values only; no secrets. Key order is not kept: hash a canonical form, not what is read back. */
  readonly data: Data;
}

/** Who did it and why. */
export interface EventMetadata {
  readonly actor: string;
  readonly requestId: string;
  readonly reason?: string;
  readonly idempotencyKey?: string;
}

/** An event as the log holds it. */
export interface RecordedEvent<E extends DomainEvent = DomainEvent> {
  /** UUID. */
  readonly eventId: string;
  readonly streamId: string;
  /** Place in its stream: 1, 2, … without gaps. */
  readonly streamVersion: number;
  readonly position: GlobalPosition;
  /** ISO 8601, UTC, milliseconds. */
  readonly recordedAt: string;
  readonly metadata: EventMetadata;
  readonly type: E['type'];
  readonly schemaVersion: number;
  readonly data: E['data'];
}

/** Version the stream must have: 0 = it must not exist; `'any'` appends after whatever is there. */
export type ExpectedVersion = number | 'any';

export interface StreamAppend {
  readonly streamId: string;
  readonly expectedVersion: ExpectedVersion;
  /** Empty: nothing happens and nothing is checked. */
  readonly events: readonly DomainEvent[];
}

export interface AppendContext {
  /** ISO 8601 instant; kept to the millisecond. */
  readonly recordedAt: string;
  readonly metadata: EventMetadata;
}

/** Both ends are included; versions start at 1. */
export interface StreamRange {
  readonly fromVersion?: number;
  readonly toVersion?: number;
}

/** One database transaction. Everything done through it lands together or not at all. */
export interface EventSession<Transaction> {
  /** For read models and other tables that must change with the events. PostgreSQL: `{ query }`; in memory: undefined. */
  readonly transaction: Transaction;
  /**
   * Appends to one stream and holds its head until the transaction ends. May be called for several streams.
   *
   * @throws StreamVersionConflict when the stream has another version; the session may still be used afterwards
   * @throws AppendInvalid when an event cannot be stored as JSON
   */
  append(append: StreamAppend, context: AppendContext): Promise<readonly RecordedEvent[]>;
  /** In version order, with what this session has appended; empty when there is no such stream. */
  readStream(streamId: string, range?: StreamRange): Promise<readonly RecordedEvent[]>;
}

export interface Transacted<Value> {
  readonly value: Value;
  /** Position of the last event appended; undefined when there was none. */
  readonly position: GlobalPosition | undefined;
}

/** The log of everything that happened. */
export interface EventStore<Transaction = unknown> {
  /**
   * Runs `work` in one transaction and commits it; rolls back on any throw and rethrows. `work` runs again from the
   * beginning when the database reports a serialization failure or a deadlock, so it must not act outside the session.
   * Inside `work`, use the session only: another call of this store waits for a second connection, or for ever.
   *
   * @throws EventStoreUnavailable when the database cannot be reached
   */
  transact<Value>(work: (session: EventSession<Transaction>) => Promise<Value>): Promise<Transacted<Value>>;
  /** Committed events of a stream in version order; empty when there is none. */
  readStream(streamId: string, range?: StreamRange): Promise<readonly RecordedEvent[]>;
  /**
   * Committed events after a position in global order, at most `limit` (from 1). Holds events back while an older
   * transaction is still running, so that reading on from the last one never misses an event.
   */
  readAll(after: GlobalPosition, limit: number): Promise<readonly RecordedEvent[]>;
}

export const EVENT_STORE = Symbol('EVENT_STORE');
