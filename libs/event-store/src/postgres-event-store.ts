import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import {
  type EventSession,
  type EventStore,
  type RecordedEvent,
  type StreamRange,
  type Transacted,
} from './event-store.port.ts';
import { type GlobalPosition } from './global-position.ts';
import { isWorthRepeating, PostgresConnections } from './postgres-connections.ts';
import { PostgresSession, type PostgresTransaction, SELECT_STREAM, streamParameters } from './postgres-session.ts';
import { type EventRow, readEventRow } from './recorded-event-row.ts';
import { NO_UPCASTERS, type Upcasters } from './upcasting.ts';

/** How often work is done in all when the database answers with a serialization failure or a deadlock. */
const WORK_ATTEMPTS = 5;
/** Upper bound of the random pause before the first repetition, in milliseconds; doubles each time. */
const REPETITION_PAUSE_MS = 10;

export interface PostgresEventStoreOptions {
  /** Default: none. */
  readonly upcasters?: Upcasters;
}

/**
 * The log in PostgreSQL 15 or later, in the tables of `EVENT_STORE_MIGRATIONS`. The pool stays the caller's: give it
 * a `connectionTimeoutMillis`, so that an unreachable host is noticed, and end it after the last use.
 *
 * Transaction ids are the cluster's: a transaction that stays open in any database of it holds global reading back.
 */
export class PostgresEventStore implements EventStore<PostgresTransaction> {
  private readonly connections: PostgresConnections;
  private readonly upcasters: Upcasters;

  constructor(pool: pg.Pool, options: PostgresEventStoreOptions = {}) {
    this.connections = new PostgresConnections(pool);
    this.upcasters = options.upcasters ?? NO_UPCASTERS;
  }

  async transact<Value>(
    work: (session: EventSession<PostgresTransaction>) => Promise<Value>,
  ): Promise<Transacted<Value>> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.transactOnce(work);
      } catch (error) {
        if (!isWorthRepeating(error) || attempt === WORK_ATTEMPTS) throw error;
        await pause(Math.random() * REPETITION_PAUSE_MS * 2 ** attempt);
      }
    }
  }

  async readStream(streamId: string, range?: StreamRange): Promise<readonly RecordedEvent[]> {
    return this.readEvents(SELECT_STREAM, streamParameters(streamId, range));
  }

  async readAll(after: GlobalPosition, limit: number): Promise<readonly RecordedEvent[]> {
    const parameters = [after.epoch, after.transactionId, after.sequence, limit];
    return this.readEvents('SELECT * FROM event_store_events_after($1, $2, $3, $4)', parameters);
  }

  /** A statement that changes nothing, outside any transaction. @throws EventStoreUnavailable */
  async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<readonly Row[]> {
    return this.connections.read<Row>(text, values);
  }

  private async transactOnce<Value>(
    work: (session: EventSession<PostgresTransaction>) => Promise<Value>,
  ): Promise<Transacted<Value>> {
    const client = await this.connections.begin();
    const session = new PostgresSession(client, this.upcasters);
    let value: Value;
    try {
      value = await work(session);
    } catch (error) {
      session.end();
      await this.connections.rollback(client);
      throw error;
    }
    session.end();
    await this.connections.commit(client, session.last);
    return { value, position: session.last?.position };
  }

  private async readEvents(text: string, values: unknown[]): Promise<readonly RecordedEvent[]> {
    const rows = await this.connections.read<EventRow>(text, values);
    return rows.map((row) => readEventRow(row, this.upcasters));
  }
}
