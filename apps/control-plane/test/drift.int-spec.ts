import {
  ConfigFollower,
  type ApplyOutcome,
  putIdentity,
  ServedDigest,
  type ServedProxy,
} from '#libs/config-distribution';
import { wishAllIdentities } from '../src/channel-upkeep/identity-wishes.ts';
import { EnvironmentUpkeep } from '../src/deployments/deployer/environment-upkeep.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { credentialBody, proxyBody } from './testing/request-bodies.ts';
import { whileOpen } from './testing/open-transactions.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;

const SUITE_MS = 180_000;
/** The whole log is read every 10 seconds. */
const WHOLE_LOOK_MS = 25_000;
const PROXIES = '/projects/shop/apiProxies';

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
const deploy = (name: string, members: object = {}, method: 'POST' | 'PUT' = 'POST') => {
  const order = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
  return plane.done(method, `${PROXIES}/url/`, proxyBody(name, { ...order, ...members }));
};
const drift = async () => (await plane.done('GET', `/environments/${environment.name}/drift/`)).resultList[0];
const found = async () => (await drift())?.['findings'] as Record<string, unknown>[];
const linesWith = (text: string) => plane.logLines.filter((line) => line.includes(text));
const reports = () => linesWith('does not hold what is recorded').map((line) => JSON.parse(line) as { level: number });
const metric = async (name: string): Promise<string[]> => {
  const answer = await plane.app.inject({ method: 'GET', url: '/metrics' });
  return answer.body.split('\n').filter((line) => line.startsWith(name) && !line.endsWith(' 0'));
};
/** Everything that was requested has ended, and nothing differs any more. */
const healed = (withinMs = WHOLE_LOOK_MS) =>
  until(
    'it is healed',
    async () => {
      const rows = await plane.deployments();
      const isSettled = rows.every(({ state }) => state !== 'pending');
      const view = await drift();
      return isSettled && view?.['isBeingRepaired'] === false && view['findingCount'] === 0;
    },
    withinMs,
  );
const artifactText = async (proxy: string) => (await gateway.artifactOf(await plane.proxyId(proxy)))?.text ?? '{}';

describe('one artifact in Redis', () => {
  it.each([
    ['is lost', 'missing', async (id: string) => void (await plane.redis.hdel(key('artifacts'), id))],
    [
      'was overwritten with foreign bytes',
      'altered',
      async (id: string) => void (await plane.redis.hset(key('artifacts'), id, '2 gibberish')),
    ],
    [
      'is an older genuine one, with its head',
      'older',
      async (id: string, older: string) =>
        void (await plane.redis.multi().hset(key('artifacts'), id, older).hset(key('heads'), id, '1').exec()),
    ],
  ])(
    'that %s is published again under a new number by itself, and reported once',
    async (_what, problem, damage) => {
      await deploy('orders');
      const id = await plane.proxyId('orders');
      const older = (await plane.redis.hget(key('artifacts'), id)) ?? '';
      await deploy('orders', { apiProxyDescription: 'newer' }, 'PUT');
      await damage(id, older);
      await until('it is requested again', async () => (await plane.deployments()).length === 3);
      await healed();
      expect(await plane.deployments()).toMatchObject([{}, {}, { deployment: 3, kind: 'publish', state: 'succeeded' }]);
      expect(JSON.parse(await artifactText('orders'))).toMatchObject({ revision: 2 });
      expect(reports()).toMatchObject([{ level: 40, findings: [{ where: 'redis', problem, recorded: 2 }] }]);
      const labels = `environment="${environment.name}"`;
      expect(await metric('gatewarden_drift_found_total')).toEqual([
        `gatewarden_drift_found_total{${labels},where="redis",problem="${problem}"} 1`,
      ]);
      expect(await metric('gatewarden_drift_repairs_total')).toEqual([
        `gatewarden_drift_repairs_total{${labels},what="proxy"} 1`,
      ]);
      expect(await metric('gatewarden_drift_compared_timestamp_seconds')).toHaveLength(1);
    },
    SUITE_MS,
  );
});

