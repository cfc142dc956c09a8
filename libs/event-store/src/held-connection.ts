import type pg from 'pg';
import { isConnectionFailure } from './connection-failure.ts';
import { EventStoreUnavailable } from './event-store-errors.ts';
import { type PostgresTransaction } from './postgres-session.ts';

/** The rows of a whole read model are exchanged in one statement, which may wait for others: an hour, in milliseconds. */
const ANSWERS_WITHIN_MS = 3_600_000;

/** One connection with its session: temporary tables and locks stay from one transaction to the next. */
export class HeldConnection implements PostgresTransaction {
  constructor(private readonly client: pg.ClientBase) {}

  async query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    statement: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>> {
    const asked = typeof statement === 'string' ? { text: statement } : statement;
    // Not in the types of `pg`: of this statement alone, whatever the pool says.
    const patient = { ...asked, query_timeout: ANSWERS_WITHIN_MS };
    try {
      return await this.client.query<Row>(patient, values);
    } catch (cause) {
      throw isConnectionFailure(cause) ? new EventStoreUnavailable('nothing-recorded', { cause }) : cause;
    }
  }

  /** Begun before anything is sent: there is nothing to send ahead of. */
  ask<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    statement: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>> {
    return this.query<Row>(statement, values);
  }

  /** Commits what `work` did, or rolls it back and rethrows. Not for appending. */
  async transact<Value>(work: (transaction: PostgresTransaction) => Promise<Value>): Promise<Value> {
    await this.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    let value: Value;
    try {
      value = await work(this);
    } catch (error) {
      // The connection is closed after a failure: what cannot be rolled back now is then.
      await this.client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
    await this.commit();
    return value;
  }

  private async commit(): Promise<void> {
    try {
      await this.client.query('COMMIT');
    } catch (cause) {
      throw isConnectionFailure(cause) ? new EventStoreUnavailable('unknown', { cause }) : cause;
    }
  }
}
