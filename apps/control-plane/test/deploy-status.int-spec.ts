import { randomUUID } from 'node:crypto';
import { ServedDigest } from '#libs/config-distribution';
import { FakeGateway } from './testing/fake-gateway.ts';
import { policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';
import { SeverableServer } from './testing/severable-server.ts';
import { testRedisUrl, until } from './testing/test-servers.ts';

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;

let plane: RunningControlPlane;
let environment: Environment;
let gateways: FakeGateway[] = [];
let proxies = 0;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 4_000 });
  await plane.done('POST', '/projects/', { name: 'shop' });
});
beforeEach(async () => {
  environment = await plane.environment();
});
afterEach(async () => {
  for (const gateway of gateways) await gateway.ends();
  gateways = [];
});
afterAll(() => plane.close());

async function gateway(gatewayId: string): Promise<FakeGateway> {
  const admitted = await FakeGateway.admitted(plane.redis, environment, gatewayId);
  gateways.push(admitted);
  return admitted;
}

/** A proxy that is deployed nowhere. */
async function proxy(members: object = {}): Promise<string> {
  proxies += 1;
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody(`p${proxies}`, members));
  return `/projects/shop/apiProxies/p${proxies}`;
}

const at = (of: Environment = environment) => `/environments/${of.name}`;
const changed = (x: string) => plane.done('POST', `${x}/policies/issue/`, policyBody());
const first = (body: Answer['body']) => body.resultList[0] as Record<string, unknown>;
const status = async (x: string) => first(await plane.done('GET', `${x}${at()}/deploy-status/`));
const health = async (x: string) => first(await plane.done('GET', `${x}${at()}/route-health/`));

describe('POST X/environments/{env}/', () => {
  it('deploys the newest revision, or the one that is named', async () => {
    const x = await proxy();
    await changed(x);
    const newest = await plane.done('POST', `${x}${at()}/`, { description: 'release' });
    expect(newest.deploymentResult.deploymentResults).toMatchObject([
      { success: true, deployment: 1, revision: 2, deploymentId: `${environment.name}:1` },
    ]);
    const named = await plane.done('POST', `${x}${at()}/`, { revision: 1 });
    expect(named.deploymentResult.deploymentResults).toMatchObject([{ success: true, deployment: 2, revision: 1 }]);
    const { resultList } = await plane.done('GET', `${x}/deploy-histories/`);
    expect(resultList).toMatchObject([{ description: 'Deployed by APIOPS Api' }, { description: 'release' }]);
  });

  it.each([
    ['a revision the proxy never had', { revision: 3 }, 'revision', 'unknown_revision'],
    ['a revision below 1', { revision: 0 }, 'revision', 'out_of_range'],
    ['a revision that is no number', { revision: '1' }, 'revision', 'wrong_type'],
    ['a description that is no text', { description: 7 }, 'description', 'wrong_type'],
    ['an unknown member', { force: true }, 'force', 'unknown_field'],
  ])('refuses %s with 400 and records nothing', async (_name, body, field, code) => {
    const x = await proxy();
    const before = (await plane.events()).length;
    const answer = await plane.call('POST', `${x}${at()}/`, body);
    expect([answer.status, answer.body.error]).toEqual([400, 'validation_failed']);
    expect(answer.body.validation_errors).toMatchObject([{ field, code }]);
    expect((await plane.events()).length).toBe(before);
  });

  it("ignores the vendor's persistent with a warning", async () => {
    const x = await proxy();
    const { warnings } = await plane.done('POST', `${x}${at()}/`, { persistent: true });
    expect(warnings).toMatchObject([{ field: 'persistent' }]);
    expect((await plane.done('DELETE', `${x}${at()}/`, { persistent: false })).warnings).toMatchObject([
      { field: 'persistent' },
    ]);
  });

  it('refuses a revision whose key is gone by now', async () => {
    const x = await proxy();
    await plane.done('POST', '/projects/shop/jwks/generate', {
      ...{ name: 'signing', type: 'RSA', rsa: { keySize: 2048, keyUseType: 'SIGNATURE', algorithm: 'RSA256' } },
    });
    await plane.done(
      'POST',
      `${x}/policies/issue/`,
      policyBody({}, { jwtSignatureAlgorithm: 'RS256', keyStoreName: 'signing' }),
    );
    await plane.done('DELETE', `${x}/policies/issue/`, {
      operationMetadata: { targetScope: 'ALL', targetPipeline: 'REQUEST' },
    });
    await plane.done('DELETE', '/projects/shop/jwks/signing/');
    const answer = await plane.call('POST', `${x}${at()}/`, { revision: 2 });
    expect(answer.body.validation_errors).toMatchObject([{ code: 'unknown_key_store' }]);
    expect(answer.status).toBe(400);
  });

  it('obeys If-Match', async () => {
    const x = await proxy();
    await changed(x);
    const stale = await plane.call('POST', `${x}${at()}/`, {}, { 'if-match': '"1"' });
    expect([stale.status, stale.body.error]).toEqual([409, 'conflict']);
    expect((await plane.call('POST', `${x}${at()}/`, {}, { 'if-match': '"2"' })).status).toBe(200);
  });
});

