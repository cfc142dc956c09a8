import { FakeGateway } from './testing/fake-gateway.ts';
import { policyBody, proxyBody, verificationBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;

let plane: RunningControlPlane;
let staging: Environment;
let production: Environment;

const PROXIES = '/projects/shop/apiProxies';
const faultsOf = ({ body }: Answer): string[] =>
  (body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`).sort();
const to = (...environments: Environment[]) => ({
  deploy: true,
  deployTargetEnvironmentNameList: environments.map(({ name }) => name),
});
const at = (path: string, members: object = {}) => ({ clientRoute: { relativePathList: [path], ...members } });

interface Row {
  readonly deployment: number;
  readonly revision: number;
  readonly environment: string;
  readonly deploy: boolean;
}
const historyOf = async (proxy: string, query = ''): Promise<Row[]> =>
  (await plane.done('GET', `${PROXIES}/${proxy}/deploy-histories/${query}`)).resultList as unknown as Row[];
const rollBack = (proxy: string, deployment: number, environment: Environment, ...more: [unknown?, object?]) =>
  plane.call(
    'POST',
    `${PROXIES}/${proxy}/deploy-histories/${deployment}/rollback/?environmentName=${environment.name}`,
    more[0],
    more[1] as Record<string, string> | undefined,
  );
/** What a revision holds, but for its number and its keys. */
async function contentAt(proxy: string, revision: number): Promise<object> {
  const { resultList } = await plane.done('GET', `${PROXIES}/${proxy}/revisions/${revision}/`);
  const { revision: _revision, publicKey: _publicKey, ...content } = resultList[0] ?? {};
  return content;
}
async function nothingChanges(work: () => Promise<void>): Promise<void> {
  const count = async () => (await plane.events()).filter(({ metadata }) => metadata['actor'] !== 'deployer').length;
  const before = await count();
  await work();
  expect(await count()).toBe(before);
}

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 3_000 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  staging = await plane.environment();
  production = await plane.environment();
});
afterAll(() => plane.close());

describe('GET X/deploy-histories/', () => {
  const X = `${PROXIES}/told`;
  beforeAll(async () => {
    await plane.done('POST', `${PROXIES}/url/`, { ...proxyBody('told'), ...to(staging) });
    await plane.done('POST', `${X}/policies/a/`, policyBody(to(staging, production)), {
      'x-change-reason': 'ticket 9',
    });
    await plane.done('POST', `${X}/environments/${staging.name}/`, { description: 'again' });
    await plane.done('DELETE', `${X}/environments/${staging.name}/`, { description: 'not any more' });
  });

  it('lists deployments and undeployments of all environments, newest first', async () => {
    const rows = await historyOf('told');
    expect(rows.map(({ revision, environment, deploy }) => ({ revision, environment, deploy }))).toEqual([
      { revision: 2, environment: staging.name, deploy: false },
      { revision: 2, environment: staging.name, deploy: true },
      ...[staging, production]
        .sort((left, right) => (left.id < right.id ? -1 : 1))
        .map(({ name }) => ({ revision: 2, environment: name, deploy: true }))
        .sort((left, right) => Number(right.environment === staging.name) - Number(left.environment === staging.name)),
      { revision: 1, environment: staging.name, deploy: true },
    ]);
    expect(rows[0]).toMatchObject({
      ...{ deployment: 4, username: 'admin', description: 'not any more', success: true, state: 'succeeded' },
      ...{ deploymentTime: expect.stringMatching(/^\d{4}-.*Z$/) as string, message: expect.any(String) as string },
    });
    expect(rows.find(({ environment }) => environment === production.name)).toMatchObject({
      ...{ deployment: 1, description: 'ticket 9' },
    });
  });

  it('lists those of one environment, so many at a time', async () => {
    expect(await historyOf('told', `?environmentName=${production.name}`)).toMatchObject([{ deployment: 1 }]);
    expect(await historyOf('told', `?environmentName=${staging.name}&limit=2`)).toMatchObject([
      { deployment: 4 },
      { deployment: 3 },
    ]);
  });

  it('still names an environment that is no more', async () => {
    const gone = await plane.environment();
    await plane.done('POST', `${PROXIES}/url/`, { ...proxyBody('traveller'), ...to(gone) });
    await plane.done('DELETE', `${PROXIES}/traveller/environments/${gone.name}/`);
    await plane.done('DELETE', `/environments/${gone.name}/`);
    expect(await historyOf('traveller')).toMatchObject([
      { deployment: 2, environment: gone.name, deploy: false },
      { deployment: 1, environment: gone.name, deploy: true },
    ]);
    const path = `${PROXIES}/traveller/deploy-histories/1/?environmentName=${gone.name}`;
    expect((await plane.call('GET', path)).status).toBe(404);
  });

  it('knows nothing of the deployments of another proxy', async () => {
    await plane.done('POST', `${PROXIES}/url/`, proxyBody('never'));
    expect(await historyOf('never')).toEqual([]);
    const path = `${PROXIES}/never/deploy-histories/1/?environmentName=${staging.name}`;
    expect((await plane.call('GET', path)).status).toBe(404);
  });

  it.each([
    ['?limit=0', 400, 'limit out_of_range'],
    ['?limit=5000', 400, 'limit out_of_range'],
    ['?environment=x', 400, 'environment unknown_field'],
    ['?environmentName=nowhere', 404, undefined],
  ])('with %s is a %d', async (query, status, fault) => {
    const refused = await plane.call('GET', `${X}/deploy-histories/${query}`);
    expect(refused.status).toBe(status);
    expect(faultsOf(refused)).toEqual(fault === undefined ? [] : [fault]);
  });

  it('GET X/deploy-histories/{deployment}/ adds what gateways answered, and the proxy at that revision', async () => {
    const answer = await plane.call('GET', `${X}/deploy-histories/1/?environmentName=${staging.name}`);
    expect(answer.headers['etag']).toBe('"1"');
    const [row] = await historyOf('told', `?environmentName=${production.name}`);
    expect(answer.body.resultList).toMatchObject([
      {
        ...{ deployment: 1, revision: 1, environment: staging.name, success: true },
        deploymentResult: {
          success: true,
          deploymentResults: [
            {
              ...{ environmentName: staging.name, deployment: 1, revision: 1, success: true, detailList: [] },
              gateways: { live: 0, applied: 0, rejected: 0, pending: 0 },
            },
          ],
        },
        apiProxy: { apiProxyName: 'told', revision: 1, policyList: [] },
      },
    ]);
    const other = await plane.done('GET', `${X}/deploy-histories/1/?environmentName=${production.name}`);
    expect(other.resultList[0]).toMatchObject({ ...row, apiProxy: { policyList: [{ policy: { name: 'a' } }] } });
  });

  it('GET X/deploy-histories/{deployment}/ shows what each gateway said', async () => {
    const environment = await plane.environment();
    const gateway = await FakeGateway.admitted(plane.redis, environment);
    await gateway.appliesEverything();
    await plane.done('POST', `${X}/environments/${environment.name}/`);
    await gateway.ends();
    const { resultList } = await plane.done('GET', `${X}/deploy-histories/1/?environmentName=${environment.name}`);
    expect(resultList[0]).toMatchObject({
      deploymentResult: {
        deploymentResults: [
          { gateways: { live: 1, applied: 1 }, detailList: [{ gatewayId: 'gateway-1', success: true }] },
        ],
      },
    });
  });

  it.each([
    ['1/', 400, 'environmentName required'],
    ['x/?environmentName=STAGING', 400, 'deployment invalid'],
    ['99/?environmentName=STAGING', 404, undefined],
    ['1/?environmentName=nowhere', 404, undefined],
  ])('GET X/deploy-histories/%s is a %d', async (path, status, fault) => {
    for (const method of ['GET', 'POST'] as const) {
      const called = method === 'GET' ? path : path.replace('/', '/rollback/');
      const refused = await plane.call(method, `${X}/deploy-histories/${called.replace('STAGING', staging.name)}`);
      expect(refused.status).toBe(status);
      expect(faultsOf(refused)).toEqual(fault === undefined ? [] : [fault]);
    }
  });
});

describe('POST X/deploy-histories/{deployment}/rollback/', () => {
  const X = `${PROXIES}/back`;
  let gateway: FakeGateway;
  let proxyId: string;
  /** Numbers rise per environment, over all its proxies. */
  let firstDeployment = 0;
  const published = async () =>
    JSON.parse((await gateway.artifactOf(proxyId))?.text ?? '{}') as Record<string, unknown> & {
      pipelines: { request: { name: string }[] };
    };

  beforeAll(async () => {
    gateway = await FakeGateway.admitted(plane.redis, production);
    await plane.done('POST', `${PROXIES}/url/`, proxyBody('back', { apiProxyDescription: 'first' }));
    const found = await plane.pool.query<{ entity_id: string }>(
      `select entity_id from names where kind = 'api-proxy' and name = 'back'`,
    );
    proxyId = found.rows[0]?.entity_id ?? '';
    await plane.done('POST', `${X}/endpoints/`, { name: '/users', httpMethod: 'GET' });
    await plane.done('POST', `${X}/endpoints/`, { name: '/items', httpMethod: 'GET' });
    const atUsers = { targetScope: 'ENDPOINT', targetEndpoint: '/users', targetEndpointHTTPMethod: 'GET' };
    await plane.done('POST', `${X}/policies/u/`, policyBody(atUsers));
    await plane.done('POST', `${X}/policies/a/`, policyBody());
    await plane.done('POST', `${X}/policies/b/`, verificationBody({ order: 1 }, 'private.secret'));
    await plane.done('POST', `${X}/policies/c/`, policyBody({ order: 2, ...to(production) }));
    firstDeployment = (await historyOf('back'))[0]?.deployment ?? 0;
  });

  it('brings settings, endpoints and policies back as they were, as a new revision, and deploys it there', async () => {
    const [good] = await historyOf('back', `?environmentName=${production.name}`);
    const { revision: goodRevision = 0, deployment: goodDeployment = 0 } = good ?? {};
    const then = await published();
    expect(then.pipelines.request.map(({ name }) => name)).toEqual(['b', 'c', 'a']);
    await plane.done('DELETE', `${X}/policies/b/`, {
      operationMetadata: { targetScope: 'ALL', targetPipeline: 'REQUEST' },
    });
    await plane.done('POST', `${X}/endpoints/delete/`, { name: '/users', httpMethod: 'GET', force: true });
    await plane.done('PUT', `${X}/policies/c/`, policyBody({ order: 2 }, { jwtSignatureAlgorithm: 'RS256' }));
    const settings = proxyBody('back', { apiProxyDescription: 'second', ...at('/elsewhere') });
    await plane.done('PUT', `${PROXIES}/url/`, { ...settings, ...to(production) });
    expect(await published()).not.toEqual(then);

    const answer = await rollBack('back', goodDeployment, production);
    expect(answer.status).toBe(200);
    const revision = goodRevision + 5;
    expect(answer.body).toMatchObject({
      success: true,
      resultList: [{ revision, restoredRevision: goodRevision }],
      deploymentResult: {
        success: true,
        deploymentResults: [{ environmentName: production.name, success: true, revision }],
      },
    });
    expect(await contentAt('back', revision)).toEqual(await contentAt('back', goodRevision));
    expect(await published()).toEqual({ ...then, revision });
    const events = (await plane.done('GET', `${X}/events/?limit=1000`)).resultList;
    expect(events.at(-1)).toMatchObject({ type: 'RolledBack', revision, data: { toRevision: goodRevision } });
    expect((events.at(-1)?.['data'] as { changes: unknown[] }).changes).toEqual(
      (answer.body.resultList[0] as { changes: unknown[] }).changes,
    );
    const list = (await plane.done('GET', `${PROXIES}/`)).resultList;
    expect(list.find(({ apiProxyName }) => apiProxyName === 'back')).toMatchObject({
      ...{ revision, apiProxyDescription: 'first' },
    });
  });

  it('gives the deployment a description, its own or the one that is sent', async () => {
    await rollBack('back', firstDeployment, production);
    const own = await historyOf('back', `?environmentName=${production.name}&limit=1`);
    expect(own[0]).toMatchObject({
      description: expect.stringMatching(/^Rolled back to revision \d+ of deployment \d+ in /) as string,
    });
    await rollBack('back', firstDeployment, production, { description: 'by hand' });
    expect((await historyOf('back'))[0]).toMatchObject({ description: 'by hand', username: 'admin' });
  });

  it('to what is there already is a new revision, and deployed again', async () => {
    const [newest] = await historyOf('back', `?environmentName=${production.name}`);
    const answer = await rollBack('back', newest?.deployment ?? 0, production);
    expect(answer.body.resultList[0]).toMatchObject({ revision: (newest?.revision ?? 0) + 1, changes: [] });
    expect((await historyOf('back'))[0]).toMatchObject({ deployment: (newest?.deployment ?? 0) + 1, success: true });
  });

  it('of an undeployment brings back what was taken away', async () => {
    await plane.done('DELETE', `${X}/environments/${production.name}/`);
    expect(await gateway.artifactOf(proxyId)).toBeUndefined();
    const [undeployed] = await historyOf('back');
    expect(undeployed).toMatchObject({ deploy: false });
    expect((await rollBack('back', undeployed?.deployment ?? 0, production)).status).toBe(200);
    expect(await gateway.artifactOf(proxyId)).toBeDefined();
  });

  it('leaves the keys as they are, and says so', async () => {
    const before = await rollBack('back', firstDeployment, production);
    expect(before.body.resultList[0]).toMatchObject({
      notRolledBack: [{ kind: 'keys', changed: false }, {}, {}, {}, {}],
    });
    await plane.done('PATCH', `${X}/settings/keys/`, { publicKey: 'another-client' });
    const answer = await rollBack('back', firstDeployment, production);
    expect(answer.body.resultList[0]).toMatchObject({
      notRolledBack: [
        { kind: 'keys', changed: true },
        ...['credentials', 'environmentVariables', 'keyStores', 'environments'].map((kind) => ({ kind })),
      ],
    });
    expect((await plane.done('GET', `${X}/settings/keys/`)).resultList[0]).toMatchObject({
      publicKey: 'another-client',
    });
  });

  it('whose route somebody else has by now is a 409 that names him, and nothing changes', async () => {
    await plane.done('POST', `${PROXIES}/url/`, { ...proxyBody('moved', at('/contested')), ...to(staging) });
    const [first] = await historyOf('moved');
    await plane.done('PUT', `${PROXIES}/url/`, { ...proxyBody('moved', at('/moved')), ...to(staging) });
    await plane.done('POST', `${PROXIES}/url/`, { ...proxyBody('heir', at('/contested')), ...to(staging) });
    await nothingChanges(async () => {
      const refused = await rollBack('moved', first?.deployment ?? 0, staging);
      expect(refused).toMatchObject({ status: 409, body: { error: 'conflict' } });
      expect(refused.body.error_description).toContain('ApiProxy (name: heir)');
    });
  });

  it('with content that gateways could not run any more is a 400, and nothing changes', async () => {
    await plane.done('POST', `${PROXIES}/url/`, proxyBody('broken'));
    await plane.done('POST', `${PROXIES}/broken/policies/a/`, policyBody(to(staging)));
    const [first] = await historyOf('broken');
    await plane.done('PUT', `${PROXIES}/broken/policies/a/`, policyBody());
    // As if an older version had let it in: the log itself is never changed but here.
    await plane.pool.query(
      `update events set data = jsonb_set(data::jsonb, '{policy,condition}', '"(("') where type = 'PolicyAdded' and stream_id =
         (select 'apiProxy-' || entity_id from names where kind = 'api-proxy' and name = 'broken')`,
    );
    await nothingChanges(async () => {
      const refused = await rollBack('broken', first?.deployment ?? 0, staging);
      expect(refused.status).toBe(400);
      expect(faultsOf(refused)).toEqual([expect.stringContaining('condition') as string]);
    });
  });

  it('with a policy whose key is no more is a 400, and nothing changes', async () => {
    const key = { name: 'signing', description: '', type: 'EC', ec: { curveType: 'P256', algorithm: 'ES256' } };
    await plane.done('POST', '/projects/shop/jwks/generate', key);
    await plane.done('POST', `${PROXIES}/url/`, proxyBody('keyless'));
    const signed = { jwtSignatureAlgorithm: 'ES256', keyStoreName: 'signing' };
    await plane.done('POST', `${PROXIES}/keyless/policies/a/`, policyBody(to(staging), signed));
    const [first] = await historyOf('keyless');
    await plane.done('PUT', `${PROXIES}/keyless/policies/a/`, policyBody(to(staging)));
    await plane.done('DELETE', '/projects/shop/jwks/signing/');
    await nothingChanges(async () => {
      const refused = await rollBack('keyless', first?.deployment ?? 0, staging);
      expect(refused.status).toBe(400);
      expect(faultsOf(refused)).toEqual(['policy.keyStoreName unknown_key_store']);
    });
  });

  it('with If-Match of another revision is a 409, and an unknown member a 400; nothing changes', async () => {
    await nothingChanges(async () => {
      expect((await rollBack('back', firstDeployment, production, undefined, { 'if-match': '"1"' })).status).toBe(409);
      const refused = await rollBack('back', firstDeployment, production, { reason: 'x' });
      expect(refused.status).toBe(400);
      expect(faultsOf(refused)).toEqual(['reason unknown_field']);
    });
  });

  it('needs MANAGE and DEPLOY; without, it is a 403 and nothing changes', async () => {
    const token = async (...permissions: string[]) => {
      const body = { name: permissions.join('-'), permissions, projects: ['shop'], expiresAt: null };
      return {
        authorization: `Bearer ${String((await plane.done('POST', '/tokens/', body)).resultList[0]?.['token'])}`,
      };
    };
    const [viewer, manager] = [await token('VIEW', 'DEPLOY'), await token('MANAGE')];
    await nothingChanges(async () => {
      expect((await rollBack('back', firstDeployment, production, undefined, viewer)).status).toBe(403);
      expect((await rollBack('back', firstDeployment, production, undefined, manager)).status).toBe(403);
    });
    const both = await token('MANAGE', 'DEPLOY');
    expect((await rollBack('back', firstDeployment, production, undefined, both)).status).toBe(200);
    expect((await plane.call('GET', `${X}/events/`, undefined, viewer)).status).toBe(200);
  });
});

describe('POST X/revisions/{n}/rollback/', () => {
  const X = `${PROXIES}/plain`;
  beforeAll(async () => {
    await plane.done('POST', `${PROXIES}/url/`, { ...proxyBody('plain'), ...to(staging) });
    await plane.done('POST', `${X}/policies/a/`, policyBody());
  });

  it('restores without deploying, unless that is asked for', async () => {
    const deployments = (await historyOf('plain')).length;
    const answer = await plane.done('POST', `${X}/revisions/1/rollback/`);
    expect(answer).toMatchObject({
      resultList: [{ revision: 3, restoredRevision: 1, changes: [{ path: 'policyList[a]', to: null }] }],
      deploymentResult: { success: true, deploymentResults: [] },
    });
    expect((await historyOf('plain')).length).toBe(deployments);
    const deployed = await plane.done('POST', `${X}/revisions/2/rollback/`, { deploy: true, description: 'back' });
    expect(deployed.deploymentResult.deploymentResults).toMatchObject([{ environmentName: staging.name, revision: 4 }]);
    expect((await historyOf('plain'))[0]).toMatchObject({ revision: 4, description: 'back' });
    const { resultList: events } = await plane.done('GET', `${X}/events/?after=2`);
    expect(events.map(({ reason }) => reason)).toEqual([null, 'back']);
    expect(await contentAt('plain', 4)).toEqual(await contentAt('plain', 2));
  });

  it.each([
    ['99', {}, 404, undefined],
    ['0', {}, 404, undefined],
    ['x', {}, 400, 'revision invalid'],
    ['1', { deploy: 'yes' }, 400, 'deploy wrong_type'],
    [
      '1',
      { deployTargetEnvironmentNameList: ['nowhere'] },
      400,
      'deployTargetEnvironmentNameList[0] unknown_environment',
    ],
    ['1', { toRevision: 2 }, 400, 'toRevision unknown_field'],
  ])('of revision %s with %j is a %d, and nothing changes', async (revision, body, status, fault) => {
    await nothingChanges(async () => {
      const refused = await plane.call('POST', `${X}/revisions/${revision}/rollback/`, body);
      expect(refused.status).toBe(status);
      expect(faultsOf(refused)).toEqual(fault === undefined ? [] : [fault]);
    });
  });
});
