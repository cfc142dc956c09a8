import { Redis } from 'ioredis';
import type { ProjectionRunner } from '#libs/event-store';
import { EnvironmentChannels } from '../src/deployments/channel/environment-channels.ts';
import { PROJECTION_RUNNER } from '../src/persistence/read-models.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { credentialBody, policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';
import { removeKeys, testRedisUrl, until } from './testing/test-servers.ts';

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;

const P = '/projects/shop';
/** Another keyspace of the same server: for the control plane it is another Redis. */
const otherRedisUrl = (): string => `${testRedisUrl().replace(/\/\d*$/, '')}/9`;

let plane: RunningControlPlane;
/** Waits for whatever comes at all: for what is to be a success, however slow the machine. */
let patient: RunningControlPlane['app'];
let otherRedis: Redis;
const call: RunningControlPlane['call'] = (...request) => plane.call(...request);

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 1_500 });
  patient = await plane.process({ deployTimeoutMs: 60_000, roles: new Set(['api'] as const) });
  otherRedis = new Redis(otherRedisUrl());
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', `${P}/credentials/`, credentialBody('alice', 'a password'));
});
afterAll(async () => {
  for (const name of movedTo) await removeKeys(otherRedis, `gw:{${name}}:*`);
  otherRedis.disconnect();
  await plane.close();
});
const movedTo: string[] = [];

const at = ({ name }: { name: string }) => `/environments/${name}/`;
const faultsOf = ({ body }: Answer): string[] =>
  (body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`).sort();
const viewOf = async (environment: Environment) => (await plane.done('GET', at(environment))).resultList[0];
const deploymentsIn = async ({ id }: Environment) =>
  (
    await plane.pool.query<{ proxy_id: string; state: string; kind: string; revision: number }>(
      'select proxy_id, state, kind, revision from deployments where environment_id = $1 order by deployment',
      [id],
    )
  ).rows;

let proxies = 0;
/** A proxy with a policy, deployed there. */
async function deployedProxy(environment: Environment): Promise<{ name: string; id: string }> {
  const name = `proxy-${(proxies += 1)}`;
  await plane.done('POST', `${P}/apiProxies/url/`, proxyBody(name));
  const order = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
  await plane.done('POST', `${P}/apiProxies/${name}/policies/issue/`, policyBody(order));
  const found = await plane.pool.query<{ entity_id: string }>(
    `select entity_id from names where kind = 'api-proxy' and name = $1`,
    [name],
  );
  return { name, id: found.rows[0]?.entity_id ?? '' };
}
const undeploy = (proxy: { name: string }, environment: Environment) =>
  plane.done('DELETE', `${P}/apiProxies/${proxy.name}/environments/${environment.name}/`);

describe('POST /apiops/environments/', () => {
  it('fills in the defaults, and shows whether there is a Redis of its own, never where', async () => {
    const environment = await plane.environment({ redisUrl: otherRedisUrl(), description: 'd' });
    movedTo.push(environment.name);
    const answer = await call('GET', at(environment));
    expect(answer.body.resultList).toEqual([
      {
        ...{ name: environment.name, description: 'd', tokenIssuer: `https://gatewarden/${environment.name}` },
        ...{ expiresInUnit: 'SECONDS', ownRedis: true },
      },
    ]);
    const listed = (await plane.done('GET', '/environments/')).resultList;
    expect(listed.find(({ name }) => name === environment.name)).toEqual(answer.body.resultList[0]);
    for (const text of plane.answers) expect(text).not.toContain(otherRedisUrl());
    expect(JSON.stringify(await plane.events())).not.toContain(otherRedisUrl());
  });

  it.each([
    [{}, ['name required']],
    [
      { name: 'a/b', description: 1, redisUrl: 'http://x', tokenIssuer: '', expiresInUnit: 'HOURS', more: 1 },
      [
        ...['description wrong_type', 'expiresInUnit invalid_value', 'more unknown_field', 'name invalid'],
        ...['redisUrl invalid', 'tokenIssuer out_of_range'],
      ],
    ],
    [{ name: 'a', ownRedis: true }, ['redisUrl required']],
    [{ name: 'a', ownRedis: false, redisUrl: 'redis://127.0.0.1' }, ['redisUrl invalid']],
  ])('of %j is refused with every fault', async (body, faults) => {
    const answer = await call('POST', '/environments/', body);
    expect([answer.status, faultsOf(answer)]).toEqual([400, faults]);
  });

  it('with the name or the issuer of another one is a 409', async () => {
    const { name } = await plane.environment({ tokenIssuer: 'https://one.example' });
    expect((await call('POST', '/environments/', { name })).status).toBe(409);
    const answer = await call('POST', '/environments/', { name: `${name}-2`, tokenIssuer: 'https://one.example' });
    expect(answer.status).toBe(409);
  });
});

