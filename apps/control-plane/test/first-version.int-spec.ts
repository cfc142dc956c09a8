import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EVENT_STORE_MIGRATIONS, type MigrationSet } from '#libs/event-store';
import { freshDatabase, type FreshDatabase } from '#libs/event-store/testing';
import { CONTROL_PLANE_MIGRATIONS } from '../src/persistence/control-plane-migrations.ts';
import { prepareDatabase } from '../src/persistence/prepare-database.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { removeKeys } from './testing/test-servers.ts';

/** What a control plane of the first version left in its database; sealed under a master key of 32 times 7. */
const FROZEN = JSON.parse(readFileSync(new URL('./frozen/first-version.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, readonly Readonly<Record<string, unknown>>[]>
>;
const MASTER_KEY = Buffer.alloc(32, 7);
const LAST_MIGRATIONS = { store: '0001_event-log.sql', controlPlane: '1763000000001_route-claims.sql' };
const X = '/projects/shop/apiProxies/orders';

const temporary = mkdtempSync(path.join(tmpdir(), 'first-version-'));

/** The migrations of a set that the first version had. */
function upTo(last: string, set: MigrationSet): MigrationSet {
  const directory = mkdtempSync(path.join(temporary, 'migrations-'));
  for (const file of readdirSync(set.directory).filter((name) => name <= last)) {
    cpSync(path.join(set.directory, file), path.join(directory, file));
  }
  return { ...set, directory };
}

/** The tables as the first version had them, with what it left in them. */
async function databaseOfFirstVersion(): Promise<FreshDatabase> {
  const { store, controlPlane } = LAST_MIGRATIONS;
  const sets = [upTo(store, EVENT_STORE_MIGRATIONS), upTo(controlPlane, CONTROL_PLANE_MIGRATIONS)];
  const database = await freshDatabase(...sets);
  rmSync(temporary, { recursive: true });
  await database.pool.query('truncate event_store_epochs, projection_checkpoints');
  for (const [table, rows] of Object.entries(FROZEN)) {
    await database.pool.query(
      `insert into ${table} overriding system value select * from jsonb_populate_recordset(null::${table}, $1)`,
      [JSON.stringify(rows)],
    );
  }
  await database.pool.query(`select setval(pg_get_serial_sequence('events', 'sequence'), 1000)`);
  return database;
}

let plane: RunningControlPlane;

beforeAll(async () => {
  const database = await databaseOfFirstVersion();
  const { sealedEvents } = await prepareDatabase(database.url, MASTER_KEY);
  expect(sealedEvents).toBe(FROZEN['events']?.length);
  plane = await RunningControlPlane.start({}, { database, masterKey: MASTER_KEY });
});
afterAll(async () => {
  await removeKeys(plane.redis, 'gw:{landed}:*');
  await plane.close();
});

describe('a database of the first version', () => {
  it('shows its proxies with what the newer version adds', async () => {
    const { resultList } = await plane.done('GET', `${X}/`);
    expect(resultList).toMatchObject([
      {
        ...{ apiProxyName: 'orders', apiProxyDescription: 'all orders', revision: 5 },
        clientRoute: { relativePathList: ['/orders'], methodList: ['GET', 'POST'], headerList: [] },
        routingInfo: { loadBalanceAlgorithm: 'ROUND_ROBIN', connectTimeout: 3 },
      },
    ]);
    const { resultList: list } = await plane.done('GET', '/projects/shop/apiProxies/');
    expect(list).toMatchObject([{ apiProxyName: 'orders' }]);
  });

  it('shows its policies, its history and what was deployed', async () => {
    const { resultList } = await plane.done('GET', `${X}/policies/`);
    expect(resultList).toMatchObject([
      {
        apiProxy: { requestPolicyList: [{ name: 'issue', refreshTokenCount: 3 }] },
        endpointList: [{ endpoint: '/users/{id}', requestPolicyList: [{ name: 'check' }] }],
      },
    ]);
    const { resultList: events } = await plane.done('GET', `${X}/events/`);
    expect(events.map(({ type }) => type)).toEqual([
      ...['ProxyCreated', 'ProxyUpdated', 'EndpointAdded', 'PolicyAdded', 'PolicyAdded'],
    ]);
    const { resultList: deployed } = await plane.done('GET', `${X}/deploy-histories/`);
    // A later one may be there already: this test's Redis holds nothing of it, and is repaired.
    expect(deployed.slice(-2)).toMatchObject([
      { environment: 'landed', deployment: 2, revision: 5, success: true },
      { environment: 'landed', deployment: 1, revision: 5, success: true },
    ]);
  });

  it('shows its credentials, its variables and its environments', async () => {
    expect((await plane.done('GET', '/projects/shop/credentials/')).resultList).toMatchObject([
      { username: 'ada', roleNameList: ['reader'], ipList: [], metadata: [], password: null },
    ]);
    expect((await plane.done('GET', '/environments/')).resultList).toMatchObject([
      { name: 'landed', tokenIssuer: 'https://gatewarden/landed', ownRedis: false },
    ]);
    expect((await plane.done('GET', '/projects/shop/environmentVariables/')).resultList).toMatchObject([
      { name: 'private.secret' },
    ]);
  });

  it('goes on: changes, rolls back and deploys', async () => {
    const cors = { corsActive: true, allowOriginList: ['*'], allowMethodList: ['GET'], deploy: true };
    const changed = await plane.done('PATCH', `${X}/settings/cors/`, cors);
    expect(changed.deploymentResult).toMatchObject({ success: true, deploymentResults: [{ revision: 6 }] });
    const back = await plane.done('POST', `${X}/deploy-histories/1/rollback/?environmentName=landed`);
    expect(back.deploymentResult).toMatchObject({ success: true, deploymentResults: [{ revision: 7 }] });
    const { resultList } = await plane.done('GET', `${X}/diff/?from=5&to=7`);
    expect(resultList).toEqual([]);
    await plane.done('PUT', '/projects/shop/credentials/', {
      ...{ username: 'ada', password: 'a third password', email: 'ada@example.org', fullName: 'Ada' },
      ipList: ['10.0.0.0/8'],
    });
  });

  it('keeps the routes that were claimed', async () => {
    await plane.done('POST', '/projects/shop/apiProxies/url/', {
      apiProxyName: 'other',
      clientRoute: { relativePathList: ['/orders'], hostList: ['api.example.org'] },
      routingInfo: { routingAddressList: [{ address: 'http://127.0.0.1:9' }] },
    });
    const { status, body } = await plane.call('POST', '/projects/shop/apiProxies/other/environments/landed/');
    expect([status, body.error_description]).toEqual([409, expect.stringContaining('orders')]);
  });
});
