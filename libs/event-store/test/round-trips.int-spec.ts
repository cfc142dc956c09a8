import type pg from 'pg';
import { EVENT_STORE_MIGRATIONS } from '../src/migrate.ts';
import { PostgresEventStore } from '../src/postgres-event-store.ts';
import { freshDatabase, TEST_HISTORY_KEYS, type FreshDatabase } from '../src/testing/index.ts';

const context = { recordedAt: '2026-01-02T03:04:05.678Z', metadata: { actor: 'ada', requestId: 'request-1' } };
const one = (streamId: string) =>
  ({ streamId, expectedVersion: 'any', events: [{ type: 'Counted', schemaVersion: 1, data: {} }] }) as const;

/** Every statement that is sent, in order; a line may be made to send another one instead. */
class Wire {
  readonly sent: string[] = [];
  instead: (text: string) => string = (text) => text;

  constructor(pool: pg.Pool) {
    pool.on('connect', (client) => {
      const send = client.query.bind(client) as (...given: unknown[]) => unknown;
      client.query = ((statement: string | pg.QueryConfig, ...rest: unknown[]) => {
        const text = typeof statement === 'string' ? statement : statement.text;
        this.sent.push(text);
        return send(typeof statement === 'string' ? this.instead(text) : statement, ...rest);
      }) as typeof client.query;
    });
  }

  appends(): number {
    return this.sent.filter((text) => text.includes('event_store_append')).length;
  }
}

let database: FreshDatabase;
let store: PostgresEventStore;
let wire: Wire;
beforeEach(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS);
  store = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS);
  wire = new Wire(database.pool);
});
afterEach(() => database.drop());

const append = (to: PostgresEventStore, streamId: string) =>
  to.transact((session) => session.append(one(streamId), context));

describe('an append that has not loaded its stream', () => {
  it('takes one statement where this process appended last', async () => {
    await append(store, 'a');
    await append(store, 'a');
    await append(store, 'a');
    expect(wire.appends()).toBe(3);
    expect((await store.readStream('a')).map(({ streamVersion }) => streamVersion)).toEqual([1, 2, 3]);
  });

  it('comes after what another process has appended meanwhile', async () => {
    await append(store, 'a');
    await append(new PostgresEventStore(database.pool, TEST_HISTORY_KEYS), 'a');
    await append(store, 'a');
    expect((await store.readStream('a')).map(({ streamVersion }) => streamVersion)).toEqual([1, 2, 3]);
  });

  it('does not come after what was rolled back', async () => {
    await append(store, 'a');
    const failed = store.transact(async (session) => {
      await session.append(one('a'), context);
      throw new Error('changed its mind');
    });
    await expect(failed).rejects.toThrow('changed its mind');
    await append(store, 'a');
    expect((await store.readStream('a')).map(({ streamVersion }) => streamVersion)).toEqual([1, 2]);
  });
});

describe('what is asked in a transaction', () => {
  it('is sent before the answer to BEGIN has come', async () => {
    await store.transact(({ transaction }) => transaction.ask('SELECT 1'));
    wire.sent.length = 0;
    let sentAtOnce: string[] = [];
    await store.transact(({ transaction }) => {
      const asked = transaction.ask('SELECT 1');
      sentAtOnce = [...wire.sent];
      return asked;
    });
    expect(sentAtOnce.map((text) => text.split(' ')[0])).toEqual(['BEGIN', 'SELECT']);
  });

  it('is not believed when there was no transaction, and nothing that follows from it is done', async () => {
    await database.pool.query('CREATE TABLE conclusions (text text)');
    wire.instead = (text) => (text.startsWith('BEGIN ISOLATION LEVEL READ COMMITTED; SET') ? 'BEGIN NOTHING' : text);
    const asks = store.transact(async ({ transaction }) => (await transaction.ask('SELECT 1')).rowCount);
    await expect(asks).rejects.toThrow('syntax error');
    const concludes = store.transact(async ({ transaction }) => {
      await transaction.ask('SELECT 1');
      await transaction.query("INSERT INTO conclusions VALUES ('recorded')").catch(() => undefined);
      await transaction.ask('SELECT 2');
    });
    await expect(concludes).rejects.toThrow('syntax error');
    expect((await database.pool.query('SELECT FROM conclusions')).rowCount).toBe(0);
  });
});