describe('GET P/environments/', () => {
  it('shows every environment by the member of the vendor; 404 without the project', async () => {
    const { name } = await plane.environment({ description: 'of the project' });
    const { resultList } = await plane.done('GET', `${P}/environments/`);
    expect(resultList).toContainEqual(
      expect.objectContaining({ environmentName: name, name, description: 'of the project' }),
    );
    expect((await call('GET', '/projects/none/environments/')).status).toBe(404);
  });
});

describe('PUT /apiops/environments/{env}/', () => {
  it('replaces the settings whole, under the same name', async () => {
    const environment = await plane.environment({ description: 'before', expiresInUnit: 'MILLISECONDS' });
    const body = { name: environment.name, tokenIssuer: `https://${environment.name}.example` };
    const { resultList, deploymentResult } = await plane.done('PUT', at(environment), body);
    const view = { ...body, description: '', expiresInUnit: 'SECONDS', ownRedis: false };
    expect([resultList, deploymentResult]).toEqual([[view], { success: true, deploymentResults: [] }]);
    expect(await viewOf(environment)).toEqual(view);
    await plane.done('PUT', at(environment), {});
    expect(await viewOf(environment)).toMatchObject({ tokenIssuer: `https://gatewarden/${environment.name}` });
  });

  it('takes what GET gives', async () => {
    const environment = await plane.environment({ redisUrl: otherRedisUrl() });
    movedTo.push(environment.name);
    const view = await viewOf(environment);
    await plane.done('PUT', at(environment), view);
    expect(await viewOf(environment)).toEqual(view);
  });

  it.each([
    [{ name: 'another' }, ['name invalid']],
    [
      { name: 1, description: 'x'.repeat(1001), redisUrl: 'nowhere', ownRedis: 'yes', expiresInUnit: 5 },
      [
        ...['description out_of_range', 'expiresInUnit invalid_value', 'name wrong_type', 'ownRedis wrong_type'],
        'redisUrl invalid',
      ],
    ],
    [{ ownRedis: true }, ['redisUrl required']],
    [{ gatewayKey: 'x' }, ['gatewayKey unknown_field']],
  ])('of %j is refused with every fault', async (body, faults) => {
    const environment = await plane.environment();
    const before = (await plane.events()).length;
    const answer = await call('PUT', at(environment), body);
    expect([answer.status, faultsOf(answer)]).toEqual([400, faults]);
    expect((await plane.events()).length).toBe(before);
  });

  it('of one that is not there is a 404, of an issuer that another one has a 409', async () => {
    expect((await call('PUT', '/environments/none/', {})).status).toBe(404);
    const [one, two] = [await plane.environment(), await plane.environment()];
    const taken = { tokenIssuer: `https://gatewarden/${one.name}` };
    expect((await call('PUT', at(two), taken)).status).toBe(409);
    await plane.done('PUT', at(one), { tokenIssuer: `https://else/${one.name}` });
    await plane.done('PUT', at(two), taken);
  });

  it('with another issuer deploys what is deployed there again, and with the same nothing', async () => {
    const environment = await plane.environment();
    const [orders, gone] = [await deployedProxy(environment), await deployedProxy(environment)];
    await undeploy(gone, environment);
    await plane.done('PUT', `${P}/apiProxies/${orders.name}/policies/issue/`, policyBody());
    const gateway = await FakeGateway.admitted(plane.redis, environment);
    const tokenIssuer = `https://tokens/${environment.name}`;
    const change = () => plane.done('PUT', at(environment), { tokenIssuer });
    const { deploymentResult } = await plane.askedAt(patient, change);
    expect(deploymentResult.deploymentResults).toMatchObject([
      { environmentName: environment.name, success: true, deployment: 4, revision: 2 },
    ]);
    expect((await gateway.artifactOf(orders.id))?.text).toContain(`"${tokenIssuer}"`);
    expect(await gateway.artifactOf(gone.id)).toBeUndefined();
    const again = await plane.done('PUT', at(environment), { tokenIssuer, description: 'new' });
    expect(again.deploymentResult.deploymentResults).toEqual([]);
    expect(await deploymentsIn(environment)).toHaveLength(4);
  });

  it('with another Redis publishes everything there, users included, from every process', async () => {
    const environment = await plane.environment();
    movedTo.push(environment.name);
    const orders = await deployedProxy(environment);
    const other = await plane.process();
    await other.get(EnvironmentChannels).of(environment.id);
    const { warnings } = await plane.done('PUT', at(environment), { redisUrl: otherRedisUrl() });
    expect(warnings).toMatchObject([{ field: 'redisUrl' }]);
    const gateway = await FakeGateway.admitted(otherRedis, environment);
    await until('the proxy is there', () => gateway.artifactOf(orders.id));
    await until('the user is there', () => gateway.identity('credential', 'alice'));
    const published = await until('its deployment ended', async () => {
      const rows = await deploymentsIn(environment);
      return rows.length > 1 && rows.every(({ state }) => state !== 'pending') && rows;
    });
    expect(published).toMatchObject([{}, { state: 'succeeded', kind: 'publish', revision: 2 }]);
    await plane.done('PATCH', `${P}/credentials/alice/`, { password: 'another password' });
    const there = async () => (await other.get(EnvironmentChannels).of(environment.id)).channel.position();
    expect(await there()).toEqual(await gateway.channel.position());
    await removeKeys(plane.redis, `gw:{${environment.name}}:*`);
    await plane.done('POST', `${P}/apiProxies/${orders.name}/environments/${environment.name}/`);
    expect(await plane.redis.keys(`gw:{${environment.name}}:*`)).toEqual([]);
  });

  it('without redisUrl keeps the Redis that is there; ownRedis:false goes back to the shared one', async () => {
    const environment = await plane.environment({ redisUrl: otherRedisUrl() });
    movedTo.push(environment.name);
    const secrets = async () =>
      (await plane.pool.query(`select secret_id from secrets where purpose = 'redis-url' order by 1`)).rows as object[];
    const before = await secrets();
    const kept = await plane.done('PUT', at(environment), { description: 'kept', redisUrl: null });
    expect([kept.warnings, kept.resultList]).toMatchObject([undefined, [{ ownRedis: true }]]);
    const same = await plane.done('PUT', at(environment), { redisUrl: otherRedisUrl() });
    expect([same.warnings, await secrets()]).toEqual([undefined, before]);
    const shared = await plane.done('PUT', at(environment), { ownRedis: false });
    expect([shared.warnings, shared.resultList]).toMatchObject([[{ field: 'redisUrl' }], [{ ownRedis: false }]]);
    expect(await secrets()).toHaveLength(before.length - 1);
    await FakeGateway.admitted(plane.redis, environment);
  });
});

