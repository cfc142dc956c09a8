import { jest } from '@jest/globals';
import { ServedDigest, openRecord } from '#libs/config-distribution';
import { EnvironmentChannels } from '../src/deployments/channel/environment-channels.ts';
import { EnvironmentUpkeep } from '../src/deployments/deployer/environment-upkeep.ts';
import { DriftRepair } from '../src/deployments/drift/drift-repair.ts';
import { ownContext } from '../src/persistence/unit-of-work.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { whileOpen } from './testing/open-transactions.ts';
import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { SeverableServer } from './testing/severable-server.ts';
import { testRedisUrl, until } from './testing/test-servers.ts';

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;

const SUITE_MS = 180_000;

let plane: RunningControlPlane;
let environment: Environment;
let gateway: FakeGateway;

beforeEach(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 3_000 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  environment = await plane.environment();
  gateway = await FakeGateway.admitted(plane.redis, environment);
}, SUITE_MS);
afterEach(async () => {
  await gateway.ends();
  await plane.close();
}, SUITE_MS);

const key = (name: string): string => `gw:{${environment.name}}:${name}`;
const deploy = (name: string) => {
  const order = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
  return plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody(name, order));
};
const finding = (proxyId: string) => ({
  ...({ where: 'redis', gatewayId: null, subject: { kind: 'proxy', proxyId } } as const),
  ...({ problem: 'missing', recorded: 1, found: null } as const),
});
const orderOf = (...proxyIds: string[]) => ({
  ...{ findings: proxyIds.map(finding), highestFound: 1, takesOutUnrecorded: false },
});
const channelIn = async (app: typeof plane.app) => (await app.get(EnvironmentChannels).opened(environment.id)).channel;

describe('one difference that several deployers found', () => {
  it(
    'is repaired once, whoever comes first',
    async () => {
      await deploy('orders');
      const order = orderOf(await plane.proxyId('orders'));
      const processes = [plane.app, await plane.process(), await plane.process()];
      const repaired = await Promise.all(
        processes.map(async (app) => app.get(DriftRepair).request(ownContext('test'), await channelIn(app), order)),
      );
      expect(repaired.map(({ deployments }) => deployments.length).sort()).toEqual([0, 0, 1]);
      expect((await plane.deployments()).map(({ deployment }) => deployment)).toEqual([1, 2]);
    },
    SUITE_MS,
  );

  it(
    'is left alone when the proxy was changed since',
    async () => {
      await deploy('orders');
      const order = orderOf(await plane.proxyId('orders'));
      await plane.done('DELETE', `/projects/shop/apiProxies/orders/environments/${environment.name}/`);
      const { deployments } = await plane.app
        .get(DriftRepair)
        .request(ownContext('test'), await channelIn(plane.app), order);
      expect(deployments).toEqual([]);
    },
    SUITE_MS,
  );
});

describe('a repair while everything begins to be published again', () => {
  it(
    'waits for that, and asks for nothing beside it',
    async () => {
      await deploy('orders');
      const order = orderOf(await plane.proxyId('orders'));
      let repairing: ReturnType<DriftRepair['request']> | undefined;
      await whileOpen(plane.pool, async (beginning) => {
        await beginning.query(`update environment_channels set repair_after = ''`);
        repairing = plane.app.get(DriftRepair).request(ownContext('test'), await channelIn(plane.app), order);
        // Others may wait for that row as well.
        await until('it waits', async () => {
          const waiting = await plane.pool.query(
            `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
               and query like '%from environment_channels%for update'`,
          );
          return waiting.rowCount === 1;
        });
      });
      expect(await repairing).toEqual({ deployments: [], identities: 0, isEverything: false });
    },
    SUITE_MS,
  );
});

describe('differences of more than a hundred proxies', () => {
  it(
    'have everything published again, in batches',
    async () => {
      await deploy('orders');
      const ids = [await plane.proxyId('orders'), ...Array.from({ length: 100 }, (_, at) => `proxy-${at}`)];
      const repaired = await plane.app
        .get(DriftRepair)
        .request(ownContext('test'), await channelIn(plane.app), orderOf(...ids));
      expect(repaired).toEqual({ deployments: [], identities: 0, isEverything: true });
      await until('orders is published again', async () => (await plane.deployments()).length === 2);
    },
    SUITE_MS,
  );
});

