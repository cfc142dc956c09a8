import { Redis } from 'ioredis';
import { putIdentity } from '#libs/config-distribution';
import type { KeySetOrders } from '#libs/policy-contracts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { METADATA, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';
import { SeverableServer } from './testing/severable-server.ts';
import { removeKeys, testRedisUrl, until } from './testing/test-servers.ts';

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;

const SUITE_MS = 180_000;
const URI = 'https://login.example.com/jwks.json';
const KEY = { uri: URI, kid: '2026-01' };

let plane: RunningControlPlane;
let environment: Environment;
const gateways: FakeGateway[] = [];
beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: SUITE_MS });
  await plane.done('POST', '/projects/', { name: 'shop' });
}, SUITE_MS);
afterAll(() => plane.close(), SUITE_MS);
beforeEach(async () => void (environment = await plane.environment()));
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.ends();
});

const at = (path: string): string => `/environments/${environment.name}/jwks/${path}`;
const flush = (body?: object, headers?: Record<string, string>) => plane.done('POST', at('flush/'), body, headers);
const deny = (body: object = KEY, headers?: Record<string, string>) => plane.done('POST', at('deny/'), body, headers);
const allowPath = ({ uri, kid } = KEY): string => at(`deny/?${new URLSearchParams({ uri, kid }).toString()}`);
const view = async () => (await plane.done('GET', at(''))).resultList[0] ?? {};
const faultsOf = ({ body }: Answer): string[] =>
  (body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`).sort();
async function admitted(gatewayId = 'gateway-1', redis = plane.redis): Promise<FakeGateway> {
  const gateway = await FakeGateway.admitted(redis, environment, gatewayId);
  gateways.push(gateway);
  return gateway;
}
async function obedient(gatewayId = 'gateway-1', redis = plane.redis): Promise<FakeGateway> {
  const gateway = await admitted(gatewayId, redis);
  await gateway.obeysOrders();
  return gateway;
}
const ordersFor = (gateway: FakeGateway) => gateway.identity('orders', 'key-sets') as Promise<KeySetOrders | undefined>;
const ordersEvents = async () =>
  (await plane.events()).filter(
    ({ stream_id: stream, type }) => stream === `environment-${environment.id}` && /^Key/.test(type),
  );
const identities = (): string => `gw:{${environment.name}}:identities:orders`;

describe('POST /apiops/environments/{env}/jwks/deny/', () => {
  it('tells every gateway of the environment, and says that all of them obey', async () => {
    const [one, other] = [await obedient('a'), await obedient('b')];
    const { resultList } = await deny();
    const [result] = resultList;
    expect(result).toMatchObject({
      ...{ environmentName: environment.name, success: true, message: 'All 2 live gateways obey it' },
      gateways: { live: 2, obeying: 2, pending: 0 },
      detailList: [
        { gatewayId: 'a', success: true },
        { gatewayId: 'b', success: true },
      ],
    });
    for (const gateway of [one, other]) expect(await ordersFor(gateway)).toEqual({ flushes: [], denied: [KEY] });
    expect((await one.channel.identity('orders', 'key-sets'))?.version).toBe(result?.['version']);
    expect(await ordersEvents()).toMatchObject([
      { type: 'KeyIdDenied', data: { environmentId: environment.id, ...KEY }, metadata: { actor: 'admin' } },
    ]);
  });

  it('is told to its environment and to no other', async () => {
    const gateway = await obedient();
    const other = await plane.environment();
    await deny();
    expect(await ordersFor(gateway)).toBeDefined();
    expect(await plane.redis.exists(`gw:{${other.name}}:identities:orders`)).toBe(0);
    const wishes = await plane.pool.query(
      `select 1 from told_identities where kind = 'orders' and environment_id = $1`,
      [other.id],
    );
    expect(wishes.rowCount).toBe(0);
  });

  it('denied twice is a 200 that waits for the same order, and no second event', async () => {
    await obedient();
    const first = await deny();
    const again = await deny({ ...KEY, uri: 'HTTPS://login.example.com:443/jwks.json#x' });
    // A new environment is told everything once more when its channel begins.
    const { version } = again.resultList[0] as { version: number };
    expect(again.resultList).toEqual([{ ...first.resultList[0], version }]);
    expect(version).toBeGreaterThanOrEqual(Number(first.resultList[0]?.['version']));
    expect(await ordersEvents()).toHaveLength(1);
  });

  it('with an Idempotency-Key is done once and answered alike', async () => {
    await obedient();
    const headers = { 'idempotency-key': 'deny-once' };
    const first = await plane.call('POST', at('deny/'), KEY, headers);
    await plane.done('DELETE', allowPath());
    const again = await plane.call('POST', at('deny/'), KEY, headers);
    expect([again.text, again.headers['idempotency-replayed']]).toEqual([first.text, 'true']);
    expect((await ordersEvents()).map(({ type }) => type)).toEqual(['KeyIdDenied', 'KeyIdAllowed']);
  });

  it.each([
    [{}, ['kid required', 'uri required']],
    [{ uri: 'https://a:b@host/', kid: '', more: 1 }, ['kid out_of_range', 'more unknown_field', 'uri invalid']],
    [{ uri: 'ftp://host/', kid: 'x'.repeat(256) }, ['kid out_of_range', 'uri invalid']],
    [{ uri: 'https:host', kid: 'a\u0001b' }, ['kid invalid', 'uri invalid']],
    [{ uri: '/jwks.json', kid: 7 }, ['kid wrong_type', 'uri invalid']],
    [{ uri: 'https://host/a\nb', kid: 'a' }, ['uri invalid']],
    [{ uri: `https://host/${'é'.repeat(400)}`, kid: 'a' }, ['uri invalid']],
  ])('of %j is refused with every fault', async (body, faults) => {
    const answer = await plane.call('POST', at('deny/'), body);
    expect([answer.status, faultsOf(answer)]).toEqual([400, faults]);
    expect(await ordersEvents()).toEqual([]);
  });

  it('of an environment that is not there is a 404', async () => {
    expect((await plane.call('POST', '/environments/none/jwks/deny/', KEY)).status).toBe(404);
    expect((await plane.call('GET', '/environments/none/jwks/')).status).toBe(404);
  });

  it('of an address that no deployed policy names is accepted with a warning', async () => {
    const order = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
    await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('named'));
    await plane.done('POST', '/projects/shop/apiProxies/named/policies/check/', {
      operationMetadata: { ...METADATA, ...order },
      policy: { type: 'policy-verify-jwt', algorithm: 'RS256', publicKey: { jwks: { uri: `${URI}#keys` } } },
    });
    expect((await deny()).warnings).toBeUndefined();
    expect((await deny({ ...KEY, uri: `${URI}?v=2` })).warnings).toMatchObject([{ field: 'uri' }]);
    expect((await flush({ uri: 'https://elsewhere.example/' })).warnings).toMatchObject([{ field: 'uri' }]);
    expect((await flush()).warnings).toBeUndefined();
  });
});

