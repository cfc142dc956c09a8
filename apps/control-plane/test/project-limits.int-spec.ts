import { KeyWork } from '../src/key-stores/key-work.ts';
import { PROJECT_LIMITS, type ProjectLimitName } from '../src/projects/domain/project-limits.ts';
import { credentialBody, policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

type Method = Parameters<RunningControlPlane['call']>[0];

const SETTINGS = { proxies: 4, credentials: 3, keyStores: 3, variables: 3, policiesPerProxy: 3, endpointsPerProxy: 3 };
const MAX_ARTIFACT_BYTES = 64 * 1024;
const MAX_REVOCATIONS = 4;

let plane: RunningControlPlane;
let projects = 0;
/** Administrates one project alone. */
const tenant = { authorization: '' };

beforeAll(async () => {
  plane = await RunningControlPlane.start({
    projectLimits: SETTINGS,
    maxArtifactBytes: MAX_ARTIFACT_BYTES,
    projectMaxRevocations: MAX_REVOCATIONS,
  });
  const P = await project();
  const body = { name: 'tenant', permissions: ['ADMIN'], projects: [P.slice('/projects/'.length)] };
  const { resultList } = await plane.done('POST', '/tokens/', body);
  tenant.authorization = `Bearer ${String(resultList[0]?.['token'])}`;
});
afterAll(() => plane.close());

/** The path of a project that nobody else uses. */
async function project(): Promise<string> {
  projects += 1;
  await plane.done('POST', '/projects/', { name: `p${projects}` });
  return `/projects/p${projects}`;
}

async function proxyIn(P: string, members: object = {}): Promise<string> {
  const name = `held-${projects}`;
  await plane.done('POST', `${P}/apiProxies/url/`, proxyBody(name, members));
  return `${P}/apiProxies/${name}`;
}

/** How one more is asked for, in a project or, where it goes into a proxy, in that; and how it is taken away. */
const KINDS = {
  proxies: {
    add: (P: string, name: string) => ['POST', `${P}/apiProxies/url/`, proxyBody(name)],
    remove: (P: string, name: string) => ['DELETE', `${P}/apiProxies/${name}/`, undefined],
  },
  credentials: {
    add: (P: string, name: string) => ['POST', `${P}/credentials/`, credentialBody(name, 'a long password')],
    remove: (P: string, name: string) => ['DELETE', `${P}/credentials/${name}/`, undefined],
  },
  keyStores: {
    add: (P: string, name: string) => [
      ...(['POST', `${P}/jwks/generate`] as const),
      { name, type: 'EC', ec: { curveType: 'P256' } },
    ],
    remove: (P: string, name: string) => ['DELETE', `${P}/jwks/${name}/`, undefined],
  },
  variables: {
    add: (P: string, name: string) => [
      ...(['POST', `${P}/environmentVariables/${name}/`] as const),
      { global: true, globalValue: '1' },
    ],
    remove: (P: string, name: string) => ['DELETE', `${P}/environmentVariables/${name}/`, undefined],
  },
  policiesPerProxy: {
    add: (X: string, name: string) => ['POST', `${X}/policies/${name}/`, policyBody()],
    remove: (X: string, name: string) => [
      ...(['DELETE', `${X}/policies/${name}/`] as const),
      { operationMetadata: { targetScope: 'ALL', targetPipeline: 'REQUEST' } },
    ],
  },
  endpointsPerProxy: {
    add: (X: string, name: string) => ['POST', `${X}/endpoints/`, { name: `/${name}`, httpMethod: 'GET' }],
    remove: (X: string, name: string) => [
      ...(['POST', `${X}/endpoints/delete/`] as const),
      { name: `/${name}`, httpMethod: 'GET' },
    ],
  },
} as const satisfies Record<
  ProjectLimitName,
  Readonly<Record<'add' | 'remove', (place: string, name: string) => readonly [Method, string, unknown]>>
>;
const NAMES = Object.keys(KINDS) as ProjectLimitName[];

const call = ([method, path, body]: readonly [Method, string, unknown]): Promise<Answer> =>
  plane.call(method, path, body);

/** A place that holds nothing of the kind yet. */
async function placeFor(what: ProjectLimitName): Promise<string> {
  const P = await project();
  return what.endsWith('PerProxy') ? proxyIn(P) : P;
}

const isFull = ({ status, body }: Answer, what: ProjectLimitName, limit: number): void => {
  expect([status, body.error]).toEqual([409, 'conflict']);
  for (const part of [` ${limit} `, what, PROJECT_LIMITS[what].setting]) {
    expect(body.error_description).toContain(part);
  }
};

const eventCount = async (): Promise<number> => (await plane.events()).length;

describe.each(NAMES)('the limit %s', (what) => {
  const limit = SETTINGS[what];
  const { add, remove } = KINDS[what];
  const name = (index: number) => `${what}-${projects}-${index}`;

  it('refuses one more than the setting allows, naming it, and records nothing; other places have room', async () => {
    const place = await placeFor(what);
    for (let index = 0; index < limit; index += 1) expect((await call(add(place, name(index)))).status).toBe(200);
    const before = await eventCount();
    isFull(await call(add(place, name(limit))), what, limit);
    expect(await eventCount()).toBe(before);
    expect((await call(remove(place, name(0)))).status).toBe(200);
    expect((await call(add(place, name(limit)))).status).toBe(200);
    isFull(await call(add(place, name(limit + 1))), what, limit);
    const other = await placeFor(what);
    expect((await call(add(other, name(0)))).status).toBe(200);
  });

  it('is exact for ten writers at once, of two processes', async () => {
    const place = await placeFor(what);
    expect((await call(add(place, name(0)))).status).toBe(200);
    const second = await plane.process();
    const answers = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const [method, path, body] = add(place, name(index + 1));
        const app = index % 2 === 0 ? plane.app : second;
        const headers = { authorization: `Bearer ${plane.adminToken}` };
        return (await app.inject({ method, url: `/apiops${path}`, headers, payload: body as object })).statusCode;
      }),
    );
    expect(answers.filter((status) => status === 200)).toHaveLength(limit - 1);
    expect(answers.filter((status) => status === 409)).toHaveLength(10 - (limit - 1));
  });
});

