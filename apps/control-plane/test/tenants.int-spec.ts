import type { LightMyRequestResponse } from 'fastify';
import { FakeGateway } from './testing/fake-gateway.ts';
import { credentialBody, METADATA, policyBody, proxyBody, verificationBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

type Method = Parameters<RunningControlPlane['call']>[0];

/** Two tenants of one control plane and one environment: everything that is looked for belongs to the other one. */
const OWN = '/projects/alpha';
const OTHER = '/projects/beta';
/** In whatever the other one's things consist of; nothing that is answered to the first one may hold it. */
const MARK = 'betas-own';
/** The other project's, and not four letters of a random text. */
const NAME = /\bbeta\b/;
const SECRET = `${MARK}-secret-0123456789-0123456789`;
const OWN_SECRET = 'alphas-secret-0123456789-0123456789';
const NOWHERE = 'nowhere';

let plane: RunningControlPlane;
let environment: Awaited<ReturnType<RunningControlPlane['environment']>>;
let gateway: FakeGateway;
/** Administrates alpha, and nothing else. */
let own: { authorization: string };
/** Administrates beta. */
let other: { authorization: string };
/** What beta's things are called where calls name them, by the parameter of the path. */
let others: Readonly<Record<string, string>>;

const ask = (method: Method, path: string, body?: unknown): Promise<Answer> => plane.call(method, path, body, own);
const to = (...names: string[]) => ({ deploy: true, deployTargetEnvironmentNameList: names });

async function tokenOf(name: string, project: string): Promise<{ authorization: string }> {
  const { resultList } = await plane.done('POST', '/tokens/', { name, permissions: ['ADMIN'], projects: [project] });
  return { authorization: `Bearer ${String(resultList[0]?.['token'])}` };
}

/** The same kinds of things in a project, under names of its own. */
async function furnish(P: string, name: string, headers: { authorization: string }, secret: string): Promise<void> {
  const done = (method: Method, path: string, body: unknown) => plane.done(method, `${P}${path}`, body, headers);
  await done('POST', '/environmentVariables/private.key/', {
    ...{ global: true, globalValue: secret, description: name },
  });
  await done('POST', '/jwks/generate', { name: `${name}-keys`, type: 'EC', ec: { curveType: 'P256' } });
  await done('POST', '/credentials/', credentialBody(`${name}-user`, secret));
  await done('POST', '/apiProxies/url/', proxyBody(name, { apiProxyDescription: name, ...to(environment.name) }));
  const X = `/apiProxies/${name}`;
  await done('POST', `${X}/endpoints/`, { name: `/${name}`, httpMethod: 'GET', description: name });
  await done('POST', `${X}/policies/${name}-policy/`, policyBody(to(environment.name), { description: name }));
}

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  for (const name of ['alpha', 'beta']) await plane.done('POST', '/projects/', { name, description: `of ${name}` });
  environment = await plane.environment();
  gateway = await FakeGateway.admitted(plane.redis, environment);
  await gateway.appliesEverything();
  [own, other] = [await tokenOf('alphas', 'alpha'), await tokenOf('betas', 'beta')];
  await furnish(OTHER, MARK, other, SECRET);
  await furnish(OWN, 'orders', own, OWN_SECRET);
  const rows = await plane.done('GET', `${OTHER}/apiProxies/${MARK}/deploy-histories/`, undefined, other);
  const deployment = String(rows.resultList[0]?.['deployment']);
  others = {
    ...{ projectName: 'beta', apiProxyName: MARK, policyName: `${MARK}-policy`, username: `${MARK}-user` },
    ...{ name: `${MARK}-keys`, deployment, revision: '2', family: 'family', keyId: 'key' },
    ...{ environmentName: environment.name, tokenName: 'betas', id: `${environment.name}:${deployment}` },
  };
});
afterAll(async () => {
  await gateway.ends();
  await plane.close();
});

interface Operation {
  readonly method: Method;
  /** With `{parameters}`. */
  readonly path: string;
  /** The first of its examples. */
  readonly body: unknown;
}