describe('DELETE /apiops/environments/{env}/jwks/deny/', () => {
  it('lifts a denial, and is a 404 where there is none', async () => {
    const gateway = await obedient();
    await deny();
    expect((await plane.call('DELETE', allowPath({ ...KEY, kid: 'another' }))).status).toBe(404);
    const { resultList } = await plane.done('DELETE', allowPath());
    expect(resultList).toMatchObject([{ success: true, gateways: { live: 1, obeying: 1 } }]);
    expect(await ordersFor(gateway)).toEqual({ flushes: [], denied: [] });
    expect((await plane.call('DELETE', allowPath())).status).toBe(404);
    const answer = await plane.call('DELETE', at('deny/?uri=nowhere'));
    expect([answer.status, faultsOf(answer)]).toEqual([400, ['kid required', 'uri invalid']]);
  });
});

describe('POST /apiops/environments/{env}/jwks/flush/', () => {
  it('empties one set, or all, under numbers that rise', async () => {
    const gateway = await obedient();
    const numbers: number[] = [];
    for (const body of [{ uri: URI }, { uri: URI }, { uri: 'https://other.example' }, undefined]) {
      expect((await flush(body)).resultList).toMatchObject([{ success: true }]);
      numbers.push(Math.max(...((await ordersFor(gateway))?.flushes ?? []).map(({ number }) => number)));
    }
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
    expect(await ordersFor(gateway)).toMatchObject({ flushes: [{ uri: null }] });
    await flush({ uri: 'https://other.example' });
    expect(await ordersFor(gateway)).toMatchObject({ flushes: [{ uri: null }, { uri: 'https://other.example/' }] });
  });

  it.each([
    [{ uri: 'nowhere', all: true }, ['all unknown_field', 'uri invalid']],
    [{ uri: 1 }, ['uri wrong_type']],
  ])('of %j is refused with every fault', async (body, faults) => {
    const answer = await plane.call('POST', at('flush/'), body);
    expect([answer.status, faultsOf(answer)]).toEqual([400, faults]);
  });
});