describe('GET X/environments/{env}/deploy-status/', () => {
  it('has nulls for a proxy that was never deployed there', async () => {
    expect(await status(await proxy())).toEqual({
      ...{ deployed: false, lastDeployTime: null, revision: null, deployment: null },
      ...{ redeployRequired: false, state: null },
    });
  });

  it('tells what is deployed, that a change needs a deployment, and that it was taken out', async () => {
    const x = await proxy();
    await plane.done('POST', `${x}${at()}/`);
    expect(await status(x)).toEqual({
      ...{ deployed: true, revision: 1, deployment: 1, redeployRequired: false, state: 'succeeded' },
      lastDeployTime: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    });
    await changed(x);
    expect(await status(x)).toMatchObject({ deployed: true, revision: 1, redeployRequired: true });
    await plane.done('POST', `${x}${at()}/`);
    expect(await status(x)).toMatchObject({ deployed: true, revision: 2, deployment: 2, redeployRequired: false });
    await plane.done('DELETE', `${x}${at()}/`);
    expect(await status(x)).toMatchObject({ deployed: false, revision: 2, deployment: 2, redeployRequired: false });
  });

  it('is 404 for an unknown environment or proxy', async () => {
    const x = await proxy();
    expect((await plane.call('GET', `${x}/environments/none/deploy-status/`)).status).toBe(404);
    expect((await plane.call('GET', `/projects/shop/apiProxies/none${at()}/deploy-status/`)).status).toBe(404);
  });
});

describe('GET X/environments/{env}/route-health/', () => {
  it('is active when every live gateway serves the newest deployment', async () => {
    for (const id of ['gateway-1', 'gateway-2']) await (await gateway(id)).appliesEverything();
    const x = await proxy();
    await plane.done('POST', `${x}${at()}/`);
    expect(await health(x)).toMatchObject({
      ...{ routeActive: true, servedPath: `/p${proxies}`, methods: ['ALL'], podsResponded: 2, podsActive: 2 },
      ...{ deployedInManager: true, inconsistent: false, deployment: 1, revision: 1 },
      pods: [{ routeActive: true }, { routeActive: true }],
    });
  });

  it('is inconsistent when gateways disagree, and says which and why', async () => {
    await (await gateway('gateway-1')).appliesEverything();
    const second = await gateway('gateway-2');
    await second.says({ rejected: [{ proxyId: 'p', deployment: 1, reason: 'the key does not fit' }] });
    const x = await proxy();
    await plane.done('POST', `${x}${at()}/`);
    const found = await health(x);
    expect(found).toMatchObject({ routeActive: false, podsResponded: 2, podsActive: 1, inconsistent: true });
    expect(found['pods']).toContainEqual(
      expect.objectContaining({
        ...{ gatewayId: 'gateway-2', routeActive: false, servedPath: null },
        error: 'deployment 1 is rejected: the key does not fit',
      }),
    );
  });

  it('is not upset by what is published of other proxies', async () => {
    const one = await gateway('gateway-1');
    const x = await proxy();
    await plane.done('POST', `${x}${at()}/`);
    await plane.applied(one, environment);
    const other = await proxy();
    await plane.done('POST', `${other}${at()}/`);
    expect(await health(x)).toMatchObject({ routeActive: true, inconsistent: false });
    expect(await health(other)).toMatchObject({ routeActive: false, podsResponded: 1, inconsistent: true });
  });

  it('finds a gateway that goes on with what was taken out', async () => {
    const one = await gateway('gateway-1');
    const x = await proxy();
    await plane.done('POST', `${x}${at()}/`);
    await plane.applied(one, environment);
    await plane.done('DELETE', `${x}${at()}/`);
    expect(await health(x)).toMatchObject({ deployedInManager: false, podsActive: 1, inconsistent: true });
    await plane.applied(one, environment);
    expect(await health(x)).toMatchObject({ deployedInManager: false, podsActive: 0, inconsistent: false });
  });

  it('knows nothing without gateways', async () => {
    const x = await proxy();
    await plane.done('POST', `${x}${at()}/`);
    expect(await health(x)).toMatchObject({ routeActive: false, podsResponded: 0, inconsistent: false, pods: [] });
  });

  it('is 503 naming the environment while its Redis is away', async () => {
    const server = await SeverableServer.closed(testRedisUrl());
    try {
      const away = await plane.environment({ redisUrl: server.url });
      const x = await proxy();
      for (const path of [`${x}${at(away)}/route-health/`, `/environments/${away.name}/gateways/`]) {
        const answer = await plane.call('GET', path);
        expect([answer.status, answer.body.error]).toEqual([503, 'unavailable']);
        expect(answer.body.error_description).toContain(away.name);
      }
    } finally {
      await server.sever();
    }
  });
});

