import pg from 'pg';
import { ProjectionUnknown, RebuildUnderWay } from '../src/event-store-errors.ts';
import { type AppendContext, type DomainEvent } from '../src/event-store.port.ts';
import { EVENT_STORE_MIGRATIONS } from '../src/migrate.ts';
import { PostgresEventStore } from '../src/postgres-event-store.ts';
import { ProjectionRunner, type ProjectionRunnerOptions } from '../src/projection-runner.ts';
import {
  freshDatabase,
  type FreshDatabase,
  gate,
  readUntil,
  Tally,
  type TallyRow,
  TEST_HISTORY_KEYS,
} from '../src/testing/index.ts';

const context: AppendContext = {
  recordedAt: '2026-01-02T03:04:05.678Z',
  metadata: { actor: 'ada', requestId: 'request-1' },
};
const LONG_MS = 20_000;

let database: FreshDatabase;
let store: PostgresEventStore;
let runners: ProjectionRunner[];
beforeEach(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS);
  store = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS);
  runners = [];
  for (const name of ['a', 'b']) await Tally.createTable(database.pool, name);
});
afterEach(async () => {
  await Promise.all(runners.map((each) => each.stop()));
  await database.drop();
});

const runner = (tallies: readonly Tally[], options: ProjectionRunnerOptions = {}) => {
  const made = new ProjectionRunner(store, tallies, { pollMs: 10, ...options });
  runners.push(made);
  return made;
};
/** A live one that has caught up, and a tally of its own for another process to rebuild with. */
async function liveAndRebuilder(options: ProjectionRunnerOptions = {}) {
  const live = runner([new Tally('a')]);
  live.start();
  const tally = new Tally('a');
  return { live, tally, rebuilder: runner([tally], options) };
}
const append = async (streamId: string, ...counts: number[]): Promise<void> => {
  const events: DomainEvent[] = counts.map((count) => ({ type: 'Counted', schemaVersion: 1, data: { count } }));
  await store.transact((session) => session.append({ streamId, expectedVersion: 'any', events }, context));
};
const model = (name = 'a') => Tally.rows(database.pool, name);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const fails = () => {
  throw new Error('refused');
};
/** Nothing of a rebuild is left: one table of the name, no lock. */
async function expectNothingLeft(): Promise<void> {
  await readUntil(
    async () => {
      const { rows } = await database.pool.query<{ left: string }>(
        `SELECT (SELECT count(*) FROM pg_class WHERE relname = 'tally_a') - 1
                + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS left`,
      );
      return rows;
    },
    ([row]) => row?.left === '0',
  );
}