/** A copy of everything that was published, and a way back to it that the known position does not show. */
async function hiddenCopy(): Promise<() => Promise<void>> {
  const dumps = new Map<string, Buffer>();
  for (const name of await plane.redis.keys(key('*')))
    dumps.set(name, (await plane.redis.dumpBuffer(name)) ?? Buffer.alloc(0));
  const position = ['epoch', 'sequence', 'record_digest'];
  const known = (await plane.pool.query<Record<string, unknown>>('select * from environment_channels')).rows[0] ?? {};
  return async () => {
    const restoring = plane.redis.multi();
    for (const [name, dump] of dumps) restoring.del(name).restore(name, 0, dump);
    await whileOpen(plane.pool, async (transaction) => {
      await transaction.query(
        'update environment_channels set epoch = $1, sequence = $2, record_digest = $3',
        position.map((column) => known[column]),
      );
      await restoring.exec();
    });
  };
}

describe('a write that Redis lost and that later ones hide', () => {
  it(
    'is found in the log and published again, an undeployment as an undeployment',
    async () => {
      for (const name of ['orders', 'stock', 'prices']) await deploy(name);
      const restore = await hiddenCopy();
      await deploy('orders', { apiProxyDescription: 'newer' }, 'PUT');
      await plane.done('DELETE', `${PROXIES}/stock/environments/${environment.name}/`);
      expect((await gateway.artifactOf(await plane.proxyId('stock')))?.text).toBeUndefined();
      await restore();
      await until('both are requested again', async () => (await plane.deployments()).length === 7, WHOLE_LOOK_MS);
      await healed();
      expect(
        (await plane.deployments())
          .slice(5)
          .map(({ kind, state }) => `${kind} ${state}`)
          .sort(),
      ).toEqual(['publish succeeded', 'undeploy succeeded']);
      expect(JSON.parse(await artifactText('orders'))).toMatchObject({ revision: 2 });
      expect(await gateway.artifactOf(await plane.proxyId('stock'))).toBeUndefined();
      expect(linesWith('publishing everything again')).toEqual([]);
    },
    SUITE_MS,
  );
});

