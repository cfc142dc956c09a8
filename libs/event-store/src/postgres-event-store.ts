import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { EventStoreUnavailable } from './event-store-errors.ts';
import {
  type EventSession,
  type EventStore,
  type LoadedStream,
  type RecordedEvent,
  type StreamRange,
  type Transacted,
} from './event-store.port.ts';
import { type GlobalPosition } from './global-position.ts';
import { HeldConnection } from './held-connection.ts';
import { isConnectionFailure, isReadOnlyServer, isWorthRepeating } from './connection-failure.ts';
import { PostgresConnections } from './postgres-connections.ts';
import {
  PostgresSession,
  type PostgresTransaction,
  SELECT_STREAM,
  type SessionContext,
  streamParameters,
} from './postgres-session.ts';
import { type HistoryKeys } from './history-keys.ts';
import { LOAD, loadParameters, type LoadRow, readLoadRows, VERSION_AT } from './stream-load.ts';
import { type EventRow, readEventRow } from './recorded-event-row.ts';
import { StreamHeads } from './stream-heads.ts';
import { NO_UPCASTERS, type Upcasters } from './upcasting.ts';

/** How often work is done in all when the database answers with a serialization failure or a deadlock. */
const WORK_ATTEMPTS = 5;
/** Upper bound of the random pause before the first repetition, in milliseconds; doubles each time. */
const REPETITION_PAUSE_MS = 10;

export interface PostgresEventStoreOptions {
  /** Default: none. */
  readonly upcasters?: Upcasters;
  /**
   * Told of a snapshot that was not made under the keys: it was passed over, the stream read from its beginning.
   * Must not throw. Default: nothing is reported.
   */
  readonly onUntrustedSnapshot?: (streamId: string, version: number) => void;
}

/** The connection of the pool was dead: none of the work has happened. */
class NeverBegan extends EventStoreUnavailable {
  constructor(cause: unknown) {
    super('nothing-recorded', { cause });
  }
}

/**
 * The log in PostgreSQL 15 or later, in the tables of `EVENT_STORE_MIGRATIONS`. The pool stays the caller's: give it
 * a `connectionTimeoutMillis`, so that an unreachable host is noticed, and `pipeline: true`, which saves a round trip
 * in each transaction; end it after the last use.
 *
 * Transaction ids are the cluster's: a transaction that stays open in any database of it holds global reading back.
 */
export class PostgresEventStore implements EventStore<PostgresTransaction> {
  private readonly connections: PostgresConnections;
  private readonly context: SessionContext;

  constructor(pool: pg.Pool, keys: HistoryKeys, options: PostgresEventStoreOptions = {}) {
    this.connections = new PostgresConnections(pool);
    this.context = {
      keys,
      upcasters: options.upcasters ?? NO_UPCASTERS,
      knownHeads: new StreamHeads(),
      onUntrustedSnapshot: options.onUntrustedSnapshot ?? (() => undefined),
    };
  }

  async transact<Value>(
    work: (session: EventSession<PostgresTransaction>) => Promise<Value>,
  ): Promise<Transacted<Value>> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.transactOnce(work);
      } catch (error) {
        if (error instanceof NeverBegan && this.connections.mayTryAgain(error.cause, attempt)) continue;
        // By a new connection, which may lead to the server's successor. A second one that does not: there is none yet.
        if (attempt === 1 && isReadOnlyServer(error)) continue;
        if (attempt >= WORK_ATTEMPTS || !isWorthRepeating(error)) throw error;
        await pause(Math.random() * REPETITION_PAUSE_MS * 2 ** attempt);
      }
    }
  }

  async readStream(streamId: string, range?: StreamRange): Promise<readonly RecordedEvent[]> {
    return this.readEvents(SELECT_STREAM, streamParameters(streamId, range));
  }

  async loadStream(streamId: string, shape: string, toVersion?: number): Promise<LoadedStream> {
    const request = { streamId, shape };
    const rows = await this.connections.read<LoadRow>(LOAD, loadParameters(request, toVersion));
    const read = readLoadRows(rows, request, this.context);
    if (read !== undefined) return read.loaded;
    this.context.onUntrustedSnapshot(streamId, rows[0]?.version ?? 0);
    return { snapshot: undefined, events: await this.readStream(streamId, { toVersion }) };
  }

  async versionAt(streamId: string, moment: string): Promise<number> {
    const rows = await this.connections.read<{ version: number }>(VERSION_AT, [streamId, new Date(moment)]);
    return rows[0]?.version ?? 0;
  }

  async readAll(after: GlobalPosition, limit: number): Promise<readonly RecordedEvent[]> {
    const parameters = [after.epoch, after.transactionId, after.sequence, limit];
    return this.readEvents('SELECT * FROM event_store_events_after($1, $2, $3, $4)', parameters);
  }

  /** What gives events their newest shape. */
  get upcasters(): Upcasters {
    return this.context.upcasters;
  }

  /**
   * Keeps one connection for `work`: its temporary tables and session locks last as long, and end with it.
   *
   * @throws EventStoreUnavailable when it cannot be had, or is lost
   */
  async hold<Value>(work: (connection: HeldConnection) => Promise<Value>): Promise<Value> {
    return this.connections.hold((client) => work(new HeldConnection(client)));
  }

  /** A statement that changes nothing, outside any transaction. @throws EventStoreUnavailable */
  async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<readonly Row[]> {
    return this.connections.read<Row>(text, values);
  }

  /** Whether changes can be recorded now; where not, later questions may reach another server. @throws EventStoreUnavailable */
  async takesChanges(): Promise<boolean> {
    const [row] = await this.query<{ isReadOnly: boolean }>(
      `SELECT current_setting('transaction_read_only')::boolean AS "isReadOnly"`,
    );
    if (row?.isReadOnly === true) this.connections.leaveServer();
    return row?.isReadOnly === false;
  }

  private async transactOnce<Value>(
    work: (session: EventSession<PostgresTransaction>) => Promise<Value>,
  ): Promise<Transacted<Value>> {
    const connection = await this.connections.begin();
    const { client, begun } = connection;
    const session = new PostgresSession(connection, this.context);
    let value: Value;
    try {
      value = await work(session);
      await begun;
    } catch (error) {
      session.end();
      await this.connections.rollback(client, error);
      throw await begun.then(
        () => error,
        (cause: unknown) => (isConnectionFailure(cause) ? new NeverBegan(cause) : cause),
      );
    }
    session.end();
    await this.connections.commit(client, session.last);
    return { value, position: session.last?.event.position };
  }

  private async readEvents(text: string, values: unknown[]): Promise<readonly RecordedEvent[]> {
    const rows = await this.connections.read<EventRow>(text, values);
    return rows.map((row) => readEventRow(row, this.context.upcasters));
  }
}
