import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import {
  comparePositions,
  EVENT_STORE_MIGRATIONS,
  type HistoryKeys,
  migrate,
  PostgresEventStore,
  START,
  type ProjectionRunner,
} from '#libs/event-store';
import { type FreshDatabase, readUntil } from '#libs/event-store/testing';
import type { RunningServer } from '#libs/embedded-servers';
import { historyKeysOf } from '../../../test/support/history-keys-of.ts';
import { copyRows, dumpAndRestore, findDumpTools, newEmbeddedCluster } from '../../../test/support/postgres-tools.ts';
import { brokenChains, deploymentsNotEndedOnce } from '../../../test/support/recorded-once.ts';
import { PROJECTION_RUNNER } from '../src/persistence/read-models.ts';
import { CONTROL_PLANE_MIGRATIONS } from '../src/persistence/control-plane-migrations.ts';
import { PROJECTIONS } from '../src/slices.ts';
import { credentialBody, policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

const X = '/projects/shop/apiProxies/orders';
const SNAPSHOT = { shape: 'counter@1', state: { count: 3 } };
/** Far more than a new cluster has given out when everything has been restored into it. */
const TRANSACTIONS_AHEAD = 20_000;

/** A way to bring a database into a new cluster. */
interface Way {
  readonly name: string;
  readonly newCluster: (dataDir: string) => Promise<RunningServer>;
  readonly restore: (from: FreshDatabase, to: FreshDatabase, directory: string) => Promise<void>;
}

const rowByRow: Way = {
  name: 'row by row',
  newCluster: newEmbeddedCluster,
  restore: async (from, to) => {
    await migrate(to.url, EVENT_STORE_MIGRATIONS, CONTROL_PLANE_MIGRATIONS);
    await copyRows(from.pool, to.pool);
  },
};
const tools = findDumpTools();
const ways: Way[] = [rowByRow];
if (tools !== undefined) {
  const { version, newCluster } = tools;
  const restore: Way['restore'] = (from, to, directory) =>
    dumpAndRestore(tools, from.url, to.url, path.join(directory, 'dump'));
  ways.push({ name: `by pg_dump ${version}`, newCluster, restore });
}

function databaseOf({ url }: RunningServer): FreshDatabase {
  const pool = new pg.Pool({ connectionString: url, max: 20, pipeline: true });
  pool.on('error', () => undefined);
  return { url, pool, drop: () => pool.end() };
}

describe.each(ways)('a database restored into a new cluster $name', (way) => {
  const masterKey = randomBytes(32);
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-test-'));
  const servers: RunningServer[] = [];
  let keys: HistoryKeys;
  let before: FreshDatabase;
  let after: FreshDatabase;
  let old: RunningControlPlane;
  let plane: RunningControlPlane;
  let store: PostgresEventStore;
  let events: Awaited<ReturnType<PostgresEventStore['readAll']>>;

  const cluster = async (name: string): Promise<FreshDatabase> => {
    const server = await way.newCluster(path.join(directory, name));
    servers.push(server);
    return databaseOf(server);
  };
  const readAll = async (from: PostgresEventStore, count: number) =>
    readUntil(
      () => from.readAll(START, 1_000),
      (found) => found.length >= count,
    );
  const addPolicy = (on: RunningControlPlane, name: string, deploy: boolean) =>
    on.done('POST', `${X}/policies/${name}/`, policyBody({ deploy }));
  const listed = async () => {
    const answers = await Promise.all(
      ['/projects/', '/projects/shop/apiProxies/', '/projects/shop/credentials/', '/environments/'].map((list) =>
        plane.done('GET', list),
      ),
    );
    return answers.map(({ resultList }) => resultList);
  };

  const fillOld = async (): Promise<void> => {
    await before.pool.query(
      `do $$ begin for n in 1..${TRANSACTIONS_AHEAD} loop perform pg_current_xact_id(); commit; end loop; end $$`,
    );
    await migrate(before.url, EVENT_STORE_MIGRATIONS, CONTROL_PLANE_MIGRATIONS);
    old = await RunningControlPlane.start({ deployTimeoutMs: 30_000 }, { database: before, masterKey });
    await old.done('POST', '/projects/', { name: 'shop' });
    const { name } = await old.environment();
    await old.done(
      'POST',
      '/projects/shop/apiProxies/url/',
      proxyBody('orders', { deploy: true, deployTargetEnvironmentNameList: [name] }),
    );
    await old.done('POST', '/projects/shop/credentials/', credentialBody('ada', 'the password of ada'));
    for (const policy of ['one', 'two']) await addPolicy(old, policy, true);
    // From here on the read models lag: the dump is of a moment at which they had not seen everything.
    await old.app.get<ProjectionRunner>(PROJECTION_RUNNER).stop();
    await addPolicy(old, 'unseen', false);
  };

  beforeAll(async () => {
    chmodSync(directory, 0o711);
    before = await cluster('before');
    await fillOld();
    keys = await historyKeysOf(before.pool, masterKey);
    const oldStore = new PostgresEventStore(before.pool, keys);
    await oldStore.transact(async (session) => {
      const data = Array.from({ length: 3 }, () => ({ type: 'Counted', schemaVersion: 1, data: {} }));
      const context = { recordedAt: new Date().toISOString(), metadata: { actor: 'ada', requestId: 'r' } };
      await session.append({ streamId: 'counter', expectedVersion: 0, events: data }, context);
      await session.saveSnapshot('counter', SNAPSHOT.shape, { version: 3, state: SNAPSHOT.state });
    });
    await old.app.close();
    const { rowCount } = await before.pool.query('select from events');
    events = await readAll(oldStore, rowCount ?? 0);
    after = await cluster('after');
    await way.restore(before, after, directory);
    store = new PostgresEventStore(after.pool, keys, {
      onUntrustedSnapshot: (streamId) => {
        throw new Error(`the snapshot of ${streamId} is not trusted`);
      },
    });
    plane = await RunningControlPlane.start({ deployTimeoutMs: 30_000 }, { database: after, masterKey });
  }, 120_000);
  afterAll(async () => {
    await plane.close();
    await old.close();
    for (const server of servers) await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('has transaction ids that start below those in the log', async () => {
    const { rows } = await after.pool.query<{ isBelow: boolean }>(
      `select pg_snapshot_xmax(pg_current_snapshot()) < (select min(transaction_id) from events where epoch = 1) as "isBelow"`,
    );
    expect(rows).toEqual([{ isBelow: true }]);
  });

  it('is read in full, in the order it was recorded in', async () => {
    expect(await readAll(store, events.length)).toEqual(events);
  });

  it('has read models that go on where they were: nothing missed, nothing repeated', async () => {
    const [projects, proxies, credentials, environments] = await until('the unseen change is shown', async () => {
      const lists = await listed();
      return JSON.stringify(lists[1]).includes('"revision":4') && lists;
    });
    expect(projects).toMatchObject([{ name: 'shop' }]);
    expect(proxies).toMatchObject([{ apiProxyName: 'orders', revision: 4 }]);
    expect(credentials).toMatchObject([{ username: 'ada' }]);
    expect(environments).toHaveLength(1);
    const runner = plane.app.get<ProjectionRunner>(PROJECTION_RUNNER);
    const live = await listed();
    for (const { name } of PROJECTIONS) await runner.rebuild(name);
    expect(await listed()).toEqual(live);
  });

  it('records new changes after everything restored, shows and deploys them', async () => {
    const { deploymentResult } = await addPolicy(plane, 'later', true);
    expect(deploymentResult).toMatchObject({ success: true });
    const last = events.at(-1)?.position ?? START;
    const added = await readUntil(
      () => store.readAll(last, 1_000),
      (found) => found.some(({ type }) => type === 'DeploymentSucceeded'),
    );
    expect(added.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['PolicyAdded', 'DeploymentRequested', 'DeploymentSucceeded']),
    );
    for (const { position } of added) expect(comparePositions(position, last)).toBeGreaterThan(0);
    expect(added.filter(({ eventId }) => events.some((event) => event.eventId === eventId))).toEqual([]);
    expect((await listed())[1]).toMatchObject([{ apiProxyName: 'orders', revision: 5 }]);
    await until('everything has ended', async () => (await deploymentsNotEndedOnce(after.pool)).length === 0);
  });

  it('has MACs that hold from before the dump to after it', async () => {
    expect(await brokenChains(after.pool, keys)).toEqual([]);
    const { rows } = await after.pool.query(
      `select from events group by stream_id having min(epoch) = 1 and max(epoch) = 2`,
    );
    expect(rows.length).toBeGreaterThan(0);
  });

  it('has snapshots that are trusted', async () => {
    const loaded = await store.loadStream('counter', SNAPSHOT.shape);
    expect(loaded).toEqual({ snapshot: { version: 3, state: SNAPSHOT.state }, events: [] });
  });
});