describe('an answer about orders', () => {
  it('names the gateways that do not obey, and those that do not say', async () => {
    await obedient('obeys');
    await (await admitted('late')).says({ obeys: { 'key-sets': 1 } });
    await (await admitted('earlier-build')).says();
    const impatient = await plane.process({ deployTimeoutMs: 3_000 });
    const headers = { authorization: `Bearer ${plane.adminToken}` };
    const answer = await impatient.inject({ method: 'POST', url: `/apiops${at('deny/')}`, headers, payload: KEY });
    expect(answer.json<Answer['body']>().resultList[0]).toMatchObject({
      ...{ success: false, gateways: { live: 3, obeying: 1, pending: 2 } },
      message: expect.stringMatching(/^1 of 3 live gateways obey it; .*by itself; 1 of an earlier build/) as string,
      detailList: [
        { gatewayId: 'earlier-build', success: false, detail: expect.stringContaining('earlier builds') as string },
        { gatewayId: 'late', success: false, detail: expect.stringContaining('up to version 1') as string },
        { gatewayId: 'obeys', success: true },
      ],
    });
    expect(await view()).toMatchObject({
      gateways: [
        { gatewayId: 'earlier-build', obeys: null, isObeying: false },
        { gatewayId: 'late', obeys: 1, isObeying: false },
        { gatewayId: 'obeys', isObeying: true },
      ],
    });
  });

  it('comes as soon as the last gateway obeys', async () => {
    const gateway = await admitted();
    await gateway.says({ obeys: { 'key-sets': 0 } });
    const answered = deny();
    const stored = await until('it is told', () => gateway.channel.identity('orders', 'key-sets'));
    await gateway.says({ obeys: { 'key-sets': stored.version } });
    expect((await answered).resultList).toMatchObject([{ success: true, version: stored.version }]);
  });

  it('waits for no gateway of an earlier build, which never says what it obeys', async () => {
    await obedient('new');
    await (await admitted('old')).says();
    expect((await deny()).resultList).toMatchObject([
      {
        ...{ success: false, gateways: { live: 2, obeying: 1, pending: 1 } },
        message: expect.stringContaining('1 of an earlier build will not') as string,
      },
    ]);
  });

  it('says that nobody runs', async () => {
    expect((await flush()).resultList).toMatchObject([
      { success: true, message: expect.stringContaining('at start') as string, gateways: { live: 0 } },
    ]);
  });
});

describe('GET /apiops/environments/{env}/jwks/', () => {
  it('shows what was ordered by whom, when and why, and who obeys', async () => {
    expect(await view()).toEqual({
      ...{ environmentName: environment.name, version: null, isTold: false, gateways: [], flushes: [], denied: [] },
    });
    await obedient();
    await flush({ uri: URI }, { 'x-change-reason': 'moved' });
    await deny(KEY, { 'x-change-reason': 'INC-1' });
    const { resultList } = await deny({ ...KEY, kid: 'second' });
    const version = resultList[0]?.['version'];
    const facts = { at: expect.stringMatching(/^\d{4}-.*Z$/) as string, actor: 'admin' };
    expect(await view()).toEqual({
      ...{ environmentName: environment.name, version, isTold: true },
      gateways: [{ gatewayId: 'gateway-1', obeys: version, isObeying: true }],
      flushes: [{ uri: URI, ...facts, reason: 'moved' }],
      denied: [
        { ...KEY, ...facts, reason: 'INC-1' },
        { ...KEY, kid: 'second', ...facts, reason: null },
      ],
    });
  });
});

describe('permissions', () => {
  it('orders need ADMIN over all projects, looking at them VIEW', async () => {
    const statuses: Record<string, number[]> = {};
    for (const permission of ['VIEW', 'MANAGE', 'ADMIN']) {
      const made = await plane.done('POST', '/tokens/', {
        name: permission,
        permissions: [permission],
        projects: ['*'],
      });
      const headers = { authorization: `Bearer ${String(made.resultList[0]?.['token'])}` };
      const ask = async (...[method, path, body]: Parameters<RunningControlPlane['call']>) =>
        (await plane.call(method, path, body, headers)).status;
      statuses[permission] = [
        ...[await ask('GET', at('')), await ask('POST', at('flush/'))],
        ...[await ask('POST', at('deny/'), KEY), await ask('DELETE', allowPath())],
      ];
    }
    expect(statuses).toEqual({ VIEW: [200, 403, 403, 403], MANAGE: [200, 403, 403, 403], ADMIN: [200, 200, 200, 200] });
  });
});

