import { jest } from '@jest/globals';
import { UnitOfWork } from '../src/persistence/unit-of-work.ts';
import { EnvironmentUpkeep } from '../src/deployments/deployer/environment-upkeep.ts';
import { IdentityContent } from '../src/deployments/deployer/identity-content.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { waitedFor, whileOpen } from './testing/open-transactions.ts';
import { credentialBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;

const SUITE_MS = 180_000;
const PROXIES = '/projects/shop/apiProxies';

let plane: RunningControlPlane;
let environment: Environment;
beforeEach(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 3_000 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  environment = await plane.environment();
}, SUITE_MS);
afterEach(() => plane.close(), SUITE_MS);

const deploy = (name: string, members: object = {}, method: 'POST' | 'PUT' = 'POST') => {
  const order = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
  return plane.done(method, `${PROXIES}/url/`, proxyBody(name, { ...order, ...members }));
};
const keysOf = () => plane.redis.keys(`gw:{${environment.name}}:*`);
/** A copy of everything that the environment's Redis holds, and the way back to it. */
async function copied(): Promise<() => Promise<void>> {
  const dumps = new Map<string, Buffer>();
  for (const key of await keysOf()) dumps.set(key, (await plane.redis.dumpBuffer(key)) ?? Buffer.alloc(0));
  return async () => {
    const restoring = plane.redis.multi().del(...(await keysOf()));
    for (const [key, dump] of dumps) restoring.restore(key, 0, dump);
    await restoring.exec();
  };
}
/** From now on nobody looks at the environment until it is released. */
async function heldUpkeep(): Promise<{ release: () => void }> {
  const upkeep = plane.app.get(EnvironmentUpkeep);
  const look = upkeep.run.bind(upkeep);
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  // Looks come one after the other: when one is held, none is under way.
  const isHeld = new Promise<void>((resolve) => {
    jest.spyOn(upkeep, 'run').mockImplementation(async (environmentId) => {
      resolve();
      await released;
      return look(environmentId);
    });
  });
  await isHeld;
  return { release };
}
const errorLines = () => plane.logLines.filter((line) => line.includes('"level":50'));
const allSettled = async () => (await plane.deployments()).every(({ state }) => state !== 'pending');
const contentOf = async (gateway: FakeGateway, proxy: string): Promise<string> => {
  const found = await plane.pool.query<{ entity_id: string }>(`select entity_id from names where name = $1`, [proxy]);
  return (await gateway.artifactOf(found.rows[0]?.entity_id ?? ''))?.text ?? '';
};

