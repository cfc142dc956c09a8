import type pg from 'pg';
import { type RecordedEvent } from '../event-store.port.ts';
import { type PostgresTransaction } from '../postgres-session.ts';
import { type Projection } from '../projection.port.ts';

/** A row of a {@link Tally}. */
export interface TallyRow {
  readonly stream_id: string;
  readonly total: number;
  /** Versions of the events, in the order they were told. */
  readonly told: readonly number[];
}

/** A projection that adds up `Counted` events and keeps the order it was told in: missed, repeated or out of place shows. */
export class Tally implements Projection<PostgresTransaction> {
  readonly eventTypes = new Set(['Counted']);
  /** Throws or waits before an event is applied. */
  before: (event: RecordedEvent, transaction: PostgresTransaction) => Promise<void> | void = () => undefined;

  constructor(readonly name: string) {}

  get tables(): readonly string[] {
    return [`tally_${this.name}`];
  }

  async apply(transaction: PostgresTransaction, events: readonly RecordedEvent[]): Promise<void> {
    for (const event of events) {
      await this.before(event, transaction);
      await transaction.query(
        `INSERT INTO ${this.tables[0]} AS t (stream_id, total, told) VALUES ($1, $2, ARRAY[$3::integer])
         ON CONFLICT (stream_id) DO UPDATE SET total = t.total + $2, told = t.told || $3::integer`,
        [event.streamId, (event.data as { count: number }).count, event.streamVersion],
      );
    }
  }

  static async createTable(pool: pg.Pool, name: string): Promise<void> {
    await pool.query(`CREATE TABLE tally_${name} (stream_id text PRIMARY KEY, total integer, told integer[])`);
  }

  static async rows(client: Pick<pg.Pool, 'query'>, name: string): Promise<readonly TallyRow[]> {
    const { rows } = await client.query<TallyRow>(
      `SELECT stream_id, total, told FROM tally_${name} ORDER BY stream_id`,
    );
    return rows;
  }
}
