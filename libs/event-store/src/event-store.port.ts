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
  readonly fromVersion?: number | undefined;
  readonly toVersion?: number | undefined;
}

/** What a stream came to at one of its versions. */
export interface StreamSnapshot {
  readonly version: number;
  /** JSON values only; the store neither looks into it nor brings it up to a newer shape. */
  readonly state: unknown;
}

/** A stream, read as cheaply as can be: what it came to at some version, then the events after it. */
export interface LoadedStream {
  /** Undefined: the events begin with the first one. */
  readonly snapshot: StreamSnapshot | undefined;
  readonly events: readonly RecordedEvent[];
}

/** Reading streams: committed events; in a session with what the session has appended. */
export interface StreamReader {
  /** In version order; empty when there is no such stream. */
  readStream(streamId: string, range?: StreamRange): Promise<readonly RecordedEvent[]>;
  /**
   * A stream up to a version, from its newest snapshot on.
   *
   * @param shape names the form of the state and who makes it, such as `apiProxy@1`: snapshots of others are passed over
   * @param toVersion included; left out: all of the stream
   */
  loadStream(streamId: string, shape: string, toVersion?: number): Promise<LoadedStream>;
  /**
   * Where a stream was at a moment: the version of the last event recorded by then; 0 when there was none. The clocks that
   * recorded it are taken to agree within a minute.
   *
   * @param moment ISO 8601 instant
   */
  versionAt(streamId: string, moment: string): Promise<number>;
}

/** One database transaction. Everything done through it lands together or not at all. */
export interface EventSession<Transaction> extends StreamReader {
  /** For read models and other tables that must change with the events. PostgreSQL: `{ query }`; in memory: undefined. */
  readonly transaction: Transaction;
  /**
   * Appends to one stream and holds its head until the transaction ends. May be called for several streams.
   *
   * @throws StreamVersionConflict when the stream has another version; the session may still be used afterwards
   * @throws AppendInvalid when an event cannot be stored as JSON
   */
  append(append: StreamAppend, context: AppendContext): Promise<readonly RecordedEvent[]>;
  /**
   * Keeps a state for later loads, in place of another one of that version. The state must be what the events up to
   * `snapshot.version` came to, and that version one of an event that this session has loaded or appended last.
   *
   * @throws SnapshotMisplaced when the session has not seen the stream at that version
   */
  saveSnapshot(streamId: string, shape: string, snapshot: StreamSnapshot): Promise<void>;
}

export interface Transacted<Value> {
  readonly value: Value;
  /** Position of the last event appended; undefined when there was none. */
  readonly position: GlobalPosition | undefined;
}

/** The log of everything that happened. */
export interface EventStore<Transaction = unknown> extends StreamReader {
  /**
   * Runs `work` in one transaction and commits it; rolls back on any throw and rethrows. `work` runs again from the
   * beginning when the database reports a serialization failure or a deadlock, so it must not act outside the session.
   * Inside `work`, use the session only: another call of this store waits for a second connection, or for ever.
   *
   * @throws EventStoreUnavailable when the database cannot be reached
   */
  transact<Value>(work: (session: EventSession<Transaction>) => Promise<Value>): Promise<Transacted<Value>>;
  /**
   * Committed events after a position in global order, at most `limit` (from 1). Holds events back while an older
   * transaction is still running, so that reading on from the last one never misses an event.
   */
  readAll(after: GlobalPosition, limit: number): Promise<readonly RecordedEvent[]>;
}

export const EVENT_STORE = Symbol('EVENT_STORE');