describe('a Redis that comes back from an old copy', () => {
  it.each([
    ['shorter than what was published', 0],
    ['as long as what was published, with another tail', 1],
    ['longer than what was published, with another tail', 3],
  ])(
    'of the same epoch, %s: the newest is published again, and deleted users stay out',
    async (_what, more) => {
      await deploy('orders');
      await plane.done('POST', '/projects/shop/credentials/', credentialBody('alice', 'a password'));
      const gateway = await FakeGateway.admitted(plane.redis, environment);
      await until('alice is known', () => gateway.identity('credential', 'alice'));
      const restore = await copied();
      await deploy('orders', { apiProxyDescription: 'newer' }, 'PUT');
      await plane.done('DELETE', '/projects/shop/credentials/alice/');
      await until('alice is gone', async () => (await gateway.identity('credential', 'alice')) === undefined);
      const before = await gateway.channel.position();
      expect(before?.sequence).toBe(2);

      await restore();
      for (let at = 0; at < more; at += 1) {
        await gateway.channel.publish({ proxyId: `p${at}`, deployment: 50 + at, record: 'r', artifact: 'a' });
      }
      await until('a new log was begun', async () => (await gateway.channel.position())?.epoch !== before?.epoch);
      await until('it is published again', async () => {
        const rows = await plane.deployments();
        return rows.length === 3 && (await allSettled());
      });
      expect(await plane.deployments()).toMatchObject([{}, {}, { deployment: 3, state: 'succeeded' }]);
      expect(JSON.parse(await contentOf(gateway, 'orders'))).toMatchObject({ revision: 2 });
      expect(await gateway.identity('credential', 'alice')).toBeUndefined();
      expect(plane.logLines.filter((line) => line.includes('publishing everything again'))).toHaveLength(1);
    },
    SUITE_MS,
  );

  it(
    'is noticed although it was published to, past where it had been, before anybody looked',
    async () => {
      await deploy('orders');
      await plane.done('POST', '/projects/shop/credentials/', credentialBody('alice', 'a password'));
      const gateway = await FakeGateway.admitted(plane.redis, environment);
      await until('alice is known', () => gateway.identity('credential', 'alice'));
      const restore = await copied();
      await deploy('orders', { apiProxyDescription: 'newer' }, 'PUT');
      await plane.done('DELETE', '/projects/shop/credentials/alice/');
      await until('alice is gone', async () => (await gateway.identity('credential', 'alice')) === undefined);
      const before = await gateway.channel.position();

      const upkeep = await heldUpkeep();
      await restore();
      for (const name of ['second', 'third']) await deploy(name);
      expect(await gateway.channel.position()).toEqual({ epoch: before?.epoch, sequence: (before?.sequence ?? 0) + 1 });
      upkeep.release();
      await until('a new log was begun', async () => (await gateway.channel.position())?.epoch !== before?.epoch);
      await until('everything is published again', async () => (await plane.deployments()).length === 7);
      await until('it is deployed', allSettled);
      expect(JSON.parse(await contentOf(gateway, 'orders'))).toMatchObject({ revision: 2 });
      expect(await gateway.identity('credential', 'alice')).toBeUndefined();
      expect((await plane.events()).filter(({ type }) => type === 'ChannelRestarted')).toHaveLength(1);
    },
    SUITE_MS,
  );

  it(
    'is repaired by one deployer only, however many look',
    async () => {
      await deploy('orders');
      const restore = await copied();
      await deploy('orders', { apiProxyDescription: 'newer' }, 'PUT');
      const others = [await plane.process(), await plane.process()];
      await restore();
      const upkeeps = [plane.app, ...others].map((app) => app.get(EnvironmentUpkeep).run(environment.id));
      await Promise.all(upkeeps);
      await until('it is published again', async () => (await plane.deployments()).length > 2 && (await allSettled()));
      for (const app of [plane.app, ...others]) await app.get(EnvironmentUpkeep).run(environment.id);
      expect(await plane.deployments()).toHaveLength(3);
    },
    SUITE_MS,
  );
});

describe('a Redis that is as it should be', () => {
  it(
    'is not repaired while several deployers publish and look at once',
    async () => {
      const other = await plane.process();
      const names = Array.from({ length: 12 }, (_, index) => `p${index}`);
      let isOver = false;
      const looking = [plane.app, other].map(async (app) => {
        while (!isOver) await app.get(EnvironmentUpkeep).run(environment.id);
      });
      await Promise.all(names.map((name) => deploy(name))).finally(() => (isOver = true));
      await Promise.all(looking);
      expect(await plane.deployments()).toHaveLength(names.length);
      const known = await plane.pool.query<{ sequence: string }>(
        'select sequence from environment_channels where environment_id = $1',
        [environment.id],
      );
      expect(Number(known.rows[0]?.sequence)).toBe(names.length);
    },
    SUITE_MS,
  );
});

describe('a Redis that gateways cannot load', () => {
  it.each([
    ['its checkpoint is altered', (prefix: string) => plane.redis.hset(`${prefix}:checkpoint`, 'sealed', 'gibberish')],
    [
      'its checkpoint is lost after the log was trimmed',
      async (prefix: string) => {
        await plane.redis.xtrim(`${prefix}:log`, 'MAXLEN', 1);
        await plane.redis.del(`${prefix}:checkpoint`);
      },
    ],
  ])(
    'because %s is published again',
    async (_what, damage) => {
      await deploy('orders');
      await deploy('orders', { apiProxyDescription: 'newer' }, 'PUT');
      await damage(`gw:{${environment.name}}`);
      await until('it is published again', async () => (await plane.deployments()).length === 3, 20_000);
      await until('it is deployed', allSettled);
      const gateway = await FakeGateway.admitted(plane.redis, environment);
      expect((await gateway.channel.checkpoint())?.position.epoch).toBe((await gateway.channel.position())?.epoch);
      expect(await gateway.channel.recordsAfter(0, 10)).toMatchObject([{ sequence: 1, deployment: 3 }]);
    },
    SUITE_MS,
  );
});

