import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres, type RunningServer } from '#libs/embedded-servers';
import { copyCluster, startStandby, type Standby } from '#libs/embedded-servers/testing';
import { EVENT_STORE_MIGRATIONS, migrate } from '#libs/event-store';
import { historyKeysOf } from '../../../test/support/history-keys-of.ts';
import { brokenChains, deploymentsNotEndedOnce, recordedWrites } from '../../../test/support/recorded-once.ts';
import { ServerDoor } from '../../../test/support/server-door.ts';
import { CONTROL_PLANE_MIGRATIONS } from '../src/persistence/control-plane-migrations.ts';
import { KeyedWrites, Turn, type WriteAnswer } from './testing/keyed-writes.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

const WRITERS = 6;
const READ_ONLY = 'the database is read-only at the moment; nothing was recorded';
const SERVER_READ_ONLY = 'the database is read-only: it answers, and takes no changes';

const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-test-'));
const dataDir = (name: string) => path.join(directory, name);
const masterKey = randomBytes(32);
/** The second follows the first, the third the second. */
let first: RunningServer;
let second: Standby;
let third: Standby;
let door: ServerDoor;
let plane: RunningControlPlane;
let writes: KeyedWrites;
const pools: pg.Pool[] = [];

/** Past the door. */
function poolOf(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url });
  pool.on('error', () => undefined);
  pools.push(pool);
  return pool;
}

const takesQueries = (what: string, url: string): Promise<unknown> =>
  until(
    what,
    () =>
      poolOf(url)
        .query('select')
        .then(
          () => true,
          () => false,
        ),
    60_000,
  );

/** Nothing that was answered is lost in a fail-over where the standby has it before the answer. */
async function answerOnlyWhatIsThere(database: pg.Pool): Promise<void> {
  await database.query(`alter system set synchronous_standby_names = '*'`);
  await database.query('select pg_reload_conf()');
  await until(
    'the standby has everything before it is answered',
    async () => {
      const { rows } = await database.query(`select 1 from pg_stat_replication where sync_state = 'sync'`);
      return rows.length > 0;
    },
    60_000,
  );
}

async function becomesReadOnly(database: pg.Pool, value: 'on' | 'off'): Promise<void> {
  await database.query(`alter system set default_transaction_read_only = ${value}`);
  await database.query('select pg_reload_conf()');
}

async function promote(database: pg.Pool): Promise<void> {
  await database.query('select pg_promote()');
}

const readyz = (): Promise<WriteAnswer> => writes.ask('GET', '/readyz');
const isReady = (): Promise<boolean> => writes.isReady();

/** Changes are refused with nothing recorded; what only asks is answered; who watches is told. */
async function expectReadsAlone(): Promise<void> {
  const refused = await Promise.all(Array.from({ length: 4 }, () => writes.send(writes.next())));
  for (const answer of refused) expect(answer).toEqual({ status: 503, message: READ_ONLY });
  const asked = ['/apiops/projects/', '/apiops/projects/shop/apiProxies/orders/', '/healthz'];
  for (const url of asked) expect([url, (await writes.ask('GET', url)).status]).toEqual([url, 200]);
  expect(await readyz()).toEqual({ status: 503, message: SERVER_READ_ONLY });
}