describe('what a repair does not mend', () => {
  it(
    'is tried again later and later, not at every look',
    async () => {
      await deploy('orders');
      const id = await plane.proxyId('orders');
      const upkeep = plane.app.get(EnvironmentUpkeep);
      const isGone = async () => (await plane.redis.hexists(key('artifacts'), id)) === 0;
      for (let look = 0; look < 6; look += 1) {
        await plane.redis.hdel(key('artifacts'), id);
        await upkeep.run(environment.id);
        await until('what was asked for has ended', async () =>
          (await plane.deployments()).every(({ state }) => state !== 'pending'),
        );
      }
      expect((await plane.deployments()).length).toBe(2);
      expect(await isGone()).toBe(true);
    },
    SUITE_MS,
  );
});

describe('what the views say of gateways', () => {
  /** A process that does nothing by itself. */
  const asker = async () => {
    const app = await plane.process({ roles: new Set(['api'] as const) });
    const headers = { authorization: `Bearer ${plane.adminToken}` };
    const get = async (path: string) => {
      const { body } = await app.inject({ method: 'GET', url: `/apiops${path}`, headers });
      return (JSON.parse(body) as { resultList: Record<string, unknown>[] }).resultList[0];
    };
    return { app, get };
  };
  const says = async (digest: string) =>
    gateway.says({ loaded: (await gateway.channel.position()) ?? null, deployment: 1, served: { proxies: 1, digest } });
  const trueDigest = async (): Promise<string> => {
    const [stored] = await gateway.channel.recordsAfter(0, 1);
    const record = stored === undefined ? undefined : openRecord(gateway.keys, stored);
    return record?.kind === 'artifact' ? ServedDigest.of([record]).text() : '';
  };

  it(
    'is found in a process that is no deployer, which opens the log once and reads on from there',
    async () => {
      await deploy('orders');
      const { app, get } = await asker();
      const environmentPath = `/environments/${environment.name}`;
      await says(await trueDigest());
      expect(await get(`${environmentPath}/gateways/`)).toMatchObject({ inSync: true, problem: null });
      const loads = jest.spyOn((await channelIn(app)).channel, 'checkpoint');
      await says('something else');
      expect(await get(`${environmentPath}/gateways/`)).toMatchObject({
        ...{ inSync: false, problem: 'what it serves differs from what is published, it does not say of which proxy' },
      });
      const health = await get(`/projects/shop/apiProxies/orders${environmentPath}/route-health/`);
      expect(health).toMatchObject({ inconsistent: true });
      expect(loads).not.toHaveBeenCalled();
    },
    SUITE_MS,
  );

  it(
    'is nothing while a gateway only was between two changes at the first look',
    async () => {
      await deploy('orders');
      await says('in between');
      const { app, get } = await asker();
      const live = jest.spyOn((await channelIn(app)).answers, 'live');
      const looking = get(`/environments/${environment.name}/gateways/`);
      await until('the lease was read', () => live.mock.results[0]?.value);
      await says(await trueDigest());
      expect(await looking).toMatchObject({ inSync: true });
    },
    SUITE_MS,
  );
});

describe('an environment that is deleted while its Redis is away', () => {
  it(
    'leaves keys behind that still open what is there, which is said',
    async () => {
      const server = await SeverableServer.closed(testRedisUrl());
      try {
        const away = await plane.environment({ redisUrl: server.url });
        await plane.done('DELETE', `/environments/${away.name}/`);
        const [line = ''] = plane.logLines.filter((one) => one.includes('gateways with a key of it can still start'));
        expect(JSON.parse(line)).toMatchObject({ level: 40, environmentId: away.id });
        expect(line).not.toContain(away.gatewayKey);
        await plane.done('DELETE', `/environments/${environment.name}/`);
        expect(plane.logLines.filter((one) => one.includes('gateways with a key of it'))).toHaveLength(1);
      } finally {
        await server.sever();
      }
    },
    SUITE_MS,
  );
});
