import { FakeGateway } from './testing/fake-gateway.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

/**
 * What a pipeline written for the vendor's apiops does, in its order and with the vendor's bodies (`apinizer.md` part 5):
 * it signs in with a form, writes paths with and without the slash at the end, and reads either generation of envelopes.
 */

const P = '/projects/shop';
const X = `${P}/apiProxies/orders`;

interface Envelope {
  /** The generation of the seed. */
  readonly success?: boolean;
  readonly error?: string;
  readonly error_description?: string;
  /** What the vendor's server sends today. */
  readonly status?: string;
  readonly resultMessage?: string;
  readonly resultList?: readonly Readonly<Record<string, unknown>>[];
  readonly resultCount?: number;
  readonly warnings?: readonly { field: string }[];
  readonly deploymentResult?: {
    readonly success: boolean;
    readonly deploymentResults: readonly { environmentName: string; success: boolean; message: string }[];
  };
}
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

let plane: RunningControlPlane;
let environment: Awaited<ReturnType<RunningControlPlane['environment']>>;
let gateway: FakeGateway;
let bearer = '';

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  await plane.done('POST', '/projects/', { name: 'shop' });
  environment = await plane.environment();
  gateway = await FakeGateway.admitted(plane.redis, environment);
  await gateway.appliesEverything();
  const permissions = ['VIEW', 'MANAGE', 'DEPLOY'];
  const made = await plane.done('POST', '/tokens/', { name: 'pipeline', permissions, projects: ['shop'] });
  const form = {
    grant_type: 'client_credentials',
    client_id: 'pipeline',
    client_secret: made.resultList[0]?.['token'],
  };
  const { statusCode, body } = await plane.app.inject({
    ...{ method: 'POST', url: '/apiops/auth/token', payload: new URLSearchParams(form as never).toString() },
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  expect(statusCode).toBe(200);
  bearer = (JSON.parse(body) as { access_token: string }).access_token;
});
afterAll(async () => {
  await gateway.ends();
  await plane.close();
});

/** An answer that both generations of clients read alike. */
async function asks(method: Method, path: string, body?: unknown): Promise<Envelope & { http: number }> {
  const answer = await plane.call(method, path, body, { authorization: `Bearer ${bearer}` });
  const envelope = answer.body as unknown as Envelope;
  const isDone = answer.status === 200;
  expect([envelope.success, envelope.status]).toEqual(isDone ? [true, 'SUCCESS'] : [false, 'FAILURE']);
  if (!isDone) {
    expect(envelope.resultMessage).toMatch(/\w/);
    expect(envelope.error_description).toBe(envelope.resultMessage);
  }
  if (envelope.resultList !== undefined) expect(envelope.resultCount).toBe(envelope.resultList.length);
  return { http: answer.status, ...envelope };
}

async function does(method: Method, path: string, body?: unknown): Promise<Envelope> {
  const answer = await asks(method, path, body);
  expect([method, path, answer.http, answer.resultMessage]).toEqual([method, path, 200, undefined]);
  return answer;
}

const listOf = async (path: string) => (await does('GET', path)).resultList ?? [];
const warned = ({ warnings = [] }: Envelope): string[] => warnings.map(({ field }) => field).sort();
const deploys = () => ({ deploy: true, deployTargetEnvironmentNameList: [environment.name] });
const DOES_NOT = { deploy: false, deployTargetEnvironmentNameList: [] };
/** As the seed prints it. */
const DEPLOYED = { success: true, message: 'Deployment successful' };
const deployed = () => ({
  success: true,
  deploymentResults: [{ environmentName: environment.name, ...DEPLOYED }],
});