describe('orders in Redis', () => {
  const told = () =>
    until('it is told', async () => {
      const wishes = await plane.pool.query('select 1 from identity_wishes where environment_id = $1', [
        environment.id,
      ]);
      const stored = await plane.redis.hget(identities(), 'key-sets');
      return wishes.rowCount === 0 && stored !== null && stored;
    });
  const isDeniedAgain = (gateway: FakeGateway) =>
    until('the key is denied again', async () => (await ordersFor(gateway))?.denied.length === 1, 25_000);

  it.each([
    ['lost', async () => void (await plane.redis.hdel(identities(), 'key-sets'))],
    ['overwritten', async () => void (await plane.redis.hset(identities(), 'key-sets', '999999999 gibberish'))],
    ['removed', async () => void (await plane.redis.hset(identities(), 'key-sets', '999999999 '))],
    [
      'put back as they were before',
      async (older: string) => void (await plane.redis.hset(identities(), 'key-sets', older)),
    ],
  ])(
    'that were %s are told again under a higher version',
    async (_what, damage) => {
      const gateway = await obedient();
      await flush();
      const older = await told();
      const version = Number((await deny()).resultList[0]?.['version']);
      await told();
      await damage(older);
      await isDeniedAgain(gateway);
      await until('it is told', async () => ((await view())['version'] as number) > version);
      expect((await view())['version']).toBeLessThan(999_999_999);
    },
    SUITE_MS,
  );

  it('that are as they were told are no drift, even when nothing is ordered any more', async () => {
    await obedient();
    await deny();
    await plane.done('DELETE', allowPath());
    await told();
    const drift = await until('it was compared', async () => {
      const [found] = (await plane.done('GET', `/environments/${environment.name}/drift/`)).resultList;
      return found?.['isBeingRepaired'] === false && found;
    });
    expect(drift['findings']).toEqual([]);
  });

  it(
    'of a later state, which PostgreSQL lost, give way to what is recorded, and numbers go on behind them',
    async () => {
      const gateway = await obedient();
      await flush();
      await told();
      const { channel, keys } = gateway;
      const content = { flushes: [], denied: [KEY] };
      await putIdentity(channel, keys, { kind: 'orders', subject: 'key-sets', version: 5_000, content });
      await until('what is recorded is told', async () => (await ordersFor(gateway))?.denied.length === 0, 25_000);
      expect((await channel.identity('orders', 'key-sets'))?.version).toBeGreaterThan(5_000);
      expect((await deny()).resultList).toMatchObject([{ success: true, gateways: { obeying: 1 } }]);
    },
    SUITE_MS,
  );

  it(
    'pass what gateways obey, even when PostgreSQL and Redis both know less',
    async () => {
      const first = Number((await deny()).resultList[0]?.['version']);
      await told();
      const gateway = await admitted();
      // Restarted on its copy on disk, which neither of them knows any more: it goes back behind none of it.
      const ahead = first + 1_000;
      await gateway.says({ obeys: { 'key-sets': ahead } });
      const goesBehind = (version: number) =>
        until(`versions go on behind ${version}`, async () => {
          const stored = await gateway.channel.identity('orders', 'key-sets');
          return stored !== undefined && stored.version > version && stored;
        });
      await goesBehind(ahead);
      await told();
      await gateway.says({ obeys: { 'key-sets': ahead + 1_000 } });
      const answered = deny({ ...KEY, kid: 'second' });
      const { version } = await goesBehind(ahead + 1_000);
      await gateway.says({ obeys: { 'key-sets': version + 10 } });
      const { resultList } = await answered;
      expect(resultList).toMatchObject([{ success: true }]);
      expect(resultList[0]?.['version']).toBeGreaterThan(ahead + 1_000);
      expect((await ordersFor(gateway))?.denied).toHaveLength(2);
    },
    SUITE_MS,
  );

  it('are told although their version is that of others, which PostgreSQL lost', async () => {
    const gateway = await obedient();
    const version = Number((await deny()).resultList[0]?.['version']);
    await told();
    // As after a restore from just before the first order.
    await plane.pool.query(
      `with restored as (update told_identities set version = version - 1 where environment_id = $1)
       select setval('identity_versions', $2)`,
      [environment.id, version - 1],
    );
    const { resultList } = await deny({ ...KEY, kid: 'second' });
    expect(resultList).toMatchObject([{ success: true }]);
    expect(resultList[0]?.['version']).toBeGreaterThan(version);
    expect((await ordersFor(gateway))?.denied).toHaveLength(2);
  });

  it(
    'come back after Redis lost everything, or is an old copy',
    async () => {
      const gateway = await obedient();
      const pattern = `gw:{${environment.name}}:*`;
      await flush();
      await told();
      const dumps = new Map<string, Buffer>();
      for (const name of await plane.redis.keys(pattern))
        dumps.set(name, (await plane.redis.dumpBuffer(name)) ?? Buffer.alloc(0));
      await deny();
      await told();
      await removeKeys(plane.redis, pattern);
      await isDeniedAgain(gateway);
      await told();
      const restoring = plane.redis.multi().del(...(await plane.redis.keys(pattern)));
      for (const [name, dump] of dumps) restoring.restore(name, 0, dump, 'REPLACE');
      await restoring.exec();
      await isDeniedAgain(gateway);
    },
    SUITE_MS,
  );

  it('are told to a Redis that the environment moves to', async () => {
    await obedient();
    await deny();
    const otherUrl = `${testRedisUrl().replace(/\/\d*$/, '')}/9`;
    const otherRedis = new Redis(otherUrl);
    try {
      await plane.done('PUT', `/environments/${environment.name}/`, { redisUrl: otherUrl });
      await isDeniedAgain(await admitted('moved', otherRedis));
    } finally {
      await removeKeys(otherRedis, `gw:{${environment.name}}:*`);
      for (const gateway of gateways.splice(0)) await gateway.ends();
      otherRedis.disconnect();
    }
  });

  it('are forgotten with their environment, and its name begins without any', async () => {
    await obedient();
    await deny();
    await told();
    const { name, id } = environment;
    await plane.done('DELETE', `/environments/${name}/`);
    await plane.readModelsShown();
    for (const table of ['told_identities', 'identity_wishes', 'read_key_set_orders']) {
      const rows = await plane.pool.query(`select 1 from ${table} where environment_id = $1`, [id]);
      expect([table, rows.rowCount]).toEqual([table, 0]);
    }
    const { resultList } = await plane.done('POST', '/environments/', { name });
    const gatewayKey = String(resultList[0]?.['gatewayKey']);
    const successor = await FakeGateway.admitted(plane.redis, { name, gatewayKey });
    await until('it began', async () => (await successor.channel.position())?.epoch !== undefined);
    expect(await ordersFor(successor)).toBeUndefined();
    expect(await view()).toMatchObject({ version: null, flushes: [], denied: [] });
  });
});