describe('a new environment with the name of a deleted one', () => {
  it(
    'begins with a log of its own: what the other one left is no loss, and opens to nobody',
    async () => {
      await deploy('orders');
      await plane.done('POST', '/projects/shop/credentials/', credentialBody('alice', 'a password'));
      const before = await FakeGateway.admitted(plane.redis, environment);
      await until('alice is known', () => before.identity('credential', 'alice'));
      await plane.done('DELETE', `${PROXIES}/orders/environments/${environment.name}/`);
      const left = await before.channel.position();
      await plane.done('DELETE', `/environments/${environment.name}/`);
      await plane.done('DELETE', '/projects/shop/credentials/alice/');
      expect(await before.channel.position()).toEqual(left);

      environment = await plane.environment({}, environment.name);
      await plane.app.get(EnvironmentUpkeep).run(environment.id);
      const gateway = await FakeGateway.admitted(plane.redis, environment);
      expect((await gateway.channel.position())?.epoch).not.toBe(left?.epoch);
      await plane.app.get(EnvironmentUpkeep).run(environment.id);
      await deploy('orders', {}, 'PUT');
      expect(JSON.parse(await contentOf(gateway, 'orders'))).toMatchObject({ revision: 2 });
      expect(await gateway.channel.identity('credential', 'alice')).toBeUndefined();
      expect((await plane.events()).filter(({ type }) => type === 'ChannelRestarted')).toEqual([]);
      expect(plane.logLines.filter((line) => line.includes('publishing everything again'))).toEqual([]);
      expect(plane.logLines.filter((line) => line.includes('a new log was begun in its place'))).toHaveLength(1);
    },
    SUITE_MS,
  );
});

describe('a head that claims a deployment', () => {
  it(
    'which was never made is reported and overwritten, and the deployment succeeds',
    async () => {
      await deploy('orders');
      const found = await plane.pool.query<{ proxy_id: string }>('select proxy_id from deployments');
      const proxyId = found.rows[0]?.proxy_id ?? '';
      await plane.redis.hset(`gw:{${environment.name}}:heads`, proxyId, '999999999');
      const { deploymentResult } = await deploy('orders', { apiProxyDescription: 'newer' }, 'PUT');
      expect(deploymentResult).toMatchObject({ success: true, deploymentResults: [{ deployment: 2, success: true }] });
      const gateway = await FakeGateway.admitted(plane.redis, environment);
      expect((await gateway.artifactOf(proxyId))?.deployment).toBe(2);
      expect(errorLines().filter((line) => line.includes('999999999'))).toHaveLength(1);
    },
    SUITE_MS,
  );

  it(
    'which was sealed here makes numbers go on behind it: PostgreSQL came back from an old copy',
    async () => {
      await deploy('orders');
      for (const text of ['two', 'three']) await deploy('orders', { apiProxyDescription: text }, 'PUT');
      await plane.pool.query('delete from deployments where deployment > 1');
      await plane.pool.query('update deployment_counters set last_deployment = 1');
      const { deploymentResult } = await deploy('orders', { apiProxyDescription: 'four' }, 'PUT');
      expect(deploymentResult).toMatchObject({ success: true });
      expect(await plane.deployments()).toMatchObject([
        { deployment: 1, state: 'succeeded' },
        { deployment: 2, state: 'superseded' },
        { deployment: 4, state: 'succeeded' },
      ]);
    },
    SUITE_MS,
  );
});

describe('a new log', () => {
  it(
    'says that it has everybody once it has, and not before',
    async () => {
      const lonely = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 50 });
      try {
        const created = await lonely.environment();
        const upkeep = () => lonely.app.get(EnvironmentUpkeep).run(created.id);
        await lonely.done('POST', '/projects/', { name: 'shop' });
        const before = [credentialBody('alice', 'a password'), credentialBody('bob', 'a password')];
        for (const body of before) await lonely.done('POST', '/projects/shop/credentials/', body);
        await upkeep();
        const { channel } = await FakeGateway.admitted(lonely.redis, created);
        expect(await channel.isToldOfAll()).toBe(true);

        const position = `gw:{${created.name}}:position`;
        const told: boolean[] = [];
        const contents = lonely.app.get(IdentityContent);
        const contentOf = contents.of.bind(contents);
        jest.spyOn(contents, 'of').mockImplementation(async (wish) => {
          told.push(await channel.isToldOfAll());
          return contentOf(wish);
        });
        for (const lose of [
          () => lonely.redis.del(position),
          () => lonely.redis.hset(position, 'epoch', 'another', 'told', ''),
          async () => lonely.redis.del(...(await lonely.redis.keys(`gw:{${created.name}}:*`))),
        ]) {
          await lose();
          expect(await channel.isToldOfAll()).toBe(false);
          await upkeep();
          expect(told.splice(0)).toEqual([false, false]);
          expect(await channel.isToldOfAll()).toBe(true);
          expect((await channel.identities('credential', ['alice', 'bob'])).found.size).toBe(2);
        }

        // Wished for while the others are told: by another process, which has begun a log meanwhile, say.
        jest.spyOn(contents, 'of').mockImplementationOnce(async (wish) => {
          await lonely.pool.query(
            `insert into identity_wishes (environment_id, kind, subject, entity_id, version)
             values ($1, 'credential', 'carol', 'nobody', nextval('identity_versions'))`,
            [created.id],
          );
          return contentOf(wish);
        });
        await lonely.redis.del(position);
        await upkeep();
        expect(await channel.isToldOfAll()).toBe(false);
        await upkeep();
        expect(await channel.isToldOfAll()).toBe(true);
      } finally {
        await lonely.close();
      }
    },
    SUITE_MS,
  );
});