describe('an identity record in Redis', () => {
  const identities = () => key('identities:credential');
  const told = () =>
    until('alice is known', async () => {
      const stored = await plane.redis.hget(identities(), 'alice');
      const wishes = await plane.pool.query('select 1 from identity_wishes');
      return wishes.rowCount === 0 && stored !== null && stored;
    });
  beforeEach(() => plane.done('POST', '/projects/shop/credentials/', credentialBody('alice', 'a password')));

  it(
    'that is lost is told again',
    async () => {
      const before = await told();
      await plane.redis.hdel(identities(), 'alice');
      await until('alice is known again', () => gateway.identity('credential', 'alice'));
      expect(await plane.redis.hget(identities(), 'alice')).not.toBe(before);
      await healed();
      expect(reports()).toMatchObject([{ findings: [{ problem: 'missing', subject: { subject: 'alice' } }] }]);
      expect((await metric('gatewarden_drift_repairs_total'))[0]).toContain('what="identity"} 1');
    },
    SUITE_MS,
  );

  it(
    'that is an older one does not bring an old password or a deleted user back',
    async () => {
      const older = await told();
      await plane.done('DELETE', '/projects/shop/credentials/alice/');
      await until('alice is gone', async () => (await gateway.identity('credential', 'alice')) === undefined);
      await told();
      await plane.redis.hset(identities(), 'alice', older);
      expect(await gateway.identity('credential', 'alice')).toBeDefined();
      await until('alice is gone again', async () => (await gateway.identity('credential', 'alice')) === undefined);
      await healed();
      expect(reports()).toMatchObject([{ findings: [{ problem: 'older' }] }]);
    },
    SUITE_MS,
  );

  it(
    'of somebody who is gone is told again with all others when a Redis lost its data',
    async () => {
      await told();
      await plane.done('DELETE', '/projects/shop/credentials/alice/');
      await until('alice is gone', async () => (await gateway.identity('credential', 'alice')) === undefined);
      await told();
      const client = await plane.pool.connect();
      try {
        await client.query('begin');
        await wishAllIdentities(client, environment.id);
        const wishes = await client.query(`select kind, version > 0 as "hasVersion" from identity_wishes
          where subject = 'alice'`);
        await client.query('rollback');
        expect(wishes.rows).toEqual([{ kind: 'credential', hasVersion: true }]);
      } finally {
        client.release();
      }
    },
    SUITE_MS,
  );

  it(
    'of somebody of whom nothing is recorded is removed',
    async () => {
      await told();
      const content = await gateway.identity('credential', 'alice');
      await putIdentity(gateway.channel, gateway.keys, { kind: 'credential', subject: 'eve', version: 70, content });
      await until('eve is gone', async () => (await gateway.identity('credential', 'eve')) === undefined);
      await healed();
      expect(reports()).toMatchObject([{ findings: [{ problem: 'not-recorded', subject: { subject: 'eve' } }] }]);
    },
    SUITE_MS,
  );

  it.each([
    ['planted under a high version', () => plane.redis.hset(identities(), 'alice', '999999999 gibberish')],
    ['planted as removed', () => plane.redis.hset(identities(), 'alice', '999999999 ')],
    [
      'of a later state that PostgreSQL lost',
      async () => {
        const content = await gateway.identity('credential', 'alice');
        await putIdentity(gateway.channel, gateway.keys, {
          kind: 'credential',
          subject: 'alice',
          version: 900,
          content,
        });
      },
    ],
  ])(
    'that was %s keeps no change of the user out',
    async (_what, plant) => {
      await told();
      await plant();
      await plane.done('DELETE', '/projects/shop/credentials/alice/');
      await until('alice is gone', async () => {
        const wishes = await plane.pool.query('select 1 from identity_wishes');
        return wishes.rowCount === 0 && (await gateway.identity('credential', 'alice')) === undefined;
      });
      await healed();
      const stored = await gateway.channel.identity('credential', 'alice');
      expect(stored?.sealed).toBeNull();
      expect(stored?.version).toBeLessThan(1_000);
    },
    SUITE_MS,
  );
});

describe('gateways', () => {
  it(
    'that have applied higher numbers than are recorded make numbers go on behind them, and get everything again',
    async () => {
      for (const name of ['orders', 'stock']) await deploy(name);
      await gateway.says({ deployment: 50 });
      await until('both are requested again', async () => (await plane.deployments()).length === 4);
      await gateway.says({ loaded: (await gateway.channel.position()) ?? null, deployment: 52 });
      await gateway.appliesEverything();
      await healed();
      expect((await plane.deployments()).map(({ deployment }) => deployment)).toEqual([1, 2, 51, 52]);
      expect(reports()).toMatchObject([
        { findings: [{ where: 'gateway', gatewayId: 'gateway-1', problem: 'newer', recorded: 2, found: 50 }] },
      ]);
    },
    SUITE_MS,
  );

  it(
    'that serve something else at the end of the log are reported and get everything again',
    async () => {
      await deploy('orders');
      const says = async () =>
        gateway.says({
          ...{ loaded: (await gateway.channel.position()) ?? null, deployment: 1 },
          served: { proxies: 1, digest: 'something else' },
        });
      await until(
        'it is requested again',
        async () => {
          await says();
          return (await plane.deployments()).length === 2;
        },
        WHOLE_LOOK_MS,
      );
      expect(reports()).toMatchObject([
        { findings: [{ where: 'gateway', gatewayId: 'gateway-1', problem: 'altered' }] },
      ]);
    },
    SUITE_MS,
  );
});

