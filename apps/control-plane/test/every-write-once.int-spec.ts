import { generateKeyPairSync } from 'node:crypto';
import { FakeGateway } from './testing/fake-gateway.ts';
import { credentialBody, METADATA, policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

type Method = Parameters<RunningControlPlane['call']>[0];

interface Write {
  readonly method: Method;
  /** As the web server has it. */
  readonly route: string;
  readonly path: string;
  readonly body: unknown;
}

const P = '/projects/shop';
const X = `${P}/apiProxies/orders`;

let plane: RunningControlPlane;
let gateway: FakeGateway;
let environmentName: string;

const write = (method: Method, route: string, path: string, body?: unknown): Write => ({ method, route, path, body });

const PROJECT = '/projects/:projectName';
const PROXY = `${PROJECT}/apiProxies/:apiProxyName`;
const ACCESS = { credentialAccessList: [{ name: 'orders', type: 'API_PROXY' }] };
const CREDENTIAL = `${PROJECT}/credentials/:username`;
const ENVIRONMENT = '/environments/:environmentName';

const IMPORTED = {
  sourceType: 'JWK',
  content: JSON.stringify(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })),
};

/** Every call that changes something, in an order in which each finds what it needs. */
const WRITES: readonly (() => Write | Promise<Write>)[] = [
  () => write('POST', '/tokens', '/tokens/', { name: 'ci', permissions: ['VIEW'], projects: ['*'] }),
  () => write('DELETE', '/tokens/:tokenName', '/tokens/ci/'),
  () => write('POST', '/projects', '/projects/', { name: 'empty' }),
  () => write('DELETE', PROJECT, '/projects/empty/'),
  () =>
    write('PUT', `${PROJECT}/settings/deploy-strategy`, `${P}/settings/deploy-strategy/`, { waves: [['empty-fleet']] }),
  () => write('POST', '/environments', '/environments/', { name: 'spare' }),
  () => write('PUT', ENVIRONMENT, '/environments/spare/', { name: 'spare', description: 'changed' }),
  () => write('POST', `${ENVIRONMENT}/keys`, '/environments/spare/keys/', {}),
  async () => {
    const { resultList } = await plane.done('GET', '/environments/spare/keys/');
    return write(
      'DELETE',
      `${ENVIRONMENT}/keys/:keyId`,
      `/environments/spare/keys/${String(resultList[0]?.['keyId'])}/`,
    );
  },
  () => write('POST', `${ENVIRONMENT}/jwks/flush`, '/environments/spare/jwks/flush/'),
  () =>
    write('POST', `${ENVIRONMENT}/jwks/deny`, '/environments/spare/jwks/deny/', {
      ...{ uri: 'https://keys.example/jwks', kid: 'k' },
    }),
  () => write('DELETE', ENVIRONMENT, '/environments/spare/'),
  () => write('POST', `${PROJECT}/apiProxies/url`, `${P}/apiProxies/url/`, proxyBody('second')),
  () => write('PUT', `${PROJECT}/apiProxies/url`, `${P}/apiProxies/url/`, proxyBody('second')),
  () => write('DELETE', PROXY, `${P}/apiProxies/second/`),
  () => write('POST', `${PROXY}/endpoints`, `${X}/endpoints/`, { name: '/users', httpMethod: 'GET' }),
  () =>
    write('PATCH', `${PROXY}/endpoints`, `${X}/endpoints/`, { name: '/users', httpMethod: 'GET', description: 'd' }),
  () => write('POST', `${PROXY}/endpoints/delete`, `${X}/endpoints/delete/`, { name: '/users', httpMethod: 'GET' }),
  () => write('POST', `${PROXY}/policies/:policyName`, `${X}/policies/one/`, policyBody()),
  () => write('PUT', `${PROXY}/policies/:policyName`, `${X}/policies/one/`, policyBody({}, { description: 'd' })),
  () => write('DELETE', `${PROXY}/policies/:policyName`, `${X}/policies/one/`, { operationMetadata: METADATA }),
  () =>
    write('PATCH', `${PROXY}/settings/keys`, `${X}/settings/keys/`, {
      publicKey: 'client',
      secretKey: 's3cret-s3cret',
    }),
  () =>
    write('PATCH', `${PROXY}/settings/addresses`, `${X}/settings/addresses/`, {
      routingAddressList: [{ address: 'http://127.0.0.1:2/base' }],
    }),
  () =>
    write('PATCH', `${PROXY}/settings/client-route`, `${X}/settings/client-route/`, { relativePathList: ['/other'] }),
  () => write('PATCH', `${PROXY}/settings/connection`, `${X}/settings/connection/`, { readTimeout: 9 }),
  () => write('PATCH', `${PROXY}/settings/cors`, `${X}/settings/cors/`, { corsActive: false }),
  () =>
    write('PATCH', `${PROXY}/settings/json-error-template`, `${X}/settings/json-error-template/`, {
      ...{ jsonErrorResponseTemplateActive: false },
    }),
  () => write('POST', `${PROXY}/environments/:environmentName`, `${X}/environments/${environmentName}/`),
  () => write('POST', `${PROXY}/promote`, `${X}/promote/`, { from: environmentName, to: ['empty-fleet'] }),
  async () => {
    const { resultList } = await plane.done('GET', `${X}/deploy-histories/`);
    const at = `${X}/deploy-histories/${String(resultList[0]?.['deployment'])}/rollback`;
    const route = `${PROXY}/deploy-histories/:deployment/rollback`;
    return write('POST', route, `${at}/?environmentName=${environmentName}`);
  },
  () => write('POST', `${PROXY}/revisions/:revision/rollback`, `${X}/revisions/1/rollback/`),
  () => write('DELETE', `${PROXY}/environments/:environmentName`, `${X}/environments/${environmentName}/`),
  () => write('POST', `${PROJECT}/credentials`, `${P}/credentials/`, credentialBody('user', 'a first password')),
  () => write('PUT', `${PROJECT}/credentials`, `${P}/credentials/`, credentialBody('user', 'another password')),
  () => write('PATCH', CREDENTIAL, `${P}/credentials/user/`, { password: 'a third password' }),
  () => write('PUT', `${CREDENTIAL}/access`, `${P}/credentials/user/access/`, ACCESS),
  () => write('DELETE', `${CREDENTIAL}/access`, `${P}/credentials/user/access/`, ACCESS),
  () => write('PUT', `${CREDENTIAL}/token`, `${P}/credentials/user/token/`, { tokenNeverExpires: true }),
  () => write('DELETE', `${CREDENTIAL}/token`, `${P}/credentials/user/token/`),
  () => write('DELETE', `${CREDENTIAL}/tokens`, `${P}/credentials/user/tokens/?environmentName=${environmentName}`),
  () => write('DELETE', CREDENTIAL, `${P}/credentials/user/`),
  () =>
    write('POST', `${PROJECT}/environmentVariables/:name`, `${P}/environmentVariables/limit/`, {
      ...{ global: true, globalValue: '1' },
    }),
  () =>
    write('PUT', `${PROJECT}/environmentVariables/:name`, `${P}/environmentVariables/limit/`, {
      ...{ global: true, globalValue: '2' },
    }),
  () => write('DELETE', `${PROJECT}/environmentVariables/:name`, `${P}/environmentVariables/limit/`),
  () =>
    write('POST', `${PROJECT}/jwks/generate`, `${P}/jwks/generate`, {
      ...{ name: 'signing', type: 'EC', ec: { curveType: 'P256' } },
    }),
  () => write('POST', `${PROJECT}/jwks/:name/rotate`, `${P}/jwks/signing/rotate/`),
  () => write('POST', `${PROJECT}/jwks`, `${P}/jwks/`, { name: 'imported', ...IMPORTED }),
  () => write('PUT', `${PROJECT}/jwks/:name`, `${P}/jwks/imported/`, IMPORTED),
  () => write('DELETE', `${PROJECT}/jwks/:name`, `${P}/jwks/signing/`),
];

