import { proxyBody, policyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

const PROXIES = '/projects/shop/apiProxies';
const URL_CALL = `${PROXIES}/url/`;
const faultsOf = ({ body }: Answer): string[] =>
  (body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`).sort();
const warned = (body: Answer['body']): string[] => (body.warnings ?? []).map(({ field }) => field).sort();
const route = (members: object = {}) => ({ clientRoute: { relativePathList: ['/r'], ...members } });
const routing = (members: object) => ({
  routingInfo: { routingAddressList: [{ address: 'http://127.0.0.1:1' }], ...members },
});
const address = (member: unknown) => ({ routingInfo: { routingAddressList: [member] } });

let plane: RunningControlPlane;
let first: { name: string };
let second: { name: string };

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 1_000 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  first = await plane.environment();
  second = await plane.environment();
});
afterAll(() => plane.close());

const create = (name: string, members: object = {}) => plane.call('POST', URL_CALL, proxyBody(name, members));
const deployedTo = (...names: string[]) => ({ deploy: true, deployTargetEnvironmentNameList: names });

describe('POST P/apiProxies/url/', () => {
  it('fills in defaults, deploys nowhere and answers the key pair once', async () => {
    const { resultList, deploymentResult } = (await create('plain')).body;
    expect(resultList).toEqual([
      {
        ...{ apiProxyName: 'plain', apiProxyDescription: '', apiProxyCreationType: 'REVERSE_PROXY', revision: 1 },
        clientRoute: { relativePathList: ['/plain'], methodList: ['ALL'], hostList: [], headerList: [] },
        routingInfo: {
          routingAddressList: [{ address: 'http://127.0.0.1:1/base', weight: 100 }],
          ...{ loadBalanceAlgorithm: 'ROUND_ROBIN', connectTimeout: 30, readTimeout: 60, retryCount: 0 },
        },
        cors: {
          corsActive: false,
          ...{ allowOriginList: [], allowMethodList: [], allowHeaderList: [], exposeHeaderList: [] },
          ...{ allowCredentials: 'false', maxAge: 3600 },
        },
        jsonErrorTemplate: {
          ...{ jsonErrorResponseTemplateActive: false, jsonValue: null },
          ...{ contentType: 'application/json;charset=UTF-8', permitSpecialChars: false },
        },
        xmlErrorTemplate: {
          ...{ xmlErrorResponseTemplateActive: false, xmlValue: null },
          ...{ contentType: 'text/xml;charset=UTF-8', permitSpecialChars: false },
        },
        endpointList: [],
        publicKey: expect.stringMatching(/^[\w-]{36}$/) as string,
        secretKey: expect.stringMatching(/^[\w-]{43}$/) as string,
      },
    ]);
    expect(deploymentResult).toEqual({ success: true, deploymentResults: [] });
  });

  it('keeps hosts, methods and header rules in one spelling each', async () => {
    const clientRoute = {
      ...{ relativePathList: ['/A/%7Eb/', '/A/~b'], methodList: ['GET', 'GET', 'TRACE'] },
      hostList: ['API.example.org', 'api.example.org', '*.Shop.example.org'],
      headerList: [
        { name: 'X-Version', value: 'v2' },
        { name: 'x-version', value: 'v2' },
      ],
    };
    const { resultList } = (await create('spelled', { clientRoute })).body;
    expect(resultList[0]?.['clientRoute']).toEqual({
      ...{ relativePathList: ['/A/~b'], methodList: ['GET', 'TRACE'] },
      hostList: ['api.example.org', '*.shop.example.org'],
      headerList: [{ name: 'x-version', value: 'v2' }],
    });
  });

  it.each(['ROUND_ROBIN', 'WEIGHTED', 'LRU', 'RANDOM', 'PICK_FIRST', 'LEAST_CONNECTIONS'])(
    'takes loadBalanceAlgorithm %s',
    async (algorithm) => {
      const { resultList } = (await create(`balanced-${algorithm}`, routing({ loadBalanceAlgorithm: algorithm }))).body;
      expect(resultList[0]?.['routingInfo']).toMatchObject({ loadBalanceAlgorithm: algorithm });
    },
  );

  it('takes ALL beside other methods for all of them', async () => {
    const { resultList } = (await create('any', route({ methodList: ['GET', 'ALL'] }))).body;
    expect(resultList[0]?.['clientRoute']).toMatchObject({ methodList: ['ALL'] });
  });

  it.each([{ hostList: ['only.example.org'] }, { headerList: [{ name: 'X-Only', value: '1' }] }])(
    'takes a route without paths for every path: %j',
    async (members) => {
      const { resultList } = (await create(`pathless ${Object.keys(members)[0]}`, { clientRoute: members })).body;
      expect(resultList[0]?.['clientRoute']).toMatchObject({ relativePathList: ['/'] });
    },
  );

  it('accepts members of the vendor that mean nothing here, and names each in a warning', async () => {
    const answer = await create('vendor', {
      ...{ reParse: true, soapToRest: false, enableWSA: false, enableWSRM: false, specUrl: null },
      ...{ backendApiVersion: 'v1', maintenanceModeSetting: { enabled: false, httpStatusCode: 503 } },
      ...{ requestBodyReadBehavior: 'ALWAYS_READ', specAuthorizationValueList: [] },
      clientRoute: { relativePathList: ['/vendor'], bufferRequest: true, bufferResponse: true, virtualHostList: [] },
      routingInfo: {
        routingAddressList: [{ address: 'http://127.0.0.1:1', healthCheckEnabled: true }],
        ...{ routingEnabled: true, mirrorEnabled: false, ignoreRoutingError: false, failoverRetryCount: 2 },
      },
    });
    expect(answer.status).toBe(200);
    expect(warned(answer.body)).toEqual([
      ...[
        'backendApiVersion',
        'clientRoute.bufferRequest',
        'clientRoute.bufferResponse',
        'clientRoute.virtualHostList',
      ],
      ...['enableWSA', 'enableWSRM', 'maintenanceModeSetting', 'reParse', 'requestBodyReadBehavior'],
      ...['routingInfo.failoverRetryCount', 'routingInfo.ignoreRoutingError', 'routingInfo.mirrorEnabled'],
      ...['routingInfo.routingAddressList[0].healthCheckEnabled', 'routingInfo.routingEnabled', 'soapToRest'],
      'specAuthorizationValueList',
    ]);
  });

  it('accepts EMPTY_API with a warning that everything passes', async () => {
    const { body } = await create('empty', { apiProxyCreationType: 'EMPTY_API' });
    expect(warned(body)).toEqual(['apiProxyCreationType']);
  });

  it.each<[string, object, string[]]>([
    ['a name of the wrong type', { apiProxyName: 1 }, ['apiProxyName wrong_type']],
    ['a name with a slash', { apiProxyName: 'a/b' }, ['apiProxyName invalid']],
    ['an unknown member', { more: 1 }, ['more unknown_field']],
    [
      'OPEN_API',
      { apiProxyCreationType: 'OPEN_API', specUrl: 'http://h/s' },
      ['apiProxyCreationType not_supported', 'specUrl not_supported'],
    ],
    ['SWAGGER', { apiProxyCreationType: 'SWAGGER' }, ['apiProxyCreationType not_supported']],
    [
      'WSDL',
      { apiProxyCreationType: 'WSDL', soapToRest: true },
      ['apiProxyCreationType not_supported', 'soapToRest not_supported'],
    ],
    ['an unknown creation type', { apiProxyCreationType: 'GRPC' }, ['apiProxyCreationType invalid_value']],
    [
      'a maintenance mode that is on',
      { maintenanceModeSetting: { enabled: true } },
      ['maintenanceModeSetting not_supported'],
    ],
    ['a group', { apiProxyGroupName: 'g' }, ['apiProxyGroupName not_supported']],
    ['WS-Addressing', { enableWSA: true, enableWSRM: true }, ['enableWSA not_supported', 'enableWSRM not_supported']],
    ['mutual TLS', { mtlsSettings: {} }, ['mtlsSettings unknown_field']],
    ['no route at all', { clientRoute: { methodList: ['GET'] } }, ['clientRoute.relativePathList required']],
    [
      'the vendor’s older list of hosts',
      route({ virtualHostList: ['a.example'] }),
      ['clientRoute.virtualHostList not_supported'],
    ],
    ['an unknown method', route({ methodList: ['get'] }), ['clientRoute.methodList[0] invalid_value']],
    [
      'hosts that are none',
      route({ hostList: ['*', 'a.*', 'http://a', 'a:80', ''] }),
      [0, 1, 2, 3, 4].map((at) => `clientRoute.hostList[${at}] invalid`),
    ],
    [
      'header rules that are none',
      route({
        headerList: [
          { name: 'a b', value: 'x' },
          { name: 'x-a' },
          { name: 'x-b', value: ' x' },
          { name: 'x-c', value: 'a\nb' },
          'x',
        ],
      }),
      [
        ...['clientRoute.headerList[0].name invalid', 'clientRoute.headerList[1].value required'],
        ...['clientRoute.headerList[2].value invalid', 'clientRoute.headerList[3].value invalid'],
        'clientRoute.headerList[4] wrong_type',
      ],
    ],
    [
      'header rules that hold a secret',
      route({ headerList: ['Authorization', 'Cookie'].map((name) => ({ name, value: 'x' })) }),
      ['clientRoute.headerList[0].name invalid', 'clientRoute.headerList[1].name invalid'],
    ],
    [
      'header rules that no request meets',
      route({
        headerList: [
          { name: 'X-A', value: '1' },
          { name: 'x-a', value: '2' },
        ],
      }),
      ['clientRoute.headerList invalid'],
    ],
    [
      'the host as a header rule',
      route({ headerList: [{ name: 'Host', value: 'a' }] }),
      ['clientRoute.headerList[0].name invalid'],
    ],
    ['no address', { routingInfo: { routingAddressList: [] } }, ['routingInfo.routingAddressList out_of_range']],
    [
      'an address of another kind',
      address({ address: 'ftp://h' }),
      ['routingInfo.routingAddressList[0].address invalid'],
    ],
    [
      'an address with a query',
      address({ address: 'http://h/?a=1' }),
      ['routingInfo.routingAddressList[0].address invalid'],
    ],
    [
      'credentials in an address',
      address({ address: 'http://u:p@h' }),
      ['routingInfo.routingAddressList[0].address credentials_in_address'],
    ],
    [
      'an unknown algorithm',
      routing({ loadBalanceAlgorithm: 'LEAST' }),
      ['routingInfo.loadBalanceAlgorithm invalid_value'],
    ],
    [
      'numbers out of range',
      routing({ connectTimeout: 0, readTimeout: 3601, retryCount: 11 }),
      [
        'routingInfo.connectTimeout out_of_range',
        'routingInfo.readTimeout out_of_range',
        'routingInfo.retryCount out_of_range',
      ],
    ],
    [
      'routing that would do something else',
      routing({ routingEnabled: false, mirrorEnabled: true, ignoreRoutingError: true }),
      [
        'routingInfo.ignoreRoutingError not_supported',
        'routingInfo.mirrorEnabled not_supported',
        'routingInfo.routingEnabled not_supported',
      ],
    ],
    [
      'an unknown environment beside other faults',
      { deploy: 'yes', deployTargetEnvironmentNameList: ['nowhere'], more: 1 },
      ['deploy wrong_type', 'deployTargetEnvironmentNameList[0] unknown_environment', 'more unknown_field'],
    ],
  ])('refuses %s', async (_what, members, faults) => {
    const before = (await plane.events()).length;
    const answer = await create('refused', members);
    expect(answer).toMatchObject({ status: 400, body: { error: 'validation_failed' } });
    expect(faultsOf(answer)).toEqual([...faults].sort());
    expect((await plane.events()).length).toBe(before);
  });

  it('says why a specification is refused', async () => {
    const { body } = await create('refused', { apiProxyCreationType: 'OPEN_API' });
    expect(body.error_description).toContain('must be REVERSE_PROXY or EMPTY_API');
  });

  it('refuses a name that is taken (409) and a project that is not there (404)', async () => {
    expect((await create('taken')).status).toBe(200);
    expect((await create('taken')).status).toBe(409);
    expect((await plane.call('POST', '/projects/none/apiProxies/url/', proxyBody('a'))).status).toBe(404);
  });
});

describe('PUT P/apiProxies/url/', () => {
  it('replaces route and routing, and keeps keys, CORS, error template, endpoints and policies', async () => {
    const at = `${PROXIES}/replaced`;
    const { resultList } = (await create('replaced', { apiProxyDescription: 'kept' })).body;
    await plane.done('PATCH', `${at}/settings/cors/`, { corsActive: true, allowOriginList: ['*'] });
    await plane.done('PATCH', `${at}/settings/json-error-template/`, {
      ...{ jsonErrorResponseTemplateActive: true, jsonValue: '{}' },
    });
    await plane.done('POST', `${at}/endpoints/`, { name: '/users', httpMethod: 'GET' });
    await plane.done('POST', `${at}/policies/a/`, policyBody());
    const before = (await plane.done('GET', `${at}/`)).resultList[0];
    const body = { apiProxyName: 'replaced', clientRoute: { relativePathList: ['/new'] } };
    await plane.done('PUT', URL_CALL, { ...body, ...routing({ readTimeout: 5 }) });
    expect((await plane.done('GET', `${at}/`)).resultList[0]).toEqual({
      ...before,
      revision: 6,
      clientRoute: { relativePathList: ['/new'], methodList: ['ALL'], hostList: [], headerList: [] },
      routingInfo: {
        routingAddressList: [{ address: 'http://127.0.0.1:1', weight: 100 }],
        ...{ loadBalanceAlgorithm: 'ROUND_ROBIN', connectTimeout: 30, readTimeout: 5, retryCount: 0 },
      },
    });
    expect(before).toMatchObject({ publicKey: resultList[0]?.['publicKey'], apiProxyDescription: 'kept' });
    expect((await plane.done('GET', `${at}/policies/`)).resultList).toMatchObject([
      { apiProxy: { requestPolicyList: [{ name: 'a' }] } },
    ]);
  });

  it('keeps description and routing that are left out', async () => {
    await create('partly', { apiProxyDescription: 'first', ...routing({ readTimeout: 7 }) });
    const put = (members: object) =>
      plane.done('PUT', URL_CALL, {
        apiProxyName: 'partly',
        clientRoute: { relativePathList: ['/partly'] },
        ...members,
      });
    const kept = { apiProxyDescription: 'first', routingInfo: { readTimeout: 7 } };
    expect((await put({})).resultList).toMatchObject([kept]);
    expect((await put({ apiProxyDescription: '', routingInfo: null })).resultList).toMatchObject([kept]);
    expect((await put({ apiProxyDescription: 'second' })).resultList).toMatchObject([
      { ...kept, apiProxyDescription: 'second' },
    ]);
  });

  it('refuses a body without a route, and a proxy that is not there', async () => {
    const refused = await plane.call('PUT', URL_CALL, { apiProxyName: 'none' });
    expect([refused.status, faultsOf(refused)]).toEqual([400, ['clientRoute required']]);
    expect((await plane.call('PUT', URL_CALL, proxyBody('none'))).status).toBe(404);
  });
});

describe('GET P/apiProxies/ and GET X/', () => {
  it('list the proxies by name, with the vendor’s members', async () => {
    await plane.done('POST', '/projects/', { name: 'listed' });
    for (const name of ['b', 'a']) await plane.done('POST', '/projects/listed/apiProxies/url/', proxyBody(name));
    const put = { apiProxyName: 'a', apiProxyDescription: 'moved', clientRoute: { relativePathList: ['/moved'] } };
    await plane.done('PUT', '/projects/listed/apiProxies/url/', put);
    const { resultList } = await plane.done('GET', '/projects/listed/apiProxies/');
    const methods = { methodList: ['ALL'], hostList: [], headerList: [] };
    expect(resultList).toEqual([
      {
        ...{ name: 'a', description: 'moved', type: 'REST', relativePath: '/moved', soapToRest: false },
        ...{ apiProxyName: 'a', apiProxyDescription: 'moved', apiProxyCreationType: 'REVERSE_PROXY', revision: 2 },
        clientRoute: { relativePathList: ['/moved'], ...methods },
      },
      {
        ...{ name: 'b', description: '', type: 'REST', relativePath: '/b', soapToRest: false },
        ...{ apiProxyName: 'b', apiProxyDescription: '', apiProxyCreationType: 'REVERSE_PROXY', revision: 1 },
        clientRoute: { relativePathList: ['/b'], ...methods },
      },
    ]);
    expect((await plane.call('GET', '/projects/none/apiProxies/')).status).toBe(404);
  });

  it('shows endpoints, environments and whether they need another deployment, under the revision as ETag', async () => {
    await create('shown', deployedTo(first.name, second.name));
    const { status, body } = await plane.call('DELETE', `${PROXIES}/shown/environments/${second.name}/`);
    expect([status, body.success]).toEqual([200, true]);
    await plane.done('POST', `${PROXIES}/shown/endpoints/`, { name: '/users', httpMethod: 'GET' });
    const answer = await plane.call('GET', `${PROXIES}/shown/`);
    expect(answer.headers['etag']).toBe('"2"');
    expect(answer.body.resultList).toMatchObject([
      {
        ...{ name: 'shown', apiType: 'REST', revision: 2 },
        endpointList: [{ name: '/users', endpoint: '/users', active: true, httpMethod: 'GET' }],
        deploymentList: [{ environmentName: first.name, deployed: true, revision: 1, redeployRequired: true }],
      },
    ]);
    expect(answer.text).not.toContain('secretKey');
    expect((await plane.call('GET', `${PROXIES}/none/`)).status).toBe(404);
  });
});

describe('DELETE X/', () => {
  it('undeploys everywhere and frees name and route', async () => {
    await create('doomed', deployedTo(first.name));
    const { deploymentResult } = await plane.done('DELETE', `${PROXIES}/doomed/`);
    expect(deploymentResult.deploymentResults.map(({ environmentName }) => environmentName)).toEqual([first.name]);
    expect((await plane.call('GET', `${PROXIES}/doomed/`)).status).toBe(404);
    expect((await plane.call('DELETE', `${PROXIES}/doomed/`)).status).toBe(404);
    expect((await create('doomed', deployedTo(first.name))).status).toBe(200);
  });
});

describe('two routes in one environment', () => {
  const V2 = { name: 'X-Version', value: 'v2' };
  const MOBILE = { name: 'X-Client', value: 'mobile' };
  const at = (headerList: object[], members: object = {}) => ({
    clientRoute: { relativePathList: ['/by-header'], headerList, ...members },
    ...deployedTo(first.name),
  });

  beforeAll(async () => {
    expect((await create('bare', at([]))).status).toBe(200);
    expect((await create('v2', at([V2, MOBILE]))).status).toBe(200);
  });

  it('may differ in their header rules alone', async () => {
    expect((await create('v2 alone', at([V2]))).status).toBe(200);
  });

  it('may not have the same header rules, in whatever order and spelling: 409 names the other proxy', async () => {
    const refused = await create('again', at([MOBILE, { ...V2, name: 'x-VERSION' }]));
    expect(refused).toMatchObject({ status: 409, body: { error: 'conflict' } });
    expect(refused.body.error_description).toMatch(/same header rules.*ApiProxy \(name: v2\)/);
    expect((await create('again', at([{ ...V2, value: 'V2' }, MOBILE]))).status).toBe(200);
  });

  it('may not both be without header rules, unless their methods or hosts differ', async () => {
    expect((await create('second', at([]))).status).toBe(409);
    expect((await create('of host', at([], { hostList: ['*.example.org'] }))).status).toBe(200);
    expect((await create('of host too', at([], { hostList: ['*.EXAMPLE.org'] }))).status).toBe(409);
  });

  it('are refused together at PATCH X/settings/client-route/ with deploy, and nothing is recorded', async () => {
    await create('moving', { clientRoute: { relativePathList: ['/elsewhere'] }, ...deployedTo(first.name) });
    const before = (await plane.events()).length;
    const path = `${PROXIES}/moving/settings/client-route/`;
    const taken = { relativePathList: ['/by-header'], headerList: [V2, MOBILE] };
    const refused = await plane.call('PATCH', path, { ...taken, deploy: true });
    expect(refused.status).toBe(409);
    expect(refused.body.error_description).toContain('ApiProxy (name: v2)');
    expect((await plane.events()).length).toBe(before);
    await plane.done('PATCH', path, taken);
    expect((await plane.call('POST', `${PROXIES}/moving/environments/${first.name}/`)).status).toBe(409);
    await plane.done('DELETE', `${PROXIES}/v2/`);
    expect((await plane.call('POST', `${PROXIES}/moving/environments/${first.name}/`)).status).toBe(200);
  });
});