interface Documented {
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly examples?: Readonly<Record<string, { value: unknown }>> }>>;
  };
}

const exampleOf = ({ requestBody }: Documented): unknown =>
  Object.values(requestBody?.content['application/json']?.examples ?? {})[0]?.value ?? {};

/** What makes something comes last: then what is made by it is not found by the others. */
const ORDER = ['get', 'put', 'patch', 'delete', 'post'];

async function operations(): Promise<Operation[]> {
  const document = (await plane.call('GET', '/openapi')).body as unknown as {
    paths: Readonly<Record<string, Readonly<Record<string, Documented>>>>;
  };
  return ORDER.flatMap((method) =>
    Object.entries(document.paths).flatMap(([path, { [method]: documented }]) =>
      documented === undefined ? [] : [{ method: method.toUpperCase() as Method, path, body: exampleOf(documented) }],
    ),
  );
}

const parametersOf = ({ path }: Operation): string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter = '']) => parameter);

const filled = (path: string, names: Readonly<Record<string, string>>): string =>
  path.replace(/\{(\w+)\}/g, (_text, name: string) => encodeURIComponent(names[name] ?? NOWHERE));

/** As alpha's administrator, whatever the answer's form. */
const send = ({ method, path, body }: Operation): Promise<LightMyRequestResponse> =>
  plane.app.inject({
    ...{ method, url: path.startsWith('/apiops') ? path : `/apiops${path}`, headers: own },
    ...(method === 'GET' ? {} : { payload: body as object }),
  });

const ROUTE_NAMES = (operation: Operation): string => `${operation.method} ${operation.path}`;
const eventCount = async (): Promise<number> => (await plane.events()).length;

/** An answer without the names that were asked for, and without numbers: each change has the next ones. */
const alike = (text: string): string =>
  [NOWHERE, ...Object.values(others).filter((name) => !/^\d+$/.test(name))]
    .sort((left, right) => right.length - left.length)
    .reduce((rest, name) => rest.replaceAll(name, '*'), text)
    .replaceAll(/\d+/g, '#');

// Before things of the other one's names are made in the own project, too.
describe('what lists things', () => {
  it('shows a tenant nothing of another one', async () => {
    for (const path of [
      '/projects/',
      '/environments/',
      ...['apiProxies', 'credentials'].map((kind) => `${OWN}/${kind}/`),
    ]) {
      const { status, text } = await ask('GET', path);
      expect([path, status]).toEqual([path, 200]);
      expect(text).not.toContain(MARK);
      expect(text).not.toMatch(NAME);
    }
    const X = `${OWN}/apiProxies/orders`;
    const lists = [
      ...['environments', 'environmentVariables', 'jwks', 'settings/deploy-strategy'].map((kind) => `${OWN}/${kind}/`),
      ...['policies', 'endpoints', 'deploy-histories', 'events'].map((kind) => `${X}/${kind}/`),
      ...[
        `${X}/environments/${environment.name}/deploy-status/`,
        `${X}/environments/${environment.name}/route-health/`,
      ],
    ];
    for (const path of lists) {
      const { status, text } = await ask('GET', path);
      expect([path, status]).toEqual([path, 200]);
      expect(text).not.toContain(MARK);
    }
  });

  it('gives the trail of the own project alone', async () => {
    const answer = await plane.app.inject({ method: 'GET', url: `/apiops${OWN}/audit/events`, headers: own });
    expect(answer.statusCode).toBe(200);
    expect(answer.payload).toContain('"ProxyCreated"');
    const ofOther = ['"betas"', SECRET, await plane.proxyId(MARK)];
    expect(ofOther.filter((inner) => answer.payload.includes(inner))).toEqual([]);
  });
});