/** Answers to one family of one user: it needs a real login at a gateway. A sign-in changes nothing. Look-ups by POST. */
const NOT_HERE = [
  'DELETE /projects/:projectName/credentials/:username/tokens/:family',
  'POST /auth/token',
  'POST /projects/:projectName/apiProxies/:apiProxyName/endpoints/details',
];

/** The answer without what is shown once, and without what says so. */
const shownAgain = ({ text }: Answer): unknown =>
  JSON.parse(text, (name, value: unknown) =>
    ['token', 'gatewayKey', 'secretKey', 'secretAlreadyShown'].includes(name) ? undefined : value,
  );

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 3_000 });
  const environment = await plane.environment();
  environmentName = environment.name;
  gateway = await FakeGateway.admitted(plane.redis, environment);
  await gateway.appliesEverything();
  await plane.done('POST', '/environments/', { name: 'empty-fleet' });
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('orders'));
});
afterAll(async () => {
  await gateway.ends();
  await plane.close();
});

const writesServed = (): string[] =>
  plane
    .routes()
    .filter(({ method, path }) => method !== 'GET' && path.startsWith('/apiops/') && !path.startsWith('/apiops/queues'))
    .map(({ method, path }) => `${method} ${path.replace(/^\/apiops/, '').replace(/\/$/, '')}`);

describe('every write', () => {
  it('with an Idempotency-Key is done once and answered twice alike', async () => {
    const served = new Set(writesServed());
    const wrong: unknown[] = [];
    for (const [index, prepare] of WRITES.entries()) {
      const { method, route, path, body } = await prepare();
      const name = `${method} ${route}`;
      if (!served.delete(name)) continue;
      const headers = { 'idempotency-key': `write-${index}` };
      const first = await plane.call(method, path, body, headers);
      const before = await plane.events();
      const again = await plane.call(method, path, body, headers);
      const after = await plane.events();
      const own = (events: typeof after) => events.filter(({ metadata }) => metadata['actor'] === 'admin').length;
      const isAlike = JSON.stringify(shownAgain(first)) === JSON.stringify(shownAgain(again));
      const isReplayed = again.headers['idempotency-replayed'] === 'true';
      if (first.status !== 200 || !isReplayed || !isAlike || own(after) !== own(before)) {
        wrong.push({ name, first: first.text, again: again.text, isReplayed });
      }
    }
    expect(wrong).toEqual([]);
    expect([...served].filter((name) => !NOT_HERE.includes(name))).toEqual([]);
  }, 60_000);
});