describe('while the Redis of the environment cannot be reached', () => {
  it(
    'the order is recorded, the answer says why nobody obeys, and whichever process finds it tells it by itself',
    async () => {
      const redis = await SeverableServer.closed(testRedisUrl());
      environment = await plane.environment({ redisUrl: redis.url });
      const answer = await plane.call('POST', at('deny/'), KEY);
      expect([answer.status, answer.body.resultList]).toMatchObject([
        200,
        [{ success: false, message: expect.stringContaining('cannot be reached') as string, gateways: { live: 0 } }],
      ]);
      expect(await view()).toMatchObject({ isTold: false, gateways: null, denied: [KEY] });
      await plane.process();
      await redis.open();
      try {
        const gateway = await obedient();
        await until('it is told', async () => (await ordersFor(gateway))?.denied.length === 1, 15_000);
        expect(await ordersEvents()).toHaveLength(1);
        await until('it is known to obey', async () => {
          const { isTold, gateways: live } = await view();
          return isTold === true && (live as { isObeying: boolean }[] | null)?.[0]?.isObeying === true;
        });
      } finally {
        for (const gateway of gateways.splice(0)) await gateway.ends();
        await plane.done('DELETE', `/environments/${environment.name}/`);
        await redis.sever();
      }
    },
    SUITE_MS,
  );
});