describe('PUT P/settings/limits/', () => {
  const LIMITS_EVENT = 'ProjectLimitsChanged';

  it('gives a project limits of its own, larger or smaller, until they are taken back; the event says which', async () => {
    const P = await project();
    const path = `${P}/settings/limits/`;
    expect((await plane.done('GET', path)).resultList).toEqual([SETTINGS]);
    const own = { ...SETTINGS, variables: 1, keyStores: 5 };
    expect((await plane.done('PUT', path, { variables: 1, keyStores: 5 })).resultList).toEqual([own]);
    expect((await plane.done('GET', path)).resultList).toEqual([own]);
    expect((await plane.events()).findLast(({ type }) => type === LIMITS_EVENT)?.data).toMatchObject({
      limits: { proxies: null, credentials: null, keyStores: 5, variables: 1 },
    });
    expect((await call(KINDS.variables.add(P, 'first'))).status).toBe(200);
    isFull(await call(KINDS.variables.add(P, 'second')), 'variables', 1);
    await plane.done('PUT', path, { variables: null });
    expect((await plane.done('GET', path)).resultList).toEqual([SETTINGS]);
    expect((await call(KINDS.variables.add(P, 'second'))).status).toBe(200);
  });

  it('takes nothing away: what is above a new limit stays, and can be changed', async () => {
    const P = await project();
    const X = await proxyIn(P);
    for (const name of ['a', 'b']) await plane.done(...KINDS.policiesPerProxy.add(X, name));
    await plane.done('PUT', `${P}/settings/limits/`, { policiesPerProxy: 1 });
    expect((await plane.call('PUT', `${X}/policies/a/`, policyBody({}, { description: 'd' }))).status).toBe(200);
    expect((await plane.call('PATCH', `${X}/settings/connection/`, { readTimeout: 9 })).status).toBe(200);
    isFull(await call(KINDS.policiesPerProxy.add(X, 'c')), 'policiesPerProxy', 1);
  });

  it('holds for a rollback to a revision with more than that', async () => {
    const P = await project();
    const X = await proxyIn(P);
    for (const name of ['a', 'b']) await plane.done(...KINDS.policiesPerProxy.add(X, name));
    await plane.done(...KINDS.policiesPerProxy.remove(X, 'b'));
    await plane.done('PUT', `${P}/settings/limits/`, { policiesPerProxy: 1 });
    const before = await eventCount();
    isFull(await plane.call('POST', `${X}/revisions/3/rollback/`), 'policiesPerProxy', 1);
    expect(await eventCount()).toBe(before);
    expect((await plane.call('POST', `${X}/revisions/2/rollback/`)).status).toBe(200);
  });

  it('is not for the administrator of the project itself, who may look', async () => {
    const before = await eventCount();
    const refused = await plane.call('PUT', '/projects/p1/settings/limits/', { proxies: 1_000 }, tenant);
    expect(refused).toMatchObject({ status: 403, body: { error: 'access_denied' } });
    expect(refused.body.error_description).toContain('ADMIN over all projects');
    expect(await eventCount()).toBe(before);
    expect((await plane.call('GET', '/projects/p1/settings/limits/', undefined, tenant)).status).toBe(200);
  });

  it('refuses every fault at once', async () => {
    const P = await project();
    const refused = await plane.call('PUT', `${P}/settings/limits/`, { proxies: 0, variables: '1', colours: 3 });
    expect(refused.status).toBe(400);
    const fields = (refused.body.validation_errors ?? []).map(({ field }) => field).sort();
    expect(fields).toEqual(['colours', 'proxies', 'variables']);
  });
});