beforeAll(async () => {
  chmodSync(directory, 0o711);
  first = await startEmbeddedPostgres({ dataDir: dataDir('first') });
  await migrate(first.url, EVENT_STORE_MIGRATIONS, CONTROL_PLANE_MIGRATIONS);
  await first.stop();
  for (const name of ['second', 'third']) copyCluster(dataDir('first'), dataDir(name));
  first = await startEmbeddedPostgres({ dataDir: dataDir('first') });
  second = await startStandby(dataDir('second'), first.url);
  await takesQueries('the second server follows', second.url);
  third = await startStandby(dataDir('third'), second.url);
  await takesQueries('the third server follows', third.url);
  await answerOnlyWhatIsThere(poolOf(first.url));
  door = await ServerDoor.to(first.url);
  const database = new pg.Pool({
    connectionString: door.url,
    max: 20,
    pipeline: true,
    application_name: 'the plane',
    connectionTimeoutMillis: 5_000,
    // None ends by itself: whatever still leads to an old server would be used again.
    idleTimeoutMillis: 0,
  });
  const found = { url: door.url, pool: database, drop: () => database.end() };
  plane = await RunningControlPlane.start({ deployTimeoutMs: 1_000 }, { database: found, masterKey });
  writes = new KeyedWrites(plane, plane.app, {
    ...{ writes: recordedWrites, deploymentsNotEndedOnce },
    brokenChains: async (pool) => brokenChains(pool, await historyKeysOf(pool, masterKey)),
  });
  await writes.prepare();
}, 120_000);
afterAll(async () => {
  await plane.close();
  await Promise.all(pools.map((pool) => pool.end()));
  await door.close();
  await Promise.all([first.stop(), second.stop(), third.stop()]);
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

describe('PostgreSQL that becomes read-only', () => {
  it('under load: changes are refused and not recorded, questions answered, and the same process goes on afterwards', async () => {
    const direct = poolOf(first.url);
    const turn = new Turn();
    const loaded = writes.keepWriting(WRITERS, (answer) => turn.count(answer, WRITERS));
    await until('some are done', () => turn.done >= 10, 60_000);
    turn.begin();
    await becomesReadOnly(direct, 'on');
    await until('changes are refused', () => turn.refused >= WRITERS, 60_000);
    await expectReadsAlone();
    await becomesReadOnly(direct, 'off');
    await loaded;
    await until('it is ready', isReady);
    await writes.checkEveryAnswer(direct);
    await writes.sendAllAgain(direct);
  }, 180_000);
});

describe('a standby that takes the place of its server', () => {
  it('which goes on answering: connections to it are given up, and nothing that is read is old', async () => {
    await Promise.all(Array.from({ length: 30 }, () => plane.call('GET', '/projects/')));
    await becomesReadOnly(poolOf(first.url), 'on');
    door.leadTo(second.url);
    await until('changes reach the standby', async () => (await writes.send(writes.next())).message === READ_ONLY);
    const direct = poolOf(second.url);
    await promote(direct);
    await until('changes are taken again', async () => (await writes.send(writes.next())).status === 200, 60_000);
    await until(
      'no connection leads to the old server',
      async () => {
        const { rows } = await poolOf(first.url).query(
          `select 1 from pg_stat_activity where backend_type = 'client backend' and datname = current_database()
           and application_name = 'the plane'`,
        );
        return rows.length === 0;
      },
      60_000,
    );
    await plane.done('POST', '/projects/', { name: 'after-the-switch' });
    const lists = await Promise.all(Array.from({ length: 30 }, () => plane.call('GET', '/projects/')));
    for (const { text } of lists) expect(text).toContain('"after-the-switch"');
    await writes.sendAllAgain(direct);
  }, 180_000);

  it('which was killed: questions are answered by the standby, changes taken from its promotion on, none lost', async () => {
    const before = poolOf(second.url);
    await answerOnlyWhatIsThere(before);
    const direct = poolOf(third.url);
    const turn = new Turn();
    const loaded = writes.keepWriting(WRITERS, (answer) => turn.count(answer, WRITERS));
    await until('some are done', () => turn.done >= 10, 60_000);
    turn.begin();
    await second.kill();
    door.leadTo(third.url);
    await until(
      'questions are answered',
      async () => (await writes.ask('GET', '/apiops/projects/')).status === 200,
      60_000,
    );
    await until('it is known to be a standby', async () => (await readyz()).message === SERVER_READ_ONLY, 60_000);
    await expectReadsAlone();
    await promote(direct);
    await loaded;
    await until('it is ready', isReady);
    await writes.checkEveryAnswer(direct);
    await writes.sendAllAgain(direct);
  }, 180_000);
});
