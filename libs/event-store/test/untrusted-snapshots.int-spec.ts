import { HistoryKeys } from '../src/history-keys.ts';
import { EVENT_STORE_MIGRATIONS } from '../src/migrate.ts';
import { PostgresEventStore } from '../src/postgres-event-store.ts';
import { freshDatabase, type FreshDatabase, TEST_HISTORY_KEYS } from '../src/testing/index.ts';

const context = { recordedAt: '2026-01-02T03:04:05.678Z', metadata: { actor: 'ada', requestId: 'request-1' } };
const SHAPE = 'sum@1';

let database: FreshDatabase;
let untrusted: string[];
let store: PostgresEventStore;

const storeUnder = (keys: HistoryKeys) =>
  new PostgresEventStore(database.pool, keys, {
    onUntrustedSnapshot: (streamId, version) => untrusted.push(`${streamId}@${version}`),
  });

beforeAll(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS);
});
afterAll(() => database.drop());

/** Streams `a` and `b` of five events each, with snapshots at versions 2 and 4. */
beforeEach(async () => {
  await database.pool.query('TRUNCATE events, streams, stream_snapshots');
  untrusted = [];
  store = storeUnder(TEST_HISTORY_KEYS);
  const events = [1, 2, 3, 4, 5].map((count) => ({ type: 'Counted', schemaVersion: 1, data: { count } }));
  for (const streamId of ['a', 'b']) {
    await store.transact(async (session) => {
      await session.append({ streamId, expectedVersion: 0, events }, context);
      await session.loadStream(streamId, SHAPE);
      await session.saveSnapshot(streamId, SHAPE, { version: 2, state: { sum: 3, of: streamId } });
      await session.saveSnapshot(streamId, SHAPE, { version: 4, state: { sum: 10, of: streamId } });
    });
  }
});

describe('a snapshot that was not made by this program for this place', () => {
  it.each([
    ['has another state', `update stream_snapshots set state = '{"sum": 11, "of": "a"}' where version = 4`],
    ['has another version', 'update stream_snapshots set version = 5 where version = 4'],
    [
      'names another event',
      'update stream_snapshots set head_mac = (select mac from events where version = 3 limit 1)',
    ],
    ['has another MAC', `update stream_snapshots set mac = '\\x00' where version = 4`],
    [
      'is that of another stream',
      `update stream_snapshots one set head_mac = other.head_mac, state = other.state,
       mac = other.mac from stream_snapshots other where one.stream_id = 'a' and one.version = 4
       and other.stream_id = 'b' and other.version = 4`,
    ],
    [
      'is that of another version',
      `update stream_snapshots one set head_mac = other.head_mac, state = other.state,
       mac = other.mac from stream_snapshots other where one.stream_id = 'a' and one.version = 4
       and other.stream_id = 'a' and other.version = 2`,
    ],
  ])('is passed over and reported, the stream read from its beginning: it %s', async (_how, attack) => {
    await database.pool.query(attack);
    const loaded = await store.loadStream('a', SHAPE);
    expect(loaded).toEqual({ snapshot: undefined, events: await store.readStream('a') });
    expect(loaded.events).toHaveLength(5);
    const { value } = await store.transact((session) => session.loadStream('a', SHAPE));
    expect(value).toEqual(loaded);
    expect(untrusted).toHaveLength(2);
    expect(untrusted[0]).toMatch(/^a@[45]$/);
  });

  it('is passed over when it was made under another key', async () => {
    const other = storeUnder(HistoryKeys.derivedFrom(Buffer.alloc(32, 8)));
    expect((await other.loadStream('a', SHAPE)).snapshot).toBeUndefined();
    expect(untrusted).toEqual(['a@4']);
  });

  it('is replaced by the next change that comes by, and trusted again', async () => {
    await database.pool.query(`update stream_snapshots set state = '{"sum": 11, "of": "a"}'`);
    await store.transact(async (session) => {
      await session.loadStream('a', SHAPE);
      await session.saveSnapshot('a', SHAPE, { version: 4, state: { sum: 10, of: 'a' } });
    });
    untrusted = [];
    expect((await store.loadStream('a', SHAPE)).snapshot).toEqual({ version: 4, state: { sum: 10, of: 'a' } });
    expect(untrusted).toEqual([]);
  });
});

it('is not needed: without its snapshots a stream is read from its beginning', async () => {
  await database.pool.query('truncate stream_snapshots');
  expect(await store.loadStream('a', SHAPE)).toEqual({ snapshot: undefined, events: await store.readStream('a') });
  expect(untrusted).toEqual([]);
});

it('is not made of a version that the session has not seen: its event would not be known', async () => {
  const work = store.transact(async (session) => {
    await session.loadStream('a', SHAPE);
    // Only version 5 was read, beside the snapshot of version 4.
    await session.saveSnapshot('a', SHAPE, { version: 3, state: {} });
  });
  await expect(work).rejects.toMatchObject({ code: 'SNAPSHOT_MISPLACED', version: 3 });
});