const VENDOR_PROXY = {
  ...{ apiProxyName: 'orders', apiProxyDescription: 'Orders', apiProxyCreationType: 'REVERSE_PROXY' },
  clientRoute: {
    ...{ relativePathList: ['/orders'], methodList: ['ALL'], hostList: [], headerList: [], virtualHostList: [] },
    ...{ bufferRequest: true, bufferResponse: true },
  },
  routingInfo: {
    routingAddressList: [{ address: 'http://127.0.0.1:1', weight: 100, healthCheckEnabled: true }],
    ...{ loadBalanceAlgorithm: 'ROUND_ROBIN', connectTimeout: 30, readTimeout: 60, retryCount: 0 },
    ...{ failoverRetryCount: 0, ignoreRoutingError: false, routingEnabled: true, mirrorEnabled: false },
  },
  ...{ reParse: false, soapToRest: false, enableWSA: false, enableWSRM: false, backendApiVersion: 'v1' },
  maintenanceModeSetting: { enabled: false, httpStatusCode: 503, contentType: 'application/json', message: 'later' },
  ...{
    requestBodyReadBehavior: 'ALWAYS_READ',
    responseBodyReadBehavior: 'ALWAYS_READ',
    specAuthorizationValueList: [],
  },
  ...DOES_NOT,
};
const WITHOUT_EFFECT = [
  ...['backendApiVersion', 'clientRoute.bufferRequest', 'clientRoute.bufferResponse', 'clientRoute.virtualHostList'],
  ...['enableWSA', 'enableWSRM', 'maintenanceModeSetting', 'reParse', 'requestBodyReadBehavior'],
  ...['responseBodyReadBehavior', 'routingInfo.failoverRetryCount', 'routingInfo.ignoreRoutingError'],
  ...[
    'routingInfo.mirrorEnabled',
    'routingInfo.routingAddressList[0].healthCheckEnabled',
    'routingInfo.routingEnabled',
  ],
  ...['soapToRest', 'specAuthorizationValueList'],
];

const VENDOR_POLICY = {
  ...{ type: 'policy-auth-jwt', description: 'JWT', active: true, tokenNeverExpires: false },
  ...{ tokenExpiresInAmount: 3600, tokenExpiresInUnit: 'SECONDS', refreshTokenAllowed: true, refreshTokenCount: 5 },
  ...{ refreshTokenExpiresInAmount: 86400, refreshTokenExpiresInUnit: 'SECONDS', allowUrlParameters: false },
  ...{ managedFromThisPolicy: true, grantType: 'PASSWORD', jwtSignatureAlgorithm: 'HS256' },
};
const metadata = (members: object) => ({ targetScope: 'ALL', targetPipeline: 'REQUEST', ...members });