describe('every call under P/', () => {
  it('with a project of another tenant is a 403 that is the same where there is no such project', async () => {
    const calls = (await operations()).filter((operation) => parametersOf(operation).includes('projectName'));
    expect(calls.length).toBeGreaterThan(70);
    const before = await eventCount();
    const found: string[] = [];
    for (const operation of calls) {
      const there = await send({ ...operation, path: filled(operation.path, others) });
      const nowhere = await send({ ...operation, path: filled(operation.path, {}) });
      const isSame = there.payload === nowhere.payload && there.statusCode === nowhere.statusCode;
      if (there.statusCode !== 403 || !isSame) found.push(`${ROUTE_NAMES(operation)} ${there.statusCode}`);
      expect(there.payload).not.toContain(MARK);
    }
    expect(found).toEqual([]);
    expect(await eventCount()).toBe(before);
  });

  it('with the own project and what only the other one has answers as if it were nowhere', async () => {
    const calls = (await operations()).filter(
      (operation) => parametersOf(operation).includes('projectName') && parametersOf(operation).length > 1,
    );
    const found: string[] = [];
    for (const operation of calls) {
      // First the proxy is the other one's; then it is an own one, and what is looked for in it the other one's.
      for (const kept of [{ projectName: 'alpha' }, { projectName: 'alpha', apiProxyName: 'orders' }]) {
        const known = { ...kept, environmentName: environment.name };
        const names = { ...others, ...known };
        const url = `${filled(operation.path, names)}?environmentName=${environment.name}`;
        // What both have is no question.
        if (parametersOf(operation).every((parameter) => parameter in known || parameter === 'revision')) continue;
        const there = await send({ ...operation, path: url });
        const away = `${filled(operation.path, { ...known, deployment: '999999', revision: '2' })}?environmentName=${environment.name}`;
        const nowhere = await send({ ...operation, path: away });
        if (there.statusCode !== nowhere.statusCode || alike(there.payload) !== alike(nowhere.payload)) {
          found.push(`${ROUTE_NAMES(operation)} ${there.statusCode} ${there.payload} | ${nowhere.payload}`);
        }
        expect([ROUTE_NAMES(operation), there.payload.includes(SECRET)]).toEqual([ROUTE_NAMES(operation), false]);
      }
    }
    expect(found).toEqual([]);
  });
});

describe('every other call', () => {
  /** Open to every token: who deploys must know where to. They hold nothing of other projects. */
  const OPEN = ['/apiops/environments/', '/apiops/environments/{environmentName}/', '/apiops/projects/'];
  const PUBLIC = /^\/apiops\/(openapi|docs|auth\/token)/;

  it('is closed to a tenant, or holds nothing of another one', async () => {
    const calls = (await operations()).filter(
      (operation) => !parametersOf(operation).includes('projectName') && !PUBLIC.test(operation.path),
    );
    expect(calls.length).toBeGreaterThan(15);
    const before = await eventCount();
    const open: string[] = [];
    for (const operation of calls) {
      const { statusCode, payload } = await send({ ...operation, path: filled(operation.path, others) });
      if (statusCode !== 403 && statusCode !== 404) open.push(ROUTE_NAMES(operation));
      expect(payload).not.toContain(MARK);
      expect(payload).not.toMatch(NAME);
    }
    expect(open.map((name) => name.replace(/\/?$/, '/')).sort()).toEqual(OPEN.map((path) => `GET ${path}`).sort());
    expect(await eventCount()).toBe(before);
  });

  it.each(['/', '/stream'])('a deployment of another tenant is not there: GET deployments/{id}%s', async (end) => {
    const id = others['id'] ?? '';
    const there = await ask('GET', `/deployments/${id}${end}`);
    const nowhere = await ask('GET', `/deployments/${environment.name}:999999${end}`);
    expect(there.status).toBe(404);
    expect(there.text.replaceAll(id, '')).toBe(nowhere.text.replaceAll(`${environment.name}:999999`, ''));
    if (end === '/') expect((await plane.call('GET', `/deployments/${id}/`, undefined, other)).status).toBe(200);
  });
});