describe('the comparison on demand', () => {
  it(
    'says what differs, and has it repaired at once when it is asked to',
    async () => {
      await deploy('orders');
      await gateway.appliesEverything();
      expect(await drift()).toEqual({
        ...{ proxies: 1, gateways: 1, isBeingRepaired: false, findingCount: 0, findings: [] },
        identities: expect.any(Number) as number,
      });
      await plane.redis.hdel(key('artifacts'), await plane.proxyId('orders'));
      const { resultList } = await plane.done('POST', `/environments/${environment.name}/drift/`, {});
      const finding = { projectName: 'shop', apiProxyName: 'orders', what: 'proxy', problem: 'missing' };
      expect(resultList[0]).toMatchObject({
        findings: [{ ...finding, where: 'redis', recorded: 1, found: null }],
        requested: { deployments: [{ apiProxyName: 'orders', deployment: 2 }], identities: 0, everything: false },
      });
      await healed();
      expect(await found()).toEqual([]);
      const requested = await plane.events();
      expect(requested.findLast(({ type }) => type === 'DeploymentRequested')?.metadata).toMatchObject({
        actor: 'admin',
      });
    },
    SUITE_MS,
  );
});

/** A gateway that serves what it was given, refuses some of it, and says so. */
function servingGateway(refuses: (deployment: number) => boolean): { look(): Promise<void> } {
  const live = new Map<string, ServedProxy>();
  const follower = new ConfigFollower(gateway.channel, gateway.keys, {
    apply: async (changes) =>
      new Map(
        changes.map(({ change }): [string, ApplyOutcome] => {
          if (refuses(change.deployment)) return [change.proxyId, { applied: false, reason: 'refused by the test' }];
          if (change.kind === 'artifact') live.set(change.proxyId, change);
          else live.delete(change.proxyId);
          return [change.proxyId, { applied: true }];
        }),
      ),
    report: () => undefined,
  });
  const look = async (): Promise<void> => {
    await follower.refresh();
    const digest = ServedDigest.of(live.values());
    const rejected = [...follower.rejections].map(([proxyId, { deployment, reason }]) => ({
      ...{ proxyId, deployment, reason },
    }));
    await gateway.says({
      ...{ loaded: follower.loaded ?? null, deployment: follower.highestDeployment, rejected },
      ...{ rejectedDeployments: rejected.map(({ deployment }) => deployment), unsettled: [...follower.unsettled] },
      holdsInstead: rejected.map(({ proxyId }) => ({ proxyId, deployment: live.get(proxyId)?.deployment ?? 0 })),
      served: { proxies: digest.proxies, digest: digest.text() },
    });
  };
  return { look };
}

describe('an environment that is as it should be', () => {
  it(
    'is never found to differ while proxies and users change, are refused and taken out, and several deployers look',
    async () => {
      const other = await plane.process();
      const served = servingGateway((deployment) => deployment % 7 === 3);
      let isOver = false;
      let comparisons = 0;
      const wrong: unknown[] = [];
      const whileRunning = async (step: () => Promise<unknown>): Promise<void> => {
        while (!isOver) await step();
      };
      const running = [
        whileRunning(() => served.look()),
        ...[plane.app, other].map((app) => whileRunning(() => app.get(EnvironmentUpkeep).run(environment.id))),
        whileRunning(async () => {
          const view = await drift();
          comparisons += 1;
          if (view?.['findingCount'] !== 0) wrong.push(view);
        }),
      ];
      const change = async (name: string): Promise<void> => {
        await deploy(name);
        for (let round = 0; round < 4; round += 1) {
          await deploy(name, { apiProxyDescription: `round ${round}` }, 'PUT');
          await plane.done('POST', '/projects/shop/credentials/', credentialBody(`${name}-${round}`, 'a password'));
          if (round % 2 === 1) await plane.done('DELETE', `/projects/shop/credentials/${name}-${round}/`);
          if (round === 2) await plane.done('DELETE', `${PROXIES}/${name}/environments/${environment.name}/`);
        }
      };
      const names = ['a', 'b', 'c', 'd', 'e'];
      await Promise.all(names.map(change)).finally(() => (isOver = true));
      await Promise.all(running);
      expect(wrong).toEqual([]);
      expect(comparisons).toBeGreaterThan(3);
      expect(reports()).toEqual([]);
      expect(linesWith('drift is being repaired')).toEqual([]);
      expect(await plane.deployments()).toHaveLength(names.length * 6);
      const failed = (await plane.deployments()).filter(({ state }) => state === 'failed');
      expect(failed.length).toBeGreaterThan(0);
    },
    SUITE_MS,
  );
});
