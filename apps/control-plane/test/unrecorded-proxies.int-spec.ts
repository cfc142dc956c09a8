import { FakeGateway } from './testing/fake-gateway.ts';
import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;

const SUITE_MS = 180_000;
/** The whole log is read every 10 seconds. */
const WHOLE_LOOK_MS = 25_000;

let plane: RunningControlPlane;
let environment: Environment;
let gateway: FakeGateway;
let stock: string;

const key = (name: string): string => `gw:{${environment.name}}:${name}`;
const deploy = (name: string, members: object = {}, method: 'POST' | 'PUT' = 'POST') => {
  const order = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
  return plane.done(method, '/projects/shop/apiProxies/url/', proxyBody(name, { ...order, ...members }));
};
const drift = async (method: 'GET' | 'POST' = 'GET', headers?: Record<string, string>) =>
  (await plane.done(method, `/environments/${environment.name}/drift/`, undefined, headers)).resultList[0];
const linesWith = (text: string) => plane.logLines.filter((line) => line.includes(text));
const counter = async (): Promise<number> => {
  const found = await plane.pool.query<{ last_deployment: string }>('select last_deployment from deployment_counters');
  return Number(found.rows[0]?.last_deployment);
};
const isSettled = async () => (await plane.deployments()).every(({ state }) => state !== 'pending');

/** Of `orders` a newer revision and of `stock` everything was recorded after the backup that came back. */
async function restoreOlderBackup(): Promise<void> {
  await plane.pool.query(`with gone as (delete from deployments where deployment > 1),
    numbers as (update deployment_counters set last_deployment = 1),
    forgotten as (delete from newest_deployments where deployment = 3)
    update newest_deployments set deployment = 1, revision = 1 where deployment = 2`);
}

beforeEach(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 3_000 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  environment = await plane.environment();
  gateway = await FakeGateway.admitted(plane.redis, environment);
  await deploy('orders');
  await deploy('orders', { apiProxyDescription: 'newer' }, 'PUT');
  await deploy('stock');
  stock = await plane.proxyId('stock');
}, SUITE_MS);
afterEach(async () => {
  await gateway.ends();
  await plane.close();
}, SUITE_MS);

describe('a proxy that PostgreSQL does not know, since it came back from an older backup', () => {
  it(
    'is reported and goes on; numbers go on behind it, and what is known comes back as it is recorded',
    async () => {
      await restoreOlderBackup();
      await until('orders comes back', async () => (await plane.deployments()).length === 2, WHOLE_LOOK_MS);
      await until('it is there', isSettled);
      expect(await plane.deployments()).toMatchObject([{ deployment: 1 }, { deployment: 4, state: 'succeeded' }]);
      const finding = { where: 'redis', problem: 'not-recorded', recorded: null, found: 3 };
      const said = await until('it is said', () => linesWith('"not-recorded"')[0], WHOLE_LOOK_MS);
      expect(JSON.parse(said)).toMatchObject({ level: 40 });
      expect((JSON.parse(said) as { findings: unknown[] }).findings).toContainEqual({
        ...{ ...finding, gatewayId: null, subject: { kind: 'proxy', proxyId: stock } },
      });
      expect((await drift())?.['findings']).toEqual([expect.objectContaining(finding)]);
      const metrics = (await plane.app.inject({ method: 'GET', url: '/metrics' })).body;
      expect(metrics).toContain(
        `gatewarden_drift{environment="${environment.name}",where="redis",problem="not-recorded"} 1`,
      );
      expect((await gateway.artifactOf(stock))?.deployment).toBe(3);
      expect(await plane.deployments()).toHaveLength(2);
    },
    SUITE_MS,
  );

  it(
    'is taken out when somebody asks for it, once however often the same request comes',
    async () => {
      await plane.pool.query('delete from deployments where deployment = 3');
      await plane.pool.query('delete from newest_deployments where deployment = 3');
      await plane.pool.query('update deployment_counters set last_deployment = 2');
      const ask = () => drift('POST', { 'idempotency-key': 'take-it-out' });
      const requested = { deployments: [{ deployment: 4 }], identities: 0, everything: false };
      const answer = await ask();
      expect(answer).toMatchObject({ findings: [{ problem: 'not-recorded' }], requested });
      expect(await ask()).toEqual(answer);
      await until(
        'it is taken out',
        async () => (await isSettled()) && (await gateway.artifactOf(stock)) === undefined,
      );
      expect((await plane.deployments()).slice(2)).toMatchObject([
        { deployment: 4, kind: 'undeploy', state: 'succeeded' },
      ]);
      await until('nothing differs', async () => (await drift())?.['findingCount'] === 0);
    },
    SUITE_MS,
  );

  it(
    'goes over into a log that has to be begun anew, which is said',
    async () => {
      const before = await gateway.channel.position();
      await restoreOlderBackup();
      await plane.pool.query(`update environment_channels set sequence = 1, record_digest = 'of another record'`);
      await until('a new log was begun', async () => (await gateway.channel.position())?.epoch !== before?.epoch);
      await until(
        'orders is published again',
        async () => (await plane.deployments()).length === 2 && (await isSettled()),
      );
      expect((await plane.deployments())[1]).toMatchObject({ deployment: 4 });
      const [line = ''] = linesWith('publishing everything again; proxies that are not recorded go on as they are');
      expect(JSON.parse(line)).toMatchObject({
        ...{ level: 40, notRecorded: 1, proxies: [{ proxyId: stock, project: 'shop', proxy: 'stock' }] },
      });
      const view = await drift();
      expect(view).toMatchObject({ findingCount: 1, findings: [{ problem: 'not-recorded', found: 3 }] });
      expect((await gateway.artifactOf(stock))?.deployment).toBe(3);
    },
    SUITE_MS,
  );
});

describe('a Redis that lost everything', () => {
  it(
    'gets everything that is recorded again: proxies, tombstones, users, the key ring, and says so once',
    async () => {
      await plane.done('DELETE', `/projects/shop/apiProxies/stock/environments/${environment.name}/`);
      const keys = await plane.redis.keys(key('*'));
      await plane.redis.del(...keys, ...(await plane.redis.keys(`gatewarden:deploy-${environment.id}:*`)));
      await until('it is requested again', async () => (await plane.deployments()).length === 6);
      await until('it is there', async () => (await isSettled()) && (await drift())?.['findingCount'] === 0);
      const again = (await plane.deployments()).slice(4).map(({ kind, state }) => `${kind} ${state}`);
      expect(again.sort()).toEqual(['publish succeeded', 'undeploy succeeded']);
      const joining = await FakeGateway.admitted(plane.redis, environment, 'gateway-2');
      expect(JSON.parse((await joining.artifactOf(await plane.proxyId('orders')))?.text ?? '{}')).toMatchObject({
        revision: 2,
      });
      expect(await joining.artifactOf(stock)).toBeUndefined();
      expect(linesWith('publishing everything again')).toHaveLength(1);
      expect(linesWith('notRecorded')).toEqual([]);
      expect(await counter()).toBe(6);
    },
    SUITE_MS,
  );
});