describe('a repair of many proxies', () => {
  it(
    'comes in batches that hold up nobody for long, and goes on where it was after a crash',
    async () => {
      const lonely = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 50 });
      try {
        const { id } = await lonely.environment();
        const upkeep = lonely.app.get(EnvironmentUpkeep);
        await upkeep.run(id);
        await lonely.pool.query(
          `insert into deployments (environment_id, deployment, proxy_id, kind, revision, actor, description,
             requested_at, state)
           select $1, n, 'p' || lpad(n::text, 4, '0'), 'publish', 1, 'a', '', now(),
             case when n <= 200 then 'pending' else 'succeeded' end
           from generate_series(1, 450) n`,
          [id],
        );
        await lonely.pool.query(
          `insert into newest_deployments select environment_id, proxy_id, deployment, kind, revision from deployments`,
        );
        await lonely.pool.query('insert into deployment_counters values ($1, 450)', [id]);
        // As a deployer leaves it that was killed after its first batch.
        await lonely.pool.query(`update environment_channels set repair_after = 'p0200' where environment_id = $1`, [
          id,
        ]);
        const units = jest.spyOn(lonely.app.get(UnitOfWork), 'run');
        await upkeep.run(id);
        expect(units).toHaveBeenCalledTimes(2);
        const again = await lonely.pool.query<{ proxy_id: string }>(
          'select proxy_id from deployments where deployment > 450 order by deployment',
        );
        expect(again.rows.map((row) => row.proxy_id)).toEqual(
          Array.from({ length: 250 }, (_, index) => `p${String(index + 201).padStart(4, '0')}`),
        );
        const left = await lonely.pool.query('select repair_after from environment_channels');
        expect(left.rows).toEqual([{ repair_after: null }]);
      } finally {
        await lonely.close();
      }
    },
    SUITE_MS,
  );

  it(
    'undoes nothing that is requested while it runs',
    async () => {
      const lonely = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 50 });
      try {
        const { id } = await lonely.environment();
        const upkeep = lonely.app.get(EnvironmentUpkeep);
        await upkeep.run(id);
        const insert = `with wish as (
            insert into deployments (environment_id, deployment, proxy_id, kind, revision, actor, description,
              requested_at, state) values ($1, $2, 'p', $3, 1, 'a', '', now(), 'succeeded')
          ) insert into newest_deployments values ($1, 'p', $2, $3, 1)
          on conflict (environment_id, proxy_id) do update set deployment = excluded.deployment, kind = excluded.kind`;
        await lonely.pool.query('insert into deployment_counters values ($1, 1)', [id]);
        await lonely.pool.query(insert, [id, 1, 'publish']);
        await lonely.pool.query(`update environment_channels set repair_after = '' where environment_id = $1`, [id]);
        let repairing: Promise<unknown> | undefined;
        await whileOpen(lonely.pool, async (change) => {
          await change.query('update deployment_counters set last_deployment = 2 where environment_id = $1', [id]);
          repairing = upkeep.run(id);
          await waitedFor(change);
          await change.query(insert, [id, 2, 'undeploy']);
        });
        await repairing;
        expect((await lonely.deployments()).map(({ kind }) => kind)).toEqual(['publish', 'undeploy', 'undeploy']);
      } finally {
        await lonely.close();
      }
    },
    SUITE_MS,
  );
});
