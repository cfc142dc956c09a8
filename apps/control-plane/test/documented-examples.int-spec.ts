import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

type Body = Readonly<Record<string, unknown>>;
interface Operation {
  readonly parameters: readonly { readonly name?: string; readonly in?: string; readonly required?: boolean }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly examples?: Readonly<Record<string, { value: Body }>> }>>;
  };
}
interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}
interface Example {
  readonly call: string;
  readonly title: string;
  readonly operation: Operation;
  readonly body: Body | undefined;
}

const P = '/projects/shop';
const X = `${P}/apiProxies/orders`;

let plane: RunningControlPlane;
let examples: readonly Example[] = [];

const done = (...call: Parameters<RunningControlPlane['done']>) => plane.done(...call);
const call = (...parameters: Parameters<RunningControlPlane['call']>): Promise<Answer> => plane.call(...parameters);

/** What the names in paths mean in the world of the examples. */
const NAMES: Record<string, string> = {
  projectName: 'shop',
  apiProxyName: 'orders',
  environmentName: 'production',
  username: 'api-user',
  name: 'orders-signing',
  tokenName: 'old',
  revision: '1',
  uri: 'https://login.example.com/jwks.json',
  kid: '2026-01',
};

const CREDENTIAL = { email: 'a@example.com', fullName: 'A User', password: 'a first password' };

/** The world that the examples speak of; nothing runs in it. */
async function build(): Promise<void> {
  await done('POST', '/projects/', { name: 'shop' });
  for (const name of ['production', 'staging']) await done('POST', '/environments/', { name });
  await done('POST', '/tokens/', { name: 'old', permissions: ['VIEW'], projects: ['*'], expiresAt: null });
  await done('POST', `${P}/apiProxies/url/`, proxyBody('orders'));
  await done('POST', `${X}/endpoints/`, { name: '/users/{id}', httpMethod: 'GET' });
  await done('POST', `${X}/endpoints/`, { name: '/api/users', httpMethod: 'GET' });
  for (const username of ['api-user', 'restricted-user']) {
    await done('POST', `${P}/credentials/`, { username, ...CREDENTIAL });
  }
  await done('POST', `${P}/jwks/generate`, { name: 'orders-signing', type: 'EC', ec: { curveType: 'P256' } });
  await done('POST', `${P}/environmentVariables/API_KEY/`, { global: true, globalValue: 'v', globalVisible: true });
}

/** Takes down whatever an example left, so that the next one finds the same world. */
async function takeDown(): Promise<void> {
  const list = async (path: string) => (await call('GET', path)).body.resultList ?? [];
  for (const project of await list('/projects/')) {
    const at = `/projects/${String(project['name'])}`;
    for (const one of await list(`${at}/apiProxies/`)) {
      await done('DELETE', `${at}/apiProxies/${String(one['apiProxyName'] ?? one['name'])}/`);
    }
    for (const one of await list(`${at}/credentials/`))
      await done('DELETE', `${at}/credentials/${String(one['username'])}/`);
    for (const one of await list(`${at}/jwks/`)) await done('DELETE', `${at}/jwks/${String(one['name'])}/`);
    for (const one of await list(`${at}/environmentVariables/`)) {
      await done('DELETE', `${at}/environmentVariables/${String(one['name'])}/`);
    }
    await done('DELETE', `${at}/`);
  }
  for (const one of await list('/tokens/')) await done('DELETE', `/tokens/${String(one['name'])}/`);
  for (const one of await list('/environments/')) await done('DELETE', `/environments/${String(one['name'])}/`);
}