describe('rebuilding a projection', () => {
  it('leaves the live one serving and being fed meanwhile, by other processes too', async () => {
    const { live, tally, rebuilder } = await liveAndRebuilder({ batchSize: 2 });
    await append('s', 1, 2, 3);
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    const isUnderWay = gate();
    const mayGoOn = gate();
    tally.before = async ({ streamVersion }) => {
      if (streamVersion !== 3) return;
      isUnderWay.open();
      await mayGoOn.opened;
    };
    const rebuilt = rebuilder.rebuild('a');
    await isUnderWay.opened;
    await append('s', 4);
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    expect(await model()).toEqual([{ stream_id: 's', total: 10, told: upTo(4) }]);
    mayGoOn.open();
    await rebuilt;
    expect(await model()).toEqual([{ stream_id: 's', total: 10, told: upTo(4) }]);
    await append('s', 5);
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    expect(await model()).toEqual([{ stream_id: 's', total: 15, told: upTo(5) }]);
    await expectNothingLeft();
  });

  it('is never seen empty, half or going back, while two runners feed it and events keep coming', async () => {
    const { live, rebuilder } = await liveAndRebuilder({ batchSize: 20 });
    const other = runner([new Tally('a'), new Tally('b')], { batchSize: 5 });
    other.start();
    for (let round = 0; round < 30; round += 1) await append(`s${round % 4}`, 1, 1);
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    let isDone = false;
    const writing = (async () => {
      for (let round = 0; !isDone; round += 1) {
        await append(`s${round % 6}`, 1);
        await live.showsAll('a', LONG_MS);
      }
    })();
    const seen: (readonly TallyRow[])[] = [await model()];
    const reading = (async () => {
      while (!isDone) seen.push(await model());
    })();
    for (let round = 0; round < 5; round += 1) await rebuilder.rebuild('a');
    isDone = true;
    await Promise.all([writing, reading]);
    for (const [index, rows] of seen.entries()) {
      for (const { told, total } of rows) expect([told, total]).toEqual([upTo(told.length), told.length]);
      for (const before of seen[index - 1] ?? []) {
        const now = rows.find((row) => row.stream_id === before.stream_id);
        expect(now?.told.length ?? 0).toBeGreaterThanOrEqual(before.told.length);
      }
    }
    for (const name of ['a', 'b']) expect(await other.showsAll(name, LONG_MS)).toBe(true);
    expect(await model('a')).toEqual(await model('b'));
  });

  it('corrects what is wrong, adds what is missing, removes what does not belong, and touches nothing else', async () => {
    const { live, rebuilder } = await liveAndRebuilder();
    for (const stream of ['right', 'wrong', 'missing']) await append(stream, 1, 2);
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    const expected = await model();
    const places = async () =>
      (await database.pool.query<{ at: string }>('SELECT xmin, ctid FROM tally_a ORDER BY stream_id')).rows;
    const before = await places();
    await rebuilder.rebuild('a');
    expect(await places()).toEqual(before);
    await database.pool.query(`UPDATE tally_a SET total = NULL WHERE stream_id = 'wrong'`);
    await database.pool.query(`DELETE FROM tally_a WHERE stream_id = 'missing'`);
    await database.pool.query(`INSERT INTO tally_a VALUES ('alien', NULL, NULL)`);
    await rebuilder.rebuild('a');
    expect(await model()).toEqual(expected);
    expect((await places())[1]).toEqual(before[1]);
  });

  it('does not show in a transaction that began before', async () => {
    const { live, rebuilder } = await liveAndRebuilder();
    await append('s', 1, 2);
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    await database.pool.query('UPDATE tally_a SET total = 0');
    const reader = await database.pool.connect();
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const [wrong] = await Tally.rows(reader, 'a');
    await rebuilder.rebuild('a');
    expect(await Tally.rows(reader, 'a')).toEqual([wrong]);
    await reader.query('COMMIT');
    expect(await Tally.rows(reader, 'a')).toMatchObject([{ total: 3 }]);
    reader.release();
  });

  it('frees a live one that is stuck on an event, and one that never ran', async () => {
    const stuck = new Tally('a');
    stuck.before = ({ streamVersion }) => (streamVersion === 2 ? fails() : undefined);
    const live = runner([stuck], { pollMs: 1, maxBackoffMs: 5 });
    await append('s', 1, 2, 3);
    live.start();
    await readUntil(
      () => live.lag(),
      ([lag]) => lag?.isFailing === true,
    );
    await runner([new Tally('a')]).rebuild('a');
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    await append('s', 4);
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    expect(await model()).toMatchObject([{ told: upTo(4) }]);
    expect((await live.lag())[0]).toMatchObject({ eventsBehind: 0, isFailing: false });
    const idle = runner([new Tally('b')]);
    await idle.rebuild('b');
    expect(await model('b')).toEqual(await model('a'));
    expect((await idle.lag())[0]).toMatchObject({ eventsBehind: 0 });
  });

  it('frees a live one at once, however long that one meant to pause', async () => {
    const stuck = new Tally('a');
    stuck.before = ({ streamVersion }) => (streamVersion === 2 ? fails() : undefined);
    const live = runner([stuck], { pollMs: LONG_MS * 10, maxBackoffMs: LONG_MS * 10 });
    await append('s', 1, 2);
    live.start();
    await readUntil(
      () => live.lag(),
      ([lag]) => lag?.isFailing === true,
    );
    await runner([new Tally('a')]).rebuild('a');
    await append('s', 3);
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    expect(await model()).toMatchObject([{ told: upTo(3) }]);
  });

  it('is given longer for a statement than the other connections are', async () => {
    const { live } = await liveAndRebuilder();
    await append('s', 1);
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    const hasty = new pg.Pool({ connectionString: database.url, pipeline: true, query_timeout: 500 });
    const rebuilder = new ProjectionRunner(new PostgresEventStore(hasty, TEST_HISTORY_KEYS), [new Tally('a')]);
    const reader = await database.pool.connect();
    await reader.query('BEGIN');
    await reader.query('LOCK TABLE tally_a IN SHARE MODE');
    const rebuilt = rebuilder.rebuild('a');
    await readUntil(
      async () => {
        const { rows } = await database.pool.query<{ waits: string }>(
          `SELECT count(*) AS waits FROM pg_stat_activity
           WHERE wait_event_type = 'Lock' AND datname = current_database() AND now() - query_start > interval '1 second'`,
        );
        return rows;
      },
      ([row]) => row?.waits === '1',
    );
    await reader.query('COMMIT');
    reader.release();
    await rebuilt;
    await hasty.end();
    expect(await model()).toMatchObject([{ told: [1] }]);
  });

  it('is refused while another one is under way, and not afterwards', async () => {
    const { tally, rebuilder } = await liveAndRebuilder();
    await append('s', 1);
    const isUnderWay = gate();
    const mayGoOn = gate();
    tally.before = () => {
      isUnderWay.open();
      return mayGoOn.opened;
    };
    const first = rebuilder.rebuild('a');
    await isUnderWay.opened;
    const second = runner([new Tally('a'), new Tally('b')]);
    await expect(second.rebuild('a')).rejects.toBeInstanceOf(RebuildUnderWay);
    await second.rebuild('b');
    mayGoOn.open();
    await first;
    await second.rebuild('a');
    expect(await model()).toMatchObject([{ told: [1] }]);
    await expectNothingLeft();
  });

  it.each([1, 3])('leaves model and checkpoint as they were when its connection dies at event %d', async (at) => {
    const { live, tally, rebuilder } = await liveAndRebuilder({ batchSize: 2 });
    await append('s', 1, 2, 3);
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    tally.before = async ({ streamVersion }, transaction) => {
      if (streamVersion === at) await transaction.query('SELECT pg_terminate_backend(pg_backend_pid())');
    };
    await expect(rebuilder.rebuild('a')).rejects.toMatchObject({ code: 'EVENT_STORE_UNAVAILABLE' });
    expect(await model()).toMatchObject([{ told: upTo(3) }]);
    await expectNothingLeft();
    await append('s', 4);
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    tally.before = () => undefined;
    await rebuilder.rebuild('a');
    expect(await model()).toMatchObject([{ told: upTo(4) }]);
  });

  it('leaves model and checkpoint alone when the projection refuses an event', async () => {
    const { live, tally, rebuilder } = await liveAndRebuilder();
    await append('s', 1, 2, 3);
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    const before = await live.lag();
    tally.before = ({ streamVersion }) => (streamVersion === 3 ? fails() : undefined);
    await expect(rebuilder.rebuild('a')).rejects.toThrow('refused');
    expect(await model()).toMatchObject([{ told: upTo(3) }]);
    expect(await live.lag()).toEqual(before);
    await expectNothingLeft();
  });

  it('says how far it is', async () => {
    const { rebuilder } = await liveAndRebuilder({ batchSize: 2 });
    await append('s', 1, 2, 3, 4, 5);
    const told: number[][] = [];
    await rebuilder.rebuild('a', ({ eventsDone, eventsTotal }) => told.push([eventsDone, eventsTotal]));
    expect(told).toEqual([
      [2, 5],
      [4, 5],
      [5, 5],
    ]);
  });

  it('refuses a name that it does not run', async () => {
    await expect(runner([new Tally('a')]).rebuild('b')).rejects.toBeInstanceOf(ProjectionUnknown);
  });
});