describe('the limit keyStores', () => {
  it('is looked at before a key is read or made, which takes a while', async () => {
    const P = await project();
    for (const name of ['a', 'b', 'c']) await plane.done(...KINDS.keyStores.add(P, name));
    let letGo = (): void => undefined;
    const ended = new Promise<void>((resolve) => (letGo = resolve));
    const work = plane.app.get(KeyWork);
    // Nobody gets to reading or making keys meanwhile.
    const busy = [work.piece(() => ended), work.piece(() => ended)];
    isFull(await call(KINDS.keyStores.add(P, 'd')), 'keyStores', 3);
    const file = { name: 'd', sourceType: 'PEM', content: 'not looked at' };
    isFull(await plane.call('POST', `${P}/jwks/`, file), 'keyStores', 3);
    letGo();
    await Promise.all(busy);
  });
});

describe('the routes of a proxy', () => {
  const numbered = (count: number, spell: (index: number) => string) =>
    Array.from({ length: count }, (_, i) => spell(i));
  const routes = (paths: number, hosts: number, methodList: readonly string[]) => ({
    relativePathList: numbered(paths, (index) => `/r${projects}-${index}`),
    ...{ hostList: numbered(hosts, (index) => `h${index}.example`), methodList },
  });
  const faultsOf = ({ status, body }: Answer) => [
    status,
    ...(body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`),
  ];

  it('are at most 1000 together, whichever call names them; what says the same twice counts once', async () => {
    const P = await project();
    const tooMany = routes(100, 6, ['GET', 'POST']);
    const X = await proxyIn(P, { clientRoute: routes(100, 10, ['ALL', 'GET', 'POST']) });
    const before = await eventCount();
    const made = await plane.call('POST', `${P}/apiProxies/url/`, proxyBody('more', { clientRoute: tooMany }));
    expect(faultsOf(made)).toEqual([400, 'clientRoute.relativePathList too_many_routes']);
    const updated = proxyBody(X.split('/').at(-1) ?? '', { clientRoute: tooMany });
    expect(faultsOf(await plane.call('PUT', `${P}/apiProxies/url/`, updated))).toEqual(faultsOf(made));
    const set = await plane.call('PATCH', `${X}/settings/client-route/`, tooMany);
    expect(faultsOf(set)).toEqual([400, 'relativePathList too_many_routes']);
    expect(set.text).toContain('at most 1000 combinations');
    expect(await eventCount()).toBe(before);
    const fewer = routes(100, 5, ['GET', 'POST', 'GET']);
    expect((await plane.call('PATCH', `${X}/settings/client-route/`, fewer)).status).toBe(200);
  });
});

describe('PROJECT_MAX_REVOCATIONS', () => {
  const isRefused = ({ status, body }: Answer): void => {
    expect([status, body.error]).toEqual([409, 'conflict']);
    for (const part of [` ${MAX_REVOCATIONS} `, 'PROJECT_MAX_REVOCATIONS']) {
      expect(body.error_description).toContain(part);
    }
  };

  it('bounds what a project brings into the ledgers of environments, and holds up no change of a secret', async () => {
    const { name: environment } = await plane.environment();
    const P = await project();
    const X = await proxyIn(P);
    const { add, remove } = KINDS.credentials;
    await plane.done(...add(P, 'stays'));
    // A user of that name, and a client.
    for (const name of ['first', 'second']) {
      await plane.done(...add(P, name));
      await plane.done(...remove(P, name));
    }
    const before = await eventCount();
    isRefused(await call(add(P, 'third')));
    isRefused(await call(KINDS.proxies.add(P, 'another')));
    isRefused(await plane.call('PATCH', `${X}/settings/keys/`, { publicKey: 'k', secretKey: 'another-secret' }));
    const tokens = (family: string) => `${P}/credentials/stays/tokens/${family}?environmentName=${environment}`;
    isRefused(await plane.call('DELETE', tokens('family/')));
    expect(await eventCount()).toBe(before);
    expect((await plane.call('DELETE', tokens(''))).status).toBe(200);
    expect((await plane.call('PATCH', `${P}/credentials/stays/`, { password: 'another password' })).status).toBe(200);
    expect((await plane.call('PATCH', `${X}/settings/keys/`, { secretKey: 'another-secret' })).status).toBe(200);
    expect((await call(remove(P, 'stays'))).status).toBe(200);
    expect((await call(add(await project(), 'third'))).status).toBe(200);
    await plane.pool.query('update token_revocations set ends_at_ms = $1', [Date.now() - 1]);
    expect((await call(add(P, 'fourth'))).status).toBe(200);
  });
});

describe('the compiled proxy', () => {
  const largePolicy = (bytes: number) =>
    ({
      operationMetadata: { targetScope: 'ALL', targetPipeline: 'REQUEST', deploy: false },
      policy: {
        ...{ type: 'policy-raise-fault', statusCode: 400, reasonPhrase: 'Bad', contentType: 'text/plain' },
        payload: 'x'.repeat(bytes),
      },
    }) as const;

  it('is not larger than MAX_ARTIFACT_BYTES, whatever its policies are together: 409, and nothing is recorded', async () => {
    const X = await proxyIn(await project());
    const half = largePolicy(MAX_ARTIFACT_BYTES / 2);
    expect((await plane.call('POST', `${X}/policies/one/`, half)).status).toBe(200);
    const before = await eventCount();
    const refused = await plane.call('POST', `${X}/policies/two/`, half);
    expect([refused.status, refused.body.error]).toEqual([409, 'conflict']);
    for (const part of [String(MAX_ARTIFACT_BYTES), 'MAX_ARTIFACT_BYTES']) {
      expect(refused.body.error_description).toContain(part);
    }
    expect(await eventCount()).toBe(before);
  });

  it('is not deployed when values of variables make it larger, and the deployment says why', async () => {
    const P = await project();
    const { name: environment } = await plane.environment();
    const X = await proxyIn(P, { deploy: true, deployTargetEnvironmentNameList: [environment] });
    await plane.done('POST', `${P}/environmentVariables/big/`, {
      ...{ global: true, globalValue: 'y'.repeat(MAX_ARTIFACT_BYTES) },
    });
    const answer = await plane.done('POST', `${X}/policies/fault/`, {
      operationMetadata: {
        ...{ targetScope: 'ALL', targetPipeline: 'REQUEST', deploy: true },
        deployTargetEnvironmentNameList: [environment],
      },
      policy: { type: 'policy-raise-fault', statusCode: 400, payload: '{big}' },
    });
    expect(answer.deploymentResult.success).toBe(false);
    const [result] = answer.deploymentResult.deploymentResults;
    expect(result?.message).toContain('MAX_ARTIFACT_BYTES');
    expect(result?.message).not.toContain('yyyy');
    const deployed = await plane.pool.query<{ revision: number }>(
      `select revision from deployments where state = 'succeeded' and proxy_id = $1 order by deployment desc limit 1`,
      [await plane.proxyId(X.split('/').at(-1) ?? '')],
    );
    expect(deployed.rows.map(({ revision }) => Number(revision))).toEqual([1]);
  });
});