describe('GET /apiops/environments/{env}/gateways/', () => {
  it('lists the gateways that live, with what their leases say', async () => {
    const x = await proxy();
    await plane.done('POST', `${x}${at()}/`);
    const proxyId = String((await plane.events()).findLast(({ type }) => type === 'ProxyCreated')?.data['proxyId']);
    const one = await gateway('gateway-1');
    await one.says({ deployment: 7, rootContext: '/apigateway', rejected: [{ proxyId, deployment: 1, reason: 'no' }] });
    await (await gateway('gateway-2')).appliesEverything();
    const { resultList } = await plane.done('GET', `/environments/${environment.name}/gateways/`);
    expect(resultList).toMatchObject([
      {
        ...{ gatewayId: 'gateway-1', programVersion: 'test', address: '127.0.0.1:1', rootContext: '/apigateway' },
        ...{ deployment: 7, upToDate: false, lastSeen: expect.stringMatching(/^\d{4}-.*Z$/) as string },
        rejected: [{ projectName: 'shop', apiProxyName: `p${proxies}`, deployment: 1, reason: 'no' }],
      },
      { gatewayId: 'gateway-2', rootContext: null, upToDate: true, rejected: [] },
    ]);
    const seenMs = Date.parse(String(resultList[0]?.['lastSeen']));
    expect(Math.abs(Date.now() - seenMs)).toBeLessThan(60_000);
  });

  it('calls a gateway that refuses something not up to date, however far it has read', async () => {
    const one = await gateway('gateway-3');
    await one.appliesEverything();
    const upToDate = async () =>
      (await plane.done('GET', `/environments/${environment.name}/gateways/`)).resultList.find(
        ({ gatewayId }) => gatewayId === 'gateway-3',
      )?.['upToDate'];
    expect(await upToDate()).toBe(true);
    await one.says({ rejected: [{ proxyId: randomUUID(), deployment: 1, reason: 'no' }] });
    expect(await upToDate()).toBe(false);
  });

  it('says what a gateway serves otherwise, and so does the health of the route', async () => {
    const x = await proxy();
    await plane.done('POST', `${x}${at()}/`);
    const one = await gateway('gateway-4');
    const published = await one.artifactOf(
      String((await plane.events()).findLast(({ type }) => type === 'ProxyCreated')?.data['proxyId']),
    );
    expect(published?.deployment).toBe(1);
    const settled = await plane.pool.query<{ proxy_id: string; hash: string }>(
      `select proxy_id, result ->> 'hash' as hash from deployments where environment_id = $1`,
      [environment.id],
    );
    const served = settled.rows.map(({ proxy_id: proxyId, hash }) => ({ proxyId, deployment: 1, hash }));
    const says = async (digest: ServedDigest) =>
      one.says({
        ...{ deployment: 1, loaded: (await one.channel.position()) ?? null, rejectedDeployments: [], holdsInstead: [] },
        served: { proxies: digest.proxies, digest: digest.text() },
      });
    const seen = async () => {
      const { resultList } = await plane.done('GET', `/environments/${environment.name}/gateways/`);
      return [resultList[0]?.['inSync'], (await health(x))['inconsistent']];
    };
    await says(ServedDigest.of(served));
    expect(await seen()).toEqual([true, false]);
    await says(ServedDigest.of(served.map((proxy) => ({ ...proxy, hash: 'of other bytes' }))));
    expect(await seen()).toEqual([false, true]);
    await says(ServedDigest.of([]));
    expect(await seen()).toEqual([false, true]);
  });

  it('is 404 for an unknown environment', async () => {
    expect((await plane.call('GET', '/environments/none/gateways/')).status).toBe(404);
  });
});