/** What a call needs beside the world, and the names of its path that are made on the way. */
const BEFORE: Readonly<Record<string, (example: Example) => Promise<Record<string, string> | void>>> = {
  'POST /projects/': async ({ body }) => {
    if (body?.['name'] !== 'shop') return;
    await takeDown();
  },
  'POST /environments/': async ({ body }) => void (await done('DELETE', `/environments/${String(body?.['name'])}/`)),
  'DELETE /environments/{environmentName}/keys/{keyId}/': async () => {
    const { resultList } = await done('POST', '/environments/production/keys/');
    return { keyId: String(resultList[0]?.['keyId']) };
  },
  'DELETE /environments/{environmentName}/jwks/deny/': async () => {
    const { uri, kid } = NAMES;
    await done('POST', '/environments/production/jwks/deny/', { uri, kid });
  },
  'DELETE /projects/{projectName}/': async () => {
    await done('POST', '/projects/', { name: 'empty' });
    return { projectName: 'empty' };
  },
  'POST /projects/{projectName}/apiProxies/url/': async () => void (await done('DELETE', `${X}/`)),
  'POST /projects/{projectName}/apiProxies/{apiProxyName}/endpoints/': async () => {
    await done('POST', `${X}/endpoints/delete/`, { name: '/users/{id}', httpMethod: 'GET' });
  },
  'POST /projects/{projectName}/apiProxies/{apiProxyName}/policies/{policyName}/': async () => ({
    policyName: 'check-token',
  }),
  'PUT /projects/{projectName}/apiProxies/{apiProxyName}/policies/{policyName}/': async ({ body }) => {
    await done('POST', `${X}/policies/check-token/`, body);
    return { policyName: 'check-token' };
  },
  'GET /projects/{projectName}/apiProxies/{apiProxyName}/policies/{policyName}/': withPolicy,
  'DELETE /projects/{projectName}/apiProxies/{apiProxyName}/policies/{policyName}/': withPolicy,
  'GET /projects/{projectName}/apiProxies/{apiProxyName}/deploy-histories/{deployment}/': deployed,
  'POST /projects/{projectName}/apiProxies/{apiProxyName}/deploy-histories/{deployment}/rollback/': deployed,
  'DELETE /projects/{projectName}/apiProxies/{apiProxyName}/environments/{environmentName}/': deployed,
  'GET /deployments/{id}/': async () => ({ id: `production:${(await deployed())['deployment'] ?? ''}` }),
  'POST /projects/{projectName}/apiProxies/{apiProxyName}/promote/': async () => {
    for (const name of ['production-eu', 'production-us']) await call('POST', '/environments/', { name });
    await done('POST', `${X}/environments/staging/`, { revision: 1 });
  },
  'POST /projects/{projectName}/credentials/': async ({ body }) =>
    void (await done('DELETE', `${P}/credentials/${String(body?.['username'])}/`)),
  'DELETE /projects/{projectName}/credentials/{username}/access/': async ({ body }) =>
    void (await done('PUT', `${P}/credentials/api-user/access/`, body)),
  'GET /projects/{projectName}/environmentVariables/{name}/': async () => ({ name: 'API_KEY' }),
  'PUT /projects/{projectName}/environmentVariables/{name}/': async () => ({ name: 'API_KEY' }),
  'DELETE /projects/{projectName}/environmentVariables/{name}/': async () => ({ name: 'API_KEY' }),
  'POST /projects/{projectName}/environmentVariables/{name}/': async () => ({ name: 'ANOTHER' }),
  'POST /projects/{projectName}/jwks/': async () => void (await done('DELETE', `${P}/jwks/orders-signing/`)),
  'POST /projects/{projectName}/jwks/generate': async () => void (await done('DELETE', `${P}/jwks/orders-signing/`)),
  'GET /projects/{projectName}/jwks/{name}/rotate/': rotating,
  'DELETE /projects/{projectName}/jwks/{name}/rotate/': rotating,
  'POST /projects/{projectName}/jwks/{name}/rotate/pause/': rotating,
  'POST /projects/{projectName}/jwks/{name}/rotate/force/': rotating,
  'POST /projects/{projectName}/jwks/{name}/rotate/resume/': async () => {
    await rotating();
    await done('POST', `${P}/jwks/orders-signing/rotate/pause/`);
  },
};

async function rotating(): Promise<void> {
  await done('POST', `${P}/jwks/orders-signing/rotate/`);
}

async function withPolicy(): Promise<Record<string, string>> {
  await done('POST', `${X}/policies/check-token/`, {
    operationMetadata: { targetScope: 'ALL', targetPipeline: 'REQUEST', deploy: false },
    policy: { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256' },
  });
  return { policyName: 'check-token' };
}

async function deployed(): Promise<Record<string, string>> {
  const { deploymentResult } = await done('POST', `${X}/environments/production/`);
  return { deployment: String(deploymentResult.deploymentResults[0]?.deployment) };
}

/** Have tests of their own: they need a real token, a login at a gateway, or are no envelope. */
const ELSEWHERE = new Set([
  ...['POST /auth/token', 'GET /docs', 'GET /openapi', 'GET /deployments/{id}/stream'],
  'GET /projects/{projectName}/jwks/{name}/rotate/stream',
  'DELETE /projects/{projectName}/credentials/{username}/tokens/{family}/',
  ...['GET /audit/events/', 'GET /projects/{projectName}/audit/events/'],
]);

function examplesIn(document: OpenApi): Example[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, operation]) => {
      const name = `${method.toUpperCase()} ${path.replace('/apiops', '')}`;
      const bodies = Object.entries(operation.requestBody?.content['application/json']?.examples ?? {});
      const without: Example[] = [{ call: name, title: 'without a body', operation, body: undefined }];
      const all = bodies.map(([title, { value }]) => ({ call: name, title, operation, body: value }));
      return ELSEWHERE.has(name) ? [] : bodies.length > 0 ? all : without;
    }),
  );
}

async function send({ call: name, operation, body }: Example, made: Record<string, string>): Promise<Answer> {
  const names = { ...NAMES, ...made };
  const [method = '', path = ''] = name.split(' ');
  const query = operation.parameters.filter((one) => one.in === 'query' && one.required === true);
  const asked = query.map((one) => `${one.name ?? ''}=${encodeURIComponent(names[one.name ?? ''] ?? '')}`).join('&');
  const filled = path.replace(/\{(\w+)\}/g, (_all, key: string) => names[key] ?? 'nothing');
  return call(method as 'GET', asked === '' ? filled : `${filled}?${asked}`, body);
}

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  const answer = await plane.app.inject({ method: 'GET', url: '/apiops/openapi' });
  examples = examplesIn(answer.json());
});
afterAll(() => plane.close());

describe('what the OpenAPI document says', () => {
  it('is accepted as it stands, every example of every call', async () => {
    expect(examples.length).toBeGreaterThan(90);
    const refused: unknown[] = [];
    let isBuilt = false;
    for (const example of examples) {
      if (!isBuilt) await build();
      const made = (await BEFORE[example.call]?.(example)) ?? {};
      const { status, text } = await send(example, made);
      if (status !== 200) refused.push({ call: example.call, title: example.title, status, text });
      isBuilt = example.call.startsWith('GET') && BEFORE[example.call] === undefined;
      if (!isBuilt) await takeDown();
    }
    expect(refused).toEqual([]);
  }, 600_000);
});