describe('a policy', () => {
  const X = `${OWN}/apiProxies/orders`;

  /** Refused in the same words as a name that is nowhere, and nothing recorded. */
  async function expectUnknown(askFor: (name: string) => Promise<Answer>, name: string): Promise<void> {
    const before = await eventCount();
    const [there, nowhere] = [await askFor(name), await askFor(NOWHERE)];
    expect(there.status).toBeGreaterThanOrEqual(400);
    expect(there.status).toBeLessThan(500);
    expect([there.status, there.text.replaceAll(name, NOWHERE)]).toEqual([nowhere.status, nowhere.text]);
    expect(await eventCount()).toBe(before);
  }

  it('cannot sign with a key of another tenant', async () => {
    const signing = (keyStoreName: string) =>
      ask('POST', `${X}/policies/signing/`, policyBody({}, { jwtSignatureAlgorithm: 'ES256', keyStoreName }));
    await expectUnknown(signing, `${MARK}-keys`);
    // The own one will do.
    const body = policyBody({}, { jwtSignatureAlgorithm: 'ES256', keyStoreName: 'orders-keys' });
    expect((await ask('POST', `${X}/policies/signing/`, body)).status).toBe(200);
  });

  it('reads its own variables alone, whatever it calls them', async () => {
    await plane.done('POST', `${OTHER}/environmentVariables/private.only-there/`, {
      global: true,
      globalValue: SECRET,
    });
    await plane.done('POST', `${OTHER}/environmentVariables/only-there/`, { global: true, globalValue: SECRET });
    for (const [name, body] of Object.entries({
      verify: verificationBody({}, 'private.key'),
      elsewhere: verificationBody({}, 'private.only-there'),
      named: {
        operationMetadata: METADATA,
        policy: {
          type: 'policy-raise-fault',
          statusCode: 400,
          payload: '{only-there} {beta.only-there}',
          active: false,
        },
      },
      keySet: {
        operationMetadata: METADATA,
        policy: {
          ...{ type: 'policy-verify-jwt', algorithm: 'RS256' },
          publicKey: { jwks: { uriRef: 'only-there' } },
        },
      },
    })) {
      const answer = await ask('POST', `${X}/policies/${name}/`, body);
      expect([name, answer.status, answer.text.includes(MARK)]).toEqual([name, 200, false]);
    }
    await plane.done('POST', `${X}/environments/${environment.name}/`, undefined, own);
    const artifact = await until('what reaches the gateways', async () => {
      const text = (await gateway.artifactOf(await plane.proxyId('orders')))?.text;
      return text?.includes('only-there') === true ? text : undefined;
    });
    expect(artifact).toContain(OWN_SECRET);
    expect(artifact).not.toContain(MARK);
  });

  it('lets in no user of another tenant: access to what the other one has cannot be granted', async () => {
    const grant = (name: string) =>
      ask('PUT', `${OWN}/credentials/orders-user/access/`, { credentialAccessList: [{ name, type: 'API_PROXY' }] });
    await expectUnknown(grant, MARK);
    const user = (username: string) =>
      ask('PUT', `${OWN}/credentials/${username}/access/`, {
        credentialAccessList: [{ name: 'orders', type: 'API_PROXY' }],
      });
    await expectUnknown(user, `${MARK}-user`);
  });

  it('is named in tokens by its project too: two proxies of one name have two audiences', async () => {
    await plane.done(
      'POST',
      `${OTHER}/apiProxies/url/`,
      proxyBody('orders', { clientRoute: { relativePathList: ['/b'] } }),
    );
    const policy = policyBody(to(environment.name));
    await plane.done('POST', `${OTHER}/apiProxies/orders/policies/orders-policy/`, policy);
    const found = await plane.pool.query<{ id: string; scope: string }>(
      `select entity_id as id, scope from names where kind = 'api-proxy' and name = 'orders'`,
    );
    const projects = await Promise.all(
      found.rows.map(async ({ id }) => {
        const { text } = (await gateway.artifactOf(id))!;
        return (JSON.parse(text) as { project: string; proxy: string }).project;
      }),
    );
    expect(projects.sort()).toEqual(['alpha', 'beta']);
  });
});

