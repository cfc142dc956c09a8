import type pg from 'pg';
import { type StreamAppend } from '../src/event-store.port.ts';
import { HistoryKeys } from '../src/history-keys.ts';
import { EVENT_STORE_MIGRATIONS } from '../src/migrate.ts';
import { PostgresEventStore } from '../src/postgres-event-store.ts';
import { type EventRow, readStoredEvent } from '../src/recorded-event-row.ts';
import { freshDatabase, gate, TEST_HISTORY_KEYS, type FreshDatabase } from '../src/testing/index.ts';

const context = { recordedAt: '2026-01-02T03:04:05.678Z', metadata: { actor: 'ada', requestId: 'request-1' } };
const counted = (count: number) => ({ type: 'Counted', schemaVersion: 1, data: { z: count, a: ['ä', 1e21, 0.1] } });
const some = (streamId: string, expectedVersion: StreamAppend['expectedVersion'], count = 1): StreamAppend => ({
  streamId,
  expectedVersion,
  events: Array.from({ length: count }, (_, index) => counted(index)),
});

let database: FreshDatabase;
let store: PostgresEventStore;
beforeAll(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS);
});
beforeEach(async () => {
  await database.pool.query('TRUNCATE events, streams');
  store = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS);
});
afterAll(() => database.drop());

/** For each event of a stream: whether its MAC is the one of what is stored, after the MAC before it. */
async function chainOf(streamId: string, keys = TEST_HISTORY_KEYS): Promise<boolean[]> {
  const { rows } = await database.pool.query<EventRow>('SELECT * FROM events WHERE stream_id = $1 ORDER BY version', [
    streamId,
  ]);
  return rows.map((row, index) => {
    const previous = rows[index - 1]?.mac ?? null;
    return keys.eventMac(previous, readStoredEvent(row)).equals(row.mac);
  });
}

describe('every event carries a MAC over itself and the one before it in its stream', () => {
  it('appended one by one, several at once, several times in a transaction, at a known version or any', async () => {
    await store.transact((session) => session.append(some('a', 0), context));
    await store.transact((session) => session.append(some('a', 1, 3), context));
    await store.transact(async (session) => {
      await session.append(some('a', 'any', 2), context);
      await session.readStream('b');
      await session.append(some('b', 'any'), context);
      await session.append(some('a', 6), context);
    });
    expect(await chainOf('a')).toEqual(Array.from({ length: 7 }, () => true));
    expect(await chainOf('b')).toEqual([true]);
  });

  it('appended by many at the same time', async () => {
    await Promise.all(
      Array.from({ length: 12 }, () => store.transact((session) => session.append(some('a', 'any', 2), context))),
    );
    expect(await chainOf('a')).toEqual(Array.from({ length: 24 }, () => true));
  });

  it('appended after somebody else was faster than what the session had seen', async () => {
    await store.transact((session) => session.append(some('a', 0), context));
    const hasRead = gate();
    const mayAppend = gate();
    const late = store.transact(async (session) => {
      await session.readStream('a');
      hasRead.open();
      await mayAppend.opened;
      await session.append(some('a', 'any'), context);
    });
    await hasRead.opened;
    await store.transact((session) => session.append(some('a', 1), context));
    mayAppend.open();
    await late;
    expect(await chainOf('a')).toEqual([true, true, true]);
  });

  it('and another key makes others', async () => {
    await store.transact((session) => session.append(some('a', 0, 2), context));
    expect(await chainOf('a', HistoryKeys.derivedFrom(Buffer.alloc(32, 8)))).toEqual([false, false]);
  });

  it('and the head of the stream has that of the last event', async () => {
    await store.transact((session) => session.append(some('a', 0, 2), context));
    const { rows } = await database.pool.query<{ same: boolean }>(
      'SELECT s.mac = e.mac AS same FROM streams s JOIN events e USING (stream_id, version)',
    );
    expect(rows).toEqual([{ same: true }]);
  });
});

describe('an append that comes before its transaction', () => {
  it('is refused, and records nothing', async () => {
    const mac = Buffer.alloc(32);
    const append = database.pool.query('SELECT * FROM event_store_append($1, 0, NULL, now(), $2, $3, $4, $5, $6, $7)', [
      ...['a', '{}', ['c2aafcf4-7d8f-4f2b-8a39-1f6c2cb0a3ad'], ['Counted'], [1], ['{}'], [mac]],
    ]);
    await expect(append).rejects.toThrow('transactions of the event store only');
    expect((await database.pool.query('SELECT FROM streams')).rowCount).toBe(0);
  });
});

/** Ends every other connection of the database, as an administrator can, and waits until the pool has heard of it. */
async function endConnections(pool: pg.Pool): Promise<void> {
  const killer = await pool.connect();
  try {
    await killer.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
  } finally {
    killer.release();
  }
}

describe('connections of the pool that turn out dead when a transaction is to begin', () => {
  it('cost repetitions of the work, also where the work does not mind failing statements', async () => {
    await Promise.all(Array.from({ length: 12 }, () => store.transact((session) => session.readStream('a'))));
    await endConnections(database.pool);
    const careless = await Promise.all(
      Array.from({ length: 12 }, () =>
        store.transact(async (session) => {
          await session.append(some('a', 'any'), context).catch(() => undefined);
          return 'done';
        }),
      ),
    );
    expect(careless.map(({ value, position }) => [value, position === undefined])).toEqual(
      Array.from({ length: 12 }, () => ['done', false]),
    );
    expect(await chainOf('a')).toEqual(Array.from({ length: 12 }, () => true));
  });
});