describe('POST X/promote/', () => {
  it('deploys the revision that runs in one environment to others', async () => {
    const [two, three] = [await plane.environment(), await plane.environment()];
    const x = await proxy();
    await plane.done('POST', `${x}${at()}/`);
    await changed(x);
    const body = { from: environment.name, to: [two.name, three.name], revision: 1 };
    const { deploymentResult } = await plane.done('POST', `${x}/promote/`, body);
    expect(deploymentResult.deploymentResults).toHaveLength(2);
    for (const result of deploymentResult.deploymentResults)
      expect(result).toMatchObject({ success: true, revision: 1 });
    const { resultList } = await plane.done('GET', `${x}/deploy-histories/?environmentName=${two.name}`);
    expect(resultList).toMatchObject([{ revision: 1, description: `Promoted from ${environment.name}` }]);
  });

  it('is 409 when nothing runs there, it was taken out, or another revision runs', async () => {
    const two = await plane.environment();
    const x = await proxy();
    const body = { from: environment.name, to: [two.name] };
    expect((await plane.call('POST', `${x}/promote/`, body)).status).toBe(409);
    await plane.done('POST', `${x}${at()}/`);
    await changed(x);
    expect((await plane.call('POST', `${x}/promote/`, { ...body, revision: 2 })).status).toBe(409);
    await plane.done('DELETE', `${x}${at()}/`);
    expect((await plane.call('POST', `${x}/promote/`, body)).status).toBe(409);
  });

  it('is 409 while the gateways have not acknowledged it', async () => {
    const two = await plane.environment();
    const silent = await gateway('gateway-1');
    await silent.says();
    const x = await proxy();
    const body = { from: environment.name, to: [two.name] };
    await plane.done('POST', `${x}${at()}/`);
    expect((await plane.call('POST', `${x}/promote/`, body)).status).toBe(409);
    await plane.applied(silent, environment);
    await until('it is acknowledged', async () => (await status(x))['state'] === 'succeeded');
    expect((await plane.call('POST', `${x}/promote/`, body)).status).toBe(200);
  });

  const refused: [string, (from: string) => object, string, string][] = [
    ['no to', (from) => ({ from }), 'to', 'required'],
    ['no from', () => ({ to: ['a'] }), 'from', 'required'],
    ['an unknown from', () => ({ from: 'none', to: ['none'] }), 'from', 'unknown_environment'],
    ['an unknown to', (from) => ({ from, to: ['none'] }), 'to[0]', 'unknown_environment'],
    ['from among to', (from) => ({ from, to: [from] }), 'to[0]', 'is_from'],
    ['an environment twice', (from) => ({ from, to: ['a', 'a'] }), 'to[1]', 'duplicate'],
    ['a revision below 1', (from) => ({ from, to: ['a'], revision: 0 }), 'revision', 'out_of_range'],
    [
      'an unknown environment in a wave',
      (from) => ({ from, deployStrategy: { waves: [['none']] } }),
      'deployStrategy.waves[0][0]',
      'unknown_environment',
    ],
    [
      'a list that differs from the waves',
      (from) => ({ from, to: ['b'], deployStrategy: { waves: [['a']] } }),
      'to',
      'contradicts_deploy_strategy',
    ],
  ];
  it.each(refused)('refuses %s with 400', async (_name, body, field, code) => {
    const answer = await plane.call('POST', `${await proxy()}/promote/`, body(environment.name));
    expect(answer.status).toBe(400);
    expect(answer.body.validation_errors).toContainEqual(expect.objectContaining({ field, code }));
  });

  it('asks for DEPLOY', async () => {
    const { resultList } = await plane.done('POST', '/tokens/', {
      ...{ name: `manager-${environment.name}`, permissions: ['MANAGE'], projects: ['shop'] },
    });
    const headers = { authorization: `Bearer ${String(resultList[0]?.['token'])}` };
    const body = { from: environment.name, to: [environment.name] };
    expect((await plane.call('POST', `${await proxy()}/promote/`, body, headers)).status).toBe(403);
  });
});