describe('DELETE /apiops/environments/{env}/', () => {
  it('is a 409 while a proxy is deployed there or a variable has a value for it, and changes nothing', async () => {
    const environment = await plane.environment();
    const proxy = await deployedProxy(environment);
    const variable = `${P}/environmentVariables/used-by-${environment.name}/`;
    await plane.done('POST', variable, { environmentValueList: [{ environmentName: environment.name, value: 'x' }] });
    const refused = await call('DELETE', at(environment));
    expect([refused.status, refused.body.error]).toEqual([409, 'conflict']);
    expect(refused.body.error_description).toContain(`ApiProxy (name: ${proxy.name})`);
    expect(refused.body.error_description).toContain(`Environment variable (name: used-by-${environment.name})`);
    await undeploy(proxy, environment);
    expect((await call('DELETE', at(environment))).status).toBe(409);
    await viewOf(environment);
    await plane.done('DELETE', variable);
    await plane.done('DELETE', at(environment));
    expect((await call('GET', at(environment))).status).toBe(404);
    expect((await call('DELETE', at(environment))).status).toBe(404);
  });

  it('destroys its keys and secrets, closes channel and queue, and frees the name', async () => {
    const environment = await plane.environment({ redisUrl: otherRedisUrl() });
    movedTo.push(environment.name);
    const proxy = await deployedProxy(environment);
    await undeploy(proxy, environment);
    const { channel } = await FakeGateway.admitted(otherRedis, environment);
    const queueKeys = () => plane.redis.keys(`gatewarden:deploy-${environment.id}:*`);
    expect((await queueKeys()).length).toBeGreaterThan(0);
    const secretIds = (await plane.events())
      .filter(({ stream_id: stream }) => stream === `environment-${environment.id}`)
      .flatMap(({ data }) => [...JSON.stringify(data).matchAll(/"secretId":"([^"]+)"/g)].map(([, id]) => id));
    expect(secretIds).toHaveLength(4);
    await plane.done('DELETE', at(environment));
    const left = await plane.pool.query('select 1 from secrets where secret_id = any($1)', [secretIds]);
    expect(left.rowCount).toBe(0);
    await until('its queue is gone', async () => (await queueKeys()).length === 0);
    const keyId = environment.gatewayKey.split('_')[1] ?? '';
    await until('its gateways are locked out', async () => (await channel.keyRingEntry(keyId)) === undefined);
    await expect(plane.app.get(EnvironmentChannels).of(environment.id)).rejects.toThrow('does not exist');
    await plane.readModelsShown();
    for (const table of [
      ...['environment_channels', 'identity_wishes', 'told_identities', 'route_claims', 'read_environments'],
      ...['read_key_set_orders', 'token_revocations', 'read_token_revocations'],
    ]) {
      const rows = await plane.pool.query(`select 1 from ${table} where environment_id = $1`, [environment.id]);
      expect([table, rows.rowCount]).toEqual([table, 0]);
    }
    const { resultList } = await plane.done('POST', '/environments/', {
      ...{ name: environment.name, redisUrl: otherRedisUrl() },
    });
    const gatewayKey = String(resultList[0]?.['gatewayKey']);
    const successor = await FakeGateway.admitted(otherRedis, { name: environment.name, gatewayKey });
    await until('it knows the users', () => successor.identity('credential', 'alice'));
    expect(await successor.artifactOf(proxy.id)).toBeUndefined();
  });

  it('ends what still waits for it', async () => {
    const unreachable = await plane.environment({ redisUrl: 'redis://127.0.0.1:1' });
    const proxy = await deployedProxy(unreachable);
    await undeploy(proxy, unreachable);
    await plane.done('DELETE', at(unreachable));
    expect(await deploymentsIn(unreachable)).toMatchObject([{ state: 'superseded' }, { state: 'superseded' }]);
    const ended = (await plane.events()).filter(
      ({ stream_id: id }) => id === `environmentDeployments-${unreachable.id}`,
    );
    expect(ended.filter(({ type }) => type === 'DeploymentSuperseded')).toHaveLength(2);
  });

  it('and a deployment to it at once do not both succeed', async () => {
    for (let round = 0; round < 5; round += 1) {
      const environment = await plane.environment();
      const name = `raced-${round}`;
      await plane.done('POST', `${P}/apiProxies/url/`, proxyBody(name));
      const [deployed, removed] = await Promise.all([
        call('POST', `${P}/apiProxies/${name}/environments/${environment.name}/`),
        call('DELETE', at(environment)),
      ]);
      const variants = [
        [200, 409],
        [404, 200],
        [409, 200],
      ];
      expect(variants).toContainEqual([deployed.status, removed.status]);
      const pending = (await deploymentsIn(environment)).filter(({ state }) => state === 'pending');
      if (removed.status === 200) expect(pending).toEqual([]);
    }
  });
});

describe('gateway keys of an environment', () => {
  it('are both valid while they are changed, and the old one is not afterwards', async () => {
    const environment = await plane.environment();
    const { name } = environment;
    const keys = `/environments/${name}/keys/`;
    const added = (await plane.done('POST', keys)).resultList[0] as { keyId: string; gatewayKey: string };
    const [old] = (await plane.done('GET', keys)).resultList.filter(({ keyId }) => keyId !== added.keyId);
    const [before, after] = [
      await FakeGateway.admitted(plane.redis, environment, 'old'),
      await FakeGateway.admitted(plane.redis, { name, gatewayKey: added.gatewayKey }, 'new'),
    ];
    const proxy = await deployedProxy(environment);
    const artifact = await before.artifactOf(proxy.id);
    expect(await after.artifactOf(proxy.id)).toEqual(artifact);
    expect(artifact).toBeDefined();
    const oldKeyId = String(old?.['keyId']);
    await plane.done('DELETE', `${keys}${oldKeyId}/`);
    await until('the old key is out', async () => (await before.channel.keyRingEntry(oldKeyId)) === undefined);
    await FakeGateway.admitted(plane.redis, { name, gatewayKey: added.gatewayKey });
    expect((await call('DELETE', `${keys}${added.keyId}/`)).status).toBe(409);
    expect((await call('DELETE', `${keys}none/`)).status).toBe(404);
    expect((await plane.done('GET', keys)).resultList).toEqual([{ keyId: added.keyId }]);
  });

  it.each([
    ['GET', '/environments/none/keys/'],
    ['POST', '/environments/none/keys/'],
    ['DELETE', '/environments/none/keys/x/'],
  ] as const)('%s %s is a 404', async (method, path) => {
    expect((await call(method, path)).status).toBe(404);
  });
});

describe('read models of environments and credentials', () => {
  it('rebuilt from the events are equal to the live ones', async () => {
    await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('listed'));
    const access = { credentialAccessList: [{ name: 'listed', type: 'API_PROXY' }] };
    for (const name of ['bob', 'carol']) {
      await plane.done('POST', `${P}/credentials/`, credentialBody(name, 'a password', { ipList: ['10.0.0.1'] }));
      await plane.done('PUT', `${P}/credentials/${name}/access/`, access);
      await plane.done('PUT', `${P}/credentials/${name}/token/`, { deletePrevious: true });
    }
    await plane.done('DELETE', `${P}/credentials/bob/access/`, access);
    await plane.readModelsShown();
    const read = async () => [
      (await plane.pool.query<object>('select * from read_environments order by 1')).rows,
      (await plane.pool.query<object>('select * from read_credentials order by 1')).rows,
    ];
    const live = await read();
    expect(live[1]).toHaveLength(3);
    const runner = plane.app.get<ProjectionRunner>(PROJECTION_RUNNER);
    for (const name of ['environments', 'credentials']) await runner.rebuild(name);
    expect(await read()).toEqual(live);
  });
});
