import { FakeGateway } from './testing/fake-gateway.ts';
import { policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

const PROXIES = '/projects/shop/apiProxies';
const faultsOf = ({ body }: Answer): string[] =>
  (body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`).sort();
const USERS = { name: '/users', httpMethod: 'GET' };
const view = (members: object = {}) => ({
  ...{ name: '/users', endpoint: '/users', description: '', active: true, httpMethod: 'GET' },
  ...{ backendResourceUrl: null, backendHttpMethod: null },
  ...members,
});

let plane: RunningControlPlane;
let counter = 0;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 3_000 });
  await plane.done('POST', '/projects/', { name: 'shop' });
});
afterAll(() => plane.close());

/** A proxy of its own for each test, with endpoint GET /users. */
async function proxyWithUsers(members: object = {}): Promise<string> {
  counter += 1;
  await plane.done('POST', `${PROXIES}/url/`, proxyBody(`p${counter}`, members));
  const at = `${PROXIES}/p${counter}`;
  await plane.done('POST', `${at}/endpoints/`, USERS);
  return at;
}

const policyAtUsers = () =>
  policyBody({ targetScope: 'ENDPOINT', targetEndpoint: '/users', targetEndpointHTTPMethod: 'GET' });
const listed = async (at: string) => (await plane.done('GET', `${at}/endpoints/`)).resultList;

describe('GET and POST X/endpoints/', () => {
  it('add an endpoint and list all in the vendor’s shape', async () => {
    const at = await proxyWithUsers();
    const added = {
      ...USERS,
      httpMethod: 'PUT',
      description: 'd',
      backendResourceUrl: '/p',
      backendHttpMethod: 'POST',
    };
    const { resultList } = await plane.done('POST', `${at}/endpoints/`, added);
    expect(resultList).toEqual([view(added)]);
    const list = await plane.call('GET', `${at}/endpoints/`);
    expect(list.headers['etag']).toBe('"3"');
    expect(list.body).toMatchObject({ resultList: [view(), view(added)], resultCount: 2 });
  });

  it.each<[string, object, string[]]>([
    ['nothing', {}, ['httpMethod required', 'name required']],
    [
      'wrong types',
      { name: 1, httpMethod: 2, description: 3 },
      ['description wrong_type', 'httpMethod invalid_value', 'name wrong_type'],
    ],
    ['an unknown member', { ...USERS, more: 1 }, ['more unknown_field']],
    ['a method in lower case', { ...USERS, httpMethod: 'get' }, ['httpMethod invalid_value']],
    ['a name that is too long', { ...USERS, name: `/${'a'.repeat(500)}` }, ['name out_of_range']],
    ['an endpoint that is switched off', { ...USERS, name: '/off', active: false }, ['active not_supported']],
    [
      'a parameter that the name has not',
      { ...USERS, name: '/a/{id}', backendResourceUrl: '/b/{no}' },
      ['backendResourceUrl unknown_parameter'],
    ],
    ['an absolute backend', { ...USERS, name: '/a', backendResourceUrl: 'http://h/a' }, ['backendResourceUrl invalid']],
    ['a malformed backend', { ...USERS, name: '/a', backendResourceUrl: '/{a' }, ['backendResourceUrl invalid']],
    ['a parameter twice', { ...USERS, name: '/{a}/{a}' }, ['name invalid']],
    [
      'an unknown environment',
      { ...USERS, deployTargetEnvironmentNameList: ['x'] },
      ['deployTargetEnvironmentNameList[0] unknown_environment'],
    ],
  ])('refuse %s', async (_what, body, faults) => {
    const at = await proxyWithUsers();
    const answer = await plane.call('POST', `${at}/endpoints/`, body);
    expect([answer.status, faultsOf(answer)]).toEqual([400, faults]);
    expect(await listed(at)).toHaveLength(1);
  });

  it.each([
    'users',
    '/a b',
    '/a?b',
    '/a#b',
    '/a\\b',
    '/{a}{b}',
    '/{}',
    '/{a',
    '/a}',
    '/a//b',
    '/./a',
    '/a/../b',
    '/%zz',
    '/%2e%2e/a',
  ])('refuse a name that no request could have: %s', async (name) => {
    const answer = await plane.call('POST', `${PROXIES}/p1/endpoints/`, { ...USERS, name });
    expect([answer.status, faultsOf(answer)]).toEqual([400, ['name invalid']]);
  });

  it.each(['/', '/a/', '/{id}', '/v{version}.json', '/a%20b', '/ü'])(
    'take a name that a request can have: %s',
    async (name) => {
      const at = await proxyWithUsers();
      expect((await plane.call('POST', `${at}/endpoints/`, { ...USERS, name })).status).toBe(200);
    },
  );

  it('refuse two endpoints that can never be told apart (409)', async () => {
    const at = await proxyWithUsers();
    const add = (name: string, httpMethod = 'GET') => plane.call('POST', `${at}/endpoints/`, { name, httpMethod });
    expect((await add('/users')).status).toBe(409);
    expect((await add('/users/{id}')).status).toBe(200);
    const refused = await add('/users/{name}');
    expect(refused).toMatchObject({ status: 409, body: { error: 'conflict' } });
    expect(refused.body.error_description).toContain('/users/{id}');
    expect((await add('/users/{name}', 'PUT')).status).toBe(200);
    expect((await add('/users/me')).status).toBe(200);
  });

  it('answer 404 for a proxy that is not there', async () => {
    expect((await plane.call('GET', `${PROXIES}/none/endpoints/`)).status).toBe(404);
    expect((await plane.call('POST', `${PROXIES}/none/endpoints/`, USERS)).status).toBe(404);
  });
});

describe('PATCH X/endpoints/', () => {
  it('changes what is given and keeps the rest', async () => {
    const at = await proxyWithUsers();
    const patch = (members: object) => plane.done('PATCH', `${at}/endpoints/`, { ...USERS, ...members });
    await patch({ description: 'all', backendResourceUrl: '/people', backendHttpMethod: 'POST' });
    const { resultList } = await patch({ backendHttpMethod: 'PUT', description: null });
    const changed = view({ description: 'all', backendResourceUrl: '/people', backendHttpMethod: 'PUT' });
    expect(resultList).toEqual([changed]);
    expect(await listed(at)).toEqual([changed]);
    expect((await plane.events()).at(-1)).toMatchObject({ type: 'EndpointUpdated' });
  });

  it('sends requests on under their own path again when backendResourceUrl is empty', async () => {
    const at = await proxyWithUsers();
    await plane.done('PATCH', `${at}/endpoints/`, { ...USERS, backendResourceUrl: '/people' });
    await plane.done('PATCH', `${at}/endpoints/`, { ...USERS, backendResourceUrl: '' });
    expect(await listed(at)).toEqual([view()]);
  });

  it.each<[string, object, number, string[]]>([
    ['without its identifier', { description: 'x' }, 400, ['httpMethod required', 'name required']],
    ['with an unknown member', { ...USERS, more: 1 }, 400, ['more unknown_field']],
    ['that does not exist', { ...USERS, name: '/user' }, 404, []],
    ['of another method', { ...USERS, httpMethod: 'POST' }, 404, []],
  ])('refuses an endpoint %s', async (_what, body, status, faults) => {
    const at = await proxyWithUsers();
    const answer = await plane.call('PATCH', `${at}/endpoints/`, body);
    expect([answer.status, faultsOf(answer)]).toEqual([status, faults]);
  });

  it('with If-Match of another revision is a 409', async () => {
    const at = await proxyWithUsers();
    const change = { ...USERS, description: 'x' };
    expect((await plane.call('PATCH', `${at}/endpoints/`, change, { 'if-match': '"1"' })).status).toBe(409);
    expect((await plane.call('PATCH', `${at}/endpoints/`, change, { 'if-match': '"2"' })).status).toBe(200);
  });
});

describe('POST X/endpoints/details/', () => {
  it('finds an endpoint by name and method', async () => {
    const at = await proxyWithUsers();
    const answer = await plane.call('POST', `${at}/endpoints/details/`, USERS);
    expect(answer).toMatchObject({ status: 200, body: { resultList: [view()] } });
    expect(answer.headers['etag']).toBe('"2"');
  });

  it.each<[object, number]>([
    [{ name: '/user', httpMethod: 'GET' }, 404],
    [{ name: '/users', httpMethod: 'POST' }, 404],
    [{ name: '/users' }, 400],
    [{ ...USERS, deploy: true }, 400],
  ])('%j is a %d', async (body, status) => {
    const at = await proxyWithUsers();
    expect((await plane.call('POST', `${at}/endpoints/details/`, body)).status).toBe(status);
  });
});

describe('POST X/endpoints/delete/', () => {
  it('deletes an endpoint without policies', async () => {
    const at = await proxyWithUsers();
    await plane.done('POST', `${at}/endpoints/delete/`, USERS);
    expect(await listed(at)).toEqual([]);
    expect((await plane.call('POST', `${at}/endpoints/delete/`, USERS)).status).toBe(404);
  });

  it('with policies is a 409 that names them, and with force takes them along in the same event', async () => {
    const at = await proxyWithUsers();
    await plane.done('POST', `${at}/policies/guard/`, policyAtUsers());
    await plane.done('POST', `${at}/policies/kept/`, policyBody());
    const refused = await plane.call('POST', `${at}/endpoints/delete/`, USERS);
    expect(refused).toMatchObject({ status: 409, body: { error: 'conflict' } });
    expect(refused.body.error_description).toContain('guard');
    const before = (await plane.events()).length;
    await plane.done('POST', `${at}/endpoints/delete/`, { ...USERS, force: true });
    const events = (await plane.events()).slice(before);
    expect(events).toMatchObject([{ type: 'EndpointDeleted', data: { ...USERS, policyNames: ['guard'] } }]);
    expect((await plane.done('GET', `${at}/policies/`)).resultList).toMatchObject([
      { apiProxy: { requestPolicyList: [{ name: 'kept' }] }, endpointList: [] },
    ]);
  });

  it.each<[object, string[]]>([
    [{}, ['httpMethod required', 'name required']],
    [{ ...USERS, force: 'yes' }, ['force wrong_type']],
    [{ ...USERS, more: 1 }, ['more unknown_field']],
  ])('refuses %j', async (body, faults) => {
    const at = await proxyWithUsers();
    const answer = await plane.call('POST', `${at}/endpoints/delete/`, body);
    expect([answer.status, faultsOf(answer)]).toEqual([400, faults]);
    expect(await listed(at)).toHaveLength(1);
  });
});

describe('an endpoint that is added, changed or deleted with deploy', () => {
  it('reaches the gateways', async () => {
    const environment = await plane.environment();
    const gateway = await FakeGateway.admitted(plane.redis, environment);
    await gateway.appliesEverything();
    const at = await proxyWithUsers();
    const to = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
    const { deploymentResult } = await plane.done('POST', `${at}/endpoints/`, { ...USERS, httpMethod: 'PUT', ...to });
    expect(deploymentResult).toMatchObject({ success: true, deploymentResults: [{ revision: 3 }] });
    const [created] = (await plane.events()).filter(({ type }) => type === 'ProxyCreated').slice(-1);
    const served = async (): Promise<unknown> => {
      const artifact = await gateway.artifactOf(String(created?.data['proxyId']));
      return (JSON.parse(artifact?.text ?? '{}') as { endpoints: unknown }).endpoints;
    };
    expect(await served()).toMatchObject([{ httpMethod: 'GET' }, { httpMethod: 'PUT' }]);
    await plane.done('PATCH', `${at}/endpoints/`, { ...USERS, backendResourceUrl: '/people', deploy: true });
    expect(await served()).toMatchObject([{ backendResourceUrl: '/people' }, { httpMethod: 'PUT' }]);
    await plane.done('POST', `${at}/endpoints/delete/`, { ...USERS, deploy: true });
    expect(await served()).toMatchObject([{ httpMethod: 'PUT' }]);
    await gateway.ends();
  });
});