/** The steps build on each other, as a pipeline's do. */
describe('a client of the vendor', () => {
  it('GET /apiops/projects/ and GET P/environments/ tell it where it is', async () => {
    expect(await listOf('/projects/')).toMatchObject([{ name: 'shop', description: '' }]);
    const environments = [expect.objectContaining({ name: environment.name })];
    for (const path of ['/environments/', `${P}/environments/`, `${P}/environments`]) {
      expect(await listOf(path)).toEqual(environments);
    }
  });

  it('POST P/apiProxies/url/ takes every member the vendor has, and names those that mean nothing here', async () => {
    const made = await does('POST', `${P}/apiProxies/url/`, VENDOR_PROXY);
    expect(warned(made)).toEqual(WITHOUT_EFFECT);
    expect(made.deploymentResult).toEqual({ success: true, deploymentResults: [] });
    const [proxy] = await listOf(`${X}/`);
    expect(proxy).toMatchObject({ name: 'orders', description: 'Orders', apiType: 'REST' });
    expect(await listOf(`${P}/apiProxies`)).toMatchObject([{ name: 'orders', relativePath: '/orders' }]);
  });

  it.each([
    ['a specification', { apiProxyCreationType: 'OPEN_API', specUrl: 'https://a.example/openapi.json' }],
    ['a proxy under maintenance', { maintenanceModeSetting: { enabled: true, message: 'later' } }],
    ['virtual hosts', { clientRoute: { ...VENDOR_PROXY.clientRoute, virtualHostList: ['a.example'] } }],
  ])('POST P/apiProxies/url/ refuses %s rather than lose it', async (_what, members) => {
    const refused = await asks('POST', `${P}/apiProxies/url/`, { ...VENDOR_PROXY, apiProxyName: 'other', ...members });
    expect([refused.http, refused.error]).toEqual([400, 'validation_failed']);
    expect(await listOf(`${P}/apiProxies/`)).toHaveLength(1);
  });

  it('POST P/apiProxies/url/ of a name that is taken is a failure for both generations', async () => {
    const refused = await asks('POST', `${P}/apiProxies/url/`, VENDOR_PROXY);
    expect([refused.http, refused.error]).toEqual([409, 'conflict']);
    expect(refused.resultMessage).toContain('orders');
  });

  it('PUT P/apiProxies/url/ with what the vendor wants of an update changes it', async () => {
    const body = { ...VENDOR_PROXY, apiProxyDescription: 'Orders and returns', reParse: true };
    expect(warned(await does('PUT', `${P}/apiProxies/url`, body))).toContain('reParse');
    expect(await listOf(`${X}/`)).toMatchObject([{ description: 'Orders and returns' }]);
  });

  it('POST, PATCH and GET X/endpoints/ and POST X/endpoints/details/ keep endpoints by name and method', async () => {
    const identifier = { name: '/items/{id}', httpMethod: 'GET' };
    const backend = { backendResourceUrl: '/v1/items/{id}', backendHttpMethod: 'GET' };
    await does('POST', `${X}/endpoints/`, { ...identifier, description: 'One item', ...backend, ...DOES_NOT });
    await does('PATCH', `${X}/endpoints`, { ...identifier, description: 'One item by id', ...DOES_NOT });
    const shown = {
      endpoint: '/items/{id}',
      httpMethod: 'GET',
      active: true,
      description: 'One item by id',
      ...backend,
    };
    expect(await listOf(`${X}/endpoints/`)).toMatchObject([shown]);
    expect((await does('POST', `${X}/endpoints/details/`, identifier)).resultList).toMatchObject([shown]);
  });

  it('PATCH X/settings/keys/ sets the client of the token service, and no GET shows its secret', async () => {
    await does('PATCH', `${X}/settings/keys/`, {
      publicKey: 'orders-client',
      secretKey: 'not to be seen',
      ...DOES_NOT,
    });
    expect(await listOf(`${X}/settings/keys/`)).toEqual([{ publicKey: 'orders-client' }]);
    expect(JSON.stringify(await listOf(`${X}/`))).not.toContain('not to be seen');
  });

  it('POST X/policies/{policyName}/ deploys, and says so in the words of the seed', async () => {
    const body = { operationMetadata: metadata({ ...deploys(), order: 1 }), policy: VENDOR_POLICY };
    expect((await does('POST', `${X}/policies/jwt-auth/`, body)).deploymentResult).toMatchObject(deployed());
    expect(await listOf(`${X}/policies/`)).toMatchObject([
      { apiProxy: { name: 'orders', requestPolicyList: [{ ...VENDOR_POLICY, name: 'jwt-auth' }] } },
    ]);
  });

  it('POST, PUT and DELETE X/policies/{policyName}/ do without the slash at the end what they do with it', async () => {
    const endpoint = { targetScope: 'ENDPOINT', targetEndpoint: '/items/{id}', targetEndpointHTTPMethod: 'GET' };
    const at = metadata({ ...endpoint, deploy: false });
    await does('POST', `${X}/policies/of-endpoint`, { operationMetadata: at, policy: VENDOR_POLICY });
    const policy = { ...VENDOR_POLICY, tokenExpiresInAmount: 7200 };
    await does('PUT', `${X}/policies/of-endpoint`, { operationMetadata: at, policy });
    expect(await listOf(`${X}/policies/of-endpoint/`)).toMatchObject([{ policy: { tokenExpiresInAmount: 7200 } }]);
    const removed = await does('DELETE', `${X}/policies/of-endpoint`, { operationMetadata: at });
    expect(removed.deploymentResult).toEqual({ success: true, deploymentResults: [] });
    expect((await asks('GET', `${X}/policies/of-endpoint/`)).http).toBe(404);
  });

  it('PATCH X/settings/… takes the vendor’s bodies of addresses, client-route, connection, cors and templates', async () => {
    const routingAddressList = [
      { address: 'http://127.0.0.1:2', weight: 1, soapType: 'NONE', healthCheckEnabled: false },
    ];
    const { clientRoute } = VENDOR_PROXY;
    const cors = { corsActive: true, allowOriginList: ['https://a.example'], allowMethodList: ['GET'] };
    const template = { jsonErrorResponseTemplateActive: true, jsonValue: '{"code":"#{error.defaultErrorCode}"}' };
    for (const [setting, body, without] of [
      [
        'addresses',
        { routingAddressList },
        ['routingAddressList[0].healthCheckEnabled', 'routingAddressList[0].soapType'],
      ],
      ['client-route', clientRoute, ['bufferRequest', 'bufferResponse', 'virtualHostList']],
      ['connection', { connectTimeout: 10, readTimeout: 20, maxRedirects: 3 }, ['maxRedirects']],
      ['cors', cors, []],
      ['json-error-template', template, []],
    ] as const) {
      expect([setting, warned(await does('PATCH', `${X}/settings/${setting}/`, { ...body, ...DOES_NOT }))]).toEqual([
        setting,
        without,
      ]);
    }
  });

  it('POST, PUT and GET P/credentials/ and PATCH P/credentials/{username}/ keep users, never their passwords', async () => {
    const user = { username: 'api-user', email: 'user@example.com', fullName: 'John Doe', description: 'of the API' };
    const rest = { roleNameList: ['API_USER'], enabled: true, ipList: ['10.0.0.0/8'], expireDate: null, metadata: [] };
    await does('POST', `${P}/credentials/`, { ...user, ...rest, password: 'a password' });
    await does('PUT', `${P}/credentials/`, { ...user, ...rest, password: 'a password', fullName: 'John D.' });
    await does('PATCH', `${P}/credentials/api-user/`, { password: 'another password' });
    const shown = { ...user, ...rest, fullName: 'John D.', password: null };
    expect(await listOf(`${P}/credentials/`)).toEqual([shown]);
    const taken = await asks('POST', `${P}/credentials/`, { ...user, ...rest, password: 'a password' });
    expect([taken.http, taken.error]).toEqual([409, 'conflict']);
  });

  it('PUT, GET and DELETE P/credentials/{username}/access/ grant and revoke; granting twice is a 400', async () => {
    const at = `${P}/credentials/api-user/access/`;
    const body = { credentialAccessList: [{ name: 'orders', type: 'API_PROXY', expireTime: null }] };
    await does('PUT', at, body);
    expect(await listOf(at)).toMatchObject([{ name: 'orders', type: 'API_PROXY' }]);
    expect((await asks('PUT', at, body)).resultMessage).toContain(
      'Credential (username:api-user) has already access to API Proxy (name:orders)!',
    );
    await does('DELETE', at, body);
    expect(await listOf(at)).toEqual([]);
  });

  it('PUT and DELETE P/credentials/{username}/token/ set and reset the token settings', async () => {
    const at = `${P}/credentials/api-user/token/`;
    const {
      type: _type,
      description: _description,
      active: _active,
      managedFromThisPolicy,
      ...settings
    } = VENDOR_POLICY;
    const set = await does('PUT', at, { ...settings, deletePrevious: false, managedFromThisPolicy });
    expect(warned(set)).toEqual(['managedFromThisPolicy']);
    expect(await listOf(`${P}/credentials/api-user/`)).toMatchObject([{ tokenSettings: settings }]);
    const changed = await asks('PUT', at, { tokenExpiresInAmount: 0 });
    expect([changed.http, changed.resultMessage]).toEqual([400, expect.stringContaining('must be at least 1')]);
    await does('DELETE', at);
    expect(await listOf(`${P}/credentials/api-user/`)).toMatchObject([{ tokenSettings: { grantType: 'PASSWORD' } }]);
  });

  it('POST, GET, PUT and DELETE P/environmentVariables/{name}/ keep values, and hide those that are not visible', async () => {
    const at = `${P}/environmentVariables/API_KEY/`;
    const value = { environmentName: environment.name, value: 'of the environment' };
    const own = { global: false, globalValue: null, environmentValueList: [{ ...value, visible: false }] };
    const all = { global: true, globalValue: 'for all', globalVisible: true, environmentValueList: null };
    await does('POST', at, { name: 'API_KEY', description: 'a key', ...own });
    expect(await listOf(at)).toMatchObject([{ environmentValueList: [{ value: null, visible: false }] }]);
    await does('PUT', at, { name: 'API_KEY', description: 'a key', ...all });
    expect(await listOf(`${P}/environmentVariables/`)).toMatchObject([{ name: 'API_KEY', globalValue: 'for all' }]);
    await does('DELETE', at);
    expect(await listOf(`${P}/environmentVariables/`)).toEqual([]);
  });

  it('POST P/jwks/generate, GET P/jwks/, GET and DELETE P/jwks/{name}/ keep keys, never their private parts', async () => {
    const rsa = { keySize: 2048, keyUseType: 'SIGNATURE', algorithm: 'RSA256', keyIdType: 'SHA256' };
    await does('POST', `${P}/jwks/generate`, { name: 'signing', description: 'signs', type: 'RSA', rsa });
    for (const path of [`${P}/jwks/`, `${P}/jwks/signing/`]) {
      expect(await listOf(path)).toMatchObject([{ name: 'signing', description: 'signs' }]);
    }
    const [key] = (await listOf(`${P}/jwks/signing/`)) as { keyList: { publicJwk: object }[] }[];
    expect(Object.keys(key?.keyList[0]?.publicJwk ?? {})).toEqual(expect.arrayContaining(['kty', 'n', 'e']));
    expect(Object.keys(key?.keyList[0]?.publicJwk ?? {})).not.toContain('d');
    await does('DELETE', `${P}/jwks/signing/`);
    expect(await listOf(`${P}/jwks/`)).toEqual([]);
  });

  it('POST X/environments/{env}/ deploys the newest revision; members of the vendor’s history are ignored', async () => {
    const done = await does('POST', `${X}/environments/${environment.name}/`, { description: 'v1', persistent: false });
    expect(done.deploymentResult).toMatchObject(deployed());
    expect(warned(done)).toEqual(['persistent']);
    expect(await publishedOrders()).toContain('jwt-auth');
  });

  it('GET X/environments/{env}/deploy-status/ tells what is deployed, and whether something newer is not', async () => {
    const status = async () => (await listOf(`${X}/environments/${environment.name}/deploy-status/`))[0];
    expect(await status()).toMatchObject({ deployed: true, redeployRequired: false });
    expect(new Date(String((await status())?.['lastDeployTime'])).getTime()).toBeGreaterThan(0);
    await does('PATCH', `${X}/settings/connection/`, { readTimeout: 30 });
    expect(await status()).toMatchObject({ deployed: true, redeployRequired: true });
  });

  it('GET X/deploy-histories/, GET X/deploy-histories/{deployment}/ and its rollback lead back', async () => {
    const rows = await listOf(`${X}/deploy-histories/`);
    expect(rows.map(({ description }) => description)).toContain('v1');
    const first = rows.at(-1) as { deployment: number; revision: number };
    expect(rows.at(-1)).toMatchObject({ environment: environment.name, username: 'pipeline', success: true });
    const at = `${X}/deploy-histories/${first.deployment}`;
    const query = `?environmentName=${environment.name}`;
    expect(await listOf(`${at}/${query}`)).toMatchObject([first]);
    expect((await does('POST', `${at}/rollback/${query}`)).deploymentResult).toMatchObject(deployed());
    expect(await listOf(`${X}/settings/addresses/`)).toMatchObject([
      { routingAddressList: [{ address: 'http://127.0.0.1:1', weight: 100 }] },
    ]);
  });

  it('DELETE X/environments/{env}/ takes the proxy away again', async () => {
    const gone = await does('DELETE', `${X}/environments/${environment.name}/`, { description: 'not needed' });
    expect(gone.deploymentResult).toMatchObject({ success: true });
    const status = await listOf(`${X}/environments/${environment.name}/deploy-status/`);
    expect(status).toMatchObject([{ deployed: false }]);
  });

  it('POST X/endpoints/delete/, DELETE P/credentials/{username}/ and DELETE X/ leave nothing behind', async () => {
    await does('POST', `${X}/endpoints/delete/`, { name: '/items/{id}', httpMethod: 'GET', ...DOES_NOT });
    await does('DELETE', `${P}/credentials/api-user/`);
    await does('DELETE', `${X}`);
    expect(await listOf(`${P}/apiProxies/`)).toEqual([]);
    expect(await listOf(`${P}/credentials/`)).toEqual([]);
  });

  it('a token that is none is a 401 for both generations', async () => {
    bearer = 'apnz_nothing';
    const refused = await asks('GET', '/projects/');
    expect([refused.http, refused.error]).toEqual([401, 'unauthorized_client']);
  });

  /** What gateways were given of the proxy. */
  async function publishedOrders(): Promise<string> {
    const found = await plane.pool.query<{ entity_id: string }>(
      `select entity_id from names where kind = 'api-proxy' and name = 'orders'`,
    );
    return (await gateway.artifactOf(found.rows[0]?.entity_id ?? ''))?.text ?? '';
  }
});