describe('what needs no token', () => {
  it('names nothing of a tenant: health and metrics, also when a key of his was rotated', async () => {
    const rotation = `${OTHER}/jwks/${MARK}-keys/rotate/`;
    await plane.done('POST', rotation, { kid: `${MARK}-second`, retirePrevious: true }, other);
    const read = async (url: string) => (await plane.app.inject({ method: 'GET', url })).payload;
    const metrics = await until('a rotation in the metrics', async () => {
      const text = await read('/metrics');
      return text.includes('gatewarden_key_last_rotation_timestamp_seconds{') ? text : undefined;
    });
    for (const text of [metrics, await read('/healthz'), await read('/readyz')]) {
      for (const name of [MARK, 'beta', 'alpha']) expect(text).not.toContain(name);
    }
  });
});

describe('a route that another tenant has', () => {
  it('is refused without a word of whose it is beyond the name of the proxy, and nothing is recorded', async () => {
    const before = await eventCount();
    const clientRoute = { relativePathList: [`/${MARK}`] };
    const body = proxyBody('thief', { clientRoute, ...to(environment.name) });
    const refused = await ask('POST', `${OWN}/apiProxies/url/`, body);
    expect([refused.status, refused.body.error]).toEqual([409, 'conflict']);
    expect(refused.text).not.toContain('beta ');
    expect(refused.text).not.toContain('(name: beta)');
    for (const inner of [await plane.proxyId(MARK), '127.0.0.1', SECRET]) expect(refused.text).not.toContain(inner);
    expect(await eventCount()).toBe(before);
  });
});

describe('an Idempotency-Key', () => {
  it('of one tenant says nothing of a call of another one', async () => {
    const headers = { 'idempotency-key': 'the-same' };
    const body = { global: true, globalValue: '1' };
    const first = await plane.call('POST', `${OTHER}/environmentVariables/once/`, body, { ...headers, ...other });
    const second = await plane.call('POST', `${OWN}/environmentVariables/once/`, body, { ...headers, ...own });
    for (const { status, headers: received } of [first, second]) {
      expect([status, received['idempotency-replayed']]).toEqual([200, undefined]);
    }
    // Not even where both ask for the same path: the one is replayed, the other refused as ever.
    const again = await plane.call('POST', `${OTHER}/environmentVariables/once/`, body, { ...headers, ...other });
    expect([again.status, again.headers['idempotency-replayed']]).toEqual([200, 'true']);
    const foreign = await plane.call('POST', `${OTHER}/environmentVariables/once/`, body, { ...headers, ...own });
    expect([foreign.status, foreign.headers['idempotency-replayed']]).toEqual([403, undefined]);
  });
});

describe('If-Match', () => {
  it('names a revision of the proxy in the path, whatever another one of the name is at', async () => {
    for (const [P, headers] of [
      [OWN, own],
      [OTHER, other],
    ] as const) {
      await plane.done(
        'POST',
        `${P}/apiProxies/url/`,
        proxyBody('twin', { clientRoute: { relativePathList: [P] } }),
        headers,
      );
    }
    await plane.done('PATCH', `${OTHER}/apiProxies/twin/settings/connection/`, { readTimeout: 9 }, other);
    const change = (revision: number) =>
      plane.call(
        'PATCH',
        `${OWN}/apiProxies/twin/settings/connection/`,
        { readTimeout: 8 },
        {
          ...own,
          'if-match': `"${revision}"`,
        },
      );
    expect((await change(2)).status).toBe(409);
    expect((await change(1)).status).toBe(200);
  });
});

describe('a session', () => {
  it('opens what its token opens, and no more', async () => {
    const token = own.authorization.slice('Bearer '.length);
    const signedIn = await plane.app.inject({
      ...{
        method: 'POST',
        url: '/apiops/auth/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      },
      payload: `grant_type=client_credentials&client_id=alphas&client_secret=${token}`,
    });
    const session = { authorization: `Bearer ${signedIn.json<{ access_token: string }>().access_token}` };
    expect((await plane.call('GET', `${OWN}/apiProxies/`, undefined, session)).status).toBe(200);
    expect((await plane.call('GET', `${OTHER}/apiProxies/`, undefined, session)).status).toBe(403);
  });
});
