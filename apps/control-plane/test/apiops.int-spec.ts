import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';
import {
  AUTH_JWT,
  credentialBody,
  METADATA,
  policyBody,
  proxyBody,
  verificationBody,
} from './testing/request-bodies.ts';

const faultsOf = ({ body }: Answer): string[] =>
  (body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`).sort();

let plane: RunningControlPlane;
let environment: { name: string };
const call: RunningControlPlane['call'] = (...request) => plane.call(...request);
const eventCount = async (): Promise<number> => (await plane.events()).length;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 1_500 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
  environment = await plane.environment();
});
afterAll(() => plane.close());

/** Refused, and nothing of it stored. */
async function expectRefusal(ask: () => Promise<Answer>, status: number, error: string): Promise<Answer> {
  const before = await eventCount();
  const answer = await ask();
  expect({ status: answer.status, error: answer.body.error }).toEqual({ status, error });
  expect(answer.body).toMatchObject({
    success: false,
    status: 'FAILURE',
    error_description: expect.any(String) as string,
    resultMessage: answer.body.error_description,
  });
  expect(await eventCount()).toBe(before);
  return answer;
}

describe('the envelope', () => {
  it('has both generations of the vendor on success', async () => {
    const { status, body, headers } = await call('GET', '/projects/');
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(body).toEqual({
      success: true,
      status: 'SUCCESS',
      resultList: [{ name: 'shop', description: '' }],
      resultCount: 1,
    });
  });

  it('answers a change that deploys nowhere with an empty result of deployment', async () => {
    const { body } = await call('POST', '/projects/shop/apiProxies/orders/policies/envelope/', policyBody());
    expect(body.deploymentResult).toEqual({ success: true, deploymentResults: [] });
    expect(body.warnings?.map(({ field }) => field)).toEqual(['policy.tokenNeverExpires']);
  });

  it('is the same with and without the slash at the end', async () => {
    expect((await call('GET', '/projects')).text).toBe((await call('GET', '/projects/')).text);
  });

  it('names the request it answers', async () => {
    expect((await call('GET', '/projects/', undefined, { 'x-request-id': 'ask-1' })).headers['x-request-id']).toBe(
      'ask-1',
    );
    const made = (await call('GET', '/projects/', undefined, { 'x-request-id': 'a b\u00e9' })).headers['x-request-id'];
    expect(made).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('authentication', () => {
  it.each([
    ['no token', {}],
    ['another token', { authorization: 'Bearer gwt_wrong' }],
    ['another scheme', { authorization: 'Basic Z3d0OmE=' }],
    ['a token with something behind it', { authorization: 'Bearer a b' }],
  ])('refuses %s, before it looks at the body', async (_what, headers: Record<string, string>) => {
    const {
      statusCode,
      body,
      headers: received,
    } = await plane.app.inject({
      ...{
        method: 'POST',
        url: '/apiops/projects/',
        payload: '{',
        headers: { 'content-type': 'application/json', ...headers },
      },
    });
    expect(statusCode).toBe(401);
    expect(received['www-authenticate']).toBe('Bearer');
    expect(JSON.parse(body)).toMatchObject({ success: false, status: 'FAILURE', error: 'unauthorized_client' });
  });

  it.each([
    '/apiops/projects/',
    '/%61piops/projects/',
    '/apiop%73/projects/',
    '//apiops/projects/',
    '/apiops/nothing/',
  ])('lets nobody read %s without a token', async (url) => {
    const { statusCode, body } = await plane.app.inject({ method: 'GET', url });
    expect([401, 404]).toContain(statusCode);
    expect(body).not.toContain('shop');
  });

  it('lets nobody in by an absolute address either (RFC 9112 section 3.2.2)', async () => {
    await plane.app.listen(0, '127.0.0.1');
    const { port } = plane.app.getHttpServer().address() as AddressInfo;
    const asked = request({ host: '127.0.0.1', port, path: 'http://any.example/apiops/projects/' }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(401);
  });

  it.each(['/healthz', '/readyz', '/metrics', '/healthz/'])('asks for no token at %s', async (url) => {
    expect((await plane.app.inject({ method: 'GET', url })).statusCode).toBe(200);
  });
});

describe('a request that cannot be understood', () => {
  const send = (payload: string, contentType = 'application/json', url = '/apiops/projects/') =>
    plane.app.inject({
      ...{ method: 'POST', url, payload },
      headers: { authorization: `Bearer ${plane.adminToken}`, 'content-type': contentType },
    });

  it.each(['{', '{"name":"a",}', 'name=a', '{"name":"a"}x', '{"__proto__":{"name":"a"}}'])(
    'is a 400: %s',
    async (payload) => {
      const { statusCode, body } = await send(payload);
      expect([statusCode, (JSON.parse(body) as { error: string }).error]).toEqual([400, 'bad_request']);
    },
  );

  it.each(['', ' ', 'null', '[]', '"text"', '1'])('has no object as its body: %j', async (payload) => {
    const { statusCode, body } = await send(payload);
    expect([statusCode, (JSON.parse(body) as { error: string }).error]).toEqual([400, 'validation_failed']);
  });

  it('is a 413 when it is larger than 1 MiB, and a 415 when it is not JSON', async () => {
    const large = await send(JSON.stringify({ name: 'x'.repeat(1024 * 1024) }));
    expect([large.statusCode, (JSON.parse(large.body) as { error: string }).error]).toEqual([413, 'payload_too_large']);
    for (const contentType of ['text/plain', 'application/x-www-form-urlencoded', 'text/html']) {
      const { statusCode, body } = await send('{"name":"a"}', contentType);
      expect([statusCode, (JSON.parse(body) as { success: boolean }).success]).toEqual([415, false]);
    }
  });

  it('is a 400 in the envelope when its address is no URL', async () => {
    const { statusCode, body } = await send('{}', 'application/json', '/apiops/projects/%zz/apiProxies/url/');
    expect([statusCode, (JSON.parse(body) as { error: string }).error]).toEqual([400, 'bad_request']);
  });

  it('is a 404 when there is no such call', async () => {
    await expectRefusal(() => call('GET', '/nothing/'), 404, 'not_found');
    await expectRefusal(() => call('PATCH', '/projects/', {}), 404, 'not_found');
  });

  it('is a 400 when a text cannot be stored, and not the fault of the server', async () => {
    for (const description of ['a\u0000b', 'a\ud800b']) {
      await expectRefusal(() => call('POST', '/projects/', { name: 'nul', description }), 400, 'validation_failed');
    }
    await expectRefusal(() => call('GET', '/projects/%00/apiProxies/'), 400, 'validation_failed');
  });
});

describe('what is not there', () => {
  it.each([
    ['GET', '/projects/none/apiProxies/'],
    ['DELETE', '/projects/none/'],
    ['GET', '/projects/shop/apiProxies/none/'],
    ['GET', '/projects/shop/apiProxies/none/policies/'],
    ['GET', '/projects/shop/apiProxies/orders/policies/none/'],
    ['GET', '/projects/Shop/apiProxies/'],
    ['GET', '/environments/none/'],
    ['GET', '/environments/none/keys/'],
    ['GET', '/projects/none/credentials/'],
    ['DELETE', '/projects/shop/credentials/none/'],
    ['GET', '/projects/shop/environmentVariables/none/'],
    ['DELETE', '/projects/shop/environmentVariables/none/'],
    ['POST', '/projects/shop/apiProxies/orders/environments/none/'],
  ] as const)('is a 404: %s %s', async (method, path) => {
    await expectRefusal(() => call(method, path), 404, 'not_found');
  });

  it('is a 404 for a policy request, too', async () => {
    const at = '/projects/shop/apiProxies';
    await expectRefusal(() => call('POST', `${at}/none/policies/a/`, policyBody()), 404, 'not_found');
    await expectRefusal(() => call('PUT', `${at}/orders/policies/none/`, policyBody()), 404, 'not_found');
    const elsewhere = { operationMetadata: { targetScope: 'ALL', targetPipeline: 'ERROR' } };
    await plane.done('POST', `${at}/orders/policies/here/`, policyBody());
    await expectRefusal(() => call('DELETE', `${at}/orders/policies/here/`, elsewhere), 404, 'not_found');
  });
});

describe('names', () => {
  const NAME = 'A b.%_-$1 100%25';

  it('are taken as they are, with every character they may have and at any length they may have', async () => {
    for (const name of [NAME, 'n'.repeat(255)]) {
      const encoded = encodeURIComponent(name);
      await plane.done('POST', '/projects/', { name });
      await plane.done('POST', `/projects/${encoded}/apiProxies/url/`, proxyBody('x', { apiProxyName: name }));
      const at = `/projects/${encoded}/apiProxies/${encoded}/policies`;
      await plane.done('POST', `${at}/${encoded}/`, policyBody());
      const { resultList } = await plane.done('GET', `${at}/${encoded}/`);
      expect(resultList[0]).toMatchObject({ policy: { name } });
    }
  });

  it.each(['', 'a/b', 'ä', 'n'.repeat(256), '__proto__', 'a\nb'])(
    'are refused when they hold anything else: %j',
    async (name) => {
      const answer = await expectRefusal(() => call('POST', '/projects/', { name }), 400, 'validation_failed');
      expect(faultsOf(answer)).toEqual(['name invalid']);
    },
  );

  it('are taken once, and free again when they are freed', async () => {
    await expectRefusal(() => call('POST', '/projects/', { name: 'shop' }), 409, 'conflict');
    await expectRefusal(() => call('POST', '/environments/', { name: environment.name }), 409, 'conflict');
    const proxies = '/projects/shop/apiProxies/url/';
    await expectRefusal(() => call('POST', proxies, proxyBody('orders')), 409, 'conflict');
    await plane.done('POST', proxies, proxyBody('passing'));
    await plane.done('DELETE', '/projects/shop/apiProxies/passing/');
    await plane.done('POST', proxies, proxyBody('passing'));
  });

  it('are taken once by policies, credentials, variables and client ids', async () => {
    const [credentials, variable] = ['/projects/shop/credentials/', '/projects/shop/environmentVariables/region/'];
    await plane.done('POST', '/projects/shop/apiProxies/orders/policies/twice/', policyBody());
    await expectRefusal(
      () => call('POST', '/projects/shop/apiProxies/orders/policies/twice/', policyBody()),
      ...([409, 'conflict'] as const),
    );
    await plane.done('POST', credentials, credentialBody('alice', 'a password'));
    await expectRefusal(() => call('POST', credentials, credentialBody('alice', 'b')), 409, 'conflict');
    await plane.done('POST', variable, { global: true, globalValue: 'eu' });
    await expectRefusal(() => call('POST', variable, { global: true, globalValue: 'us' }), 409, 'conflict');
    await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('other'));
    const { resultList } = await plane.done('GET', '/projects/shop/apiProxies/orders/settings/keys/');
    const keys = { publicKey: resultList[0]?.['publicKey'] };
    await expectRefusal(
      () => call('PATCH', '/projects/shop/apiProxies/other/settings/keys/', keys),
      ...([409, 'conflict'] as const),
    );
  });
});

describe('a project', () => {
  it.each([
    ['a proxy', 'POST', '/apiProxies/url/', proxyBody('kept')],
    ['a credential', 'POST', '/credentials/', credentialBody('kept-user', 'a password')],
    ['a variable', 'POST', '/environmentVariables/kept/', { global: true, globalValue: '1' }],
  ] as const)('with %s in it cannot be deleted', async (_what, method, path, body) => {
    const name = `full${path.replaceAll('/', '-')}`;
    await plane.done('POST', '/projects/', { name });
    await plane.done(method, `/projects/${name}${path}`, body);
    await expectRefusal(() => call('DELETE', `/projects/${name}/`), 409, 'conflict');
  });

  it('POST /apiops/projects/ stores a name and a description, empty by default, and nothing else', async () => {
    await plane.done('POST', '/projects/', { name: 'described', description: 'of the shop' });
    await plane.done('POST', '/projects/', { name: 'undescribed', description: null });
    const { resultList } = await plane.done('GET', '/projects/');
    expect(resultList).toEqual(
      expect.arrayContaining([
        { name: 'described', description: 'of the shop' },
        { name: 'undescribed', description: '' },
      ]),
    );
    const faulty = () => call('POST', '/projects/', { description: 'x'.repeat(1001), owner: 'me' });
    const answer = await expectRefusal(faulty, 400, 'validation_failed');
    expect(faultsOf(answer)).toEqual(['description out_of_range', 'name required', 'owner unknown_field']);
  });

  it('DELETE /apiops/projects/{p}/ deletes one without anything in it', async () => {
    await plane.done('POST', '/projects/', { name: 'empty' });
    await plane.done('DELETE', '/projects/empty/');
    expect((await call('GET', '/projects/')).text).not.toContain('empty');
  });
});

describe('a policy request', () => {
  const at = '/projects/shop/apiProxies/orders/policies';

  it('is refused with every fault of both members, unknown environments included', async () => {
    const body = {
      operationMetadata: {
        ...{ targetScope: 'ENDPOINT', targetPipeline: 'LATER', order: 0 },
        deployTargetEnvironmentNameList: [environment.name, 'nowhere', 'nirgends'],
      },
      policy: { type: 'policy-auth-jwt', tokenNeverExpires: false, refreshTokenCount: '5', more: 1 },
      surprise: true,
    };
    const answer = await expectRefusal(() => call('POST', `${at}/faulty/`, body), 400, 'validation_failed');
    expect(faultsOf(answer)).toEqual([
      'operationMetadata.deployTargetEnvironmentNameList[1] unknown_environment',
      'operationMetadata.deployTargetEnvironmentNameList[2] unknown_environment',
      'operationMetadata.order out_of_range',
      'operationMetadata.targetEndpoint required',
      'operationMetadata.targetEndpointHTTPMethod required',
      'operationMetadata.targetPipeline invalid_value',
      'policy.jwtSignatureAlgorithm required',
      'policy.more unknown_field',
      'policy.refreshTokenCount wrong_type',
      'policy.tokenExpiresInAmount required',
      'policy.tokenExpiresInUnit required',
      'surprise unknown_field',
    ]);
  });

  it.each([{}, { policy: AUTH_JWT }, { operationMetadata: METADATA }, []])('misses a member: %j', async (body) => {
    const answer = await expectRefusal(() => call('POST', `${at}/faulty/`, body), 400, 'validation_failed');
    expect(faultsOf(answer).length).toBeGreaterThan(0);
  });

  it('is refused for an environment that does not exist although nothing is to be deployed', async () => {
    const metadata = { deploy: false, deployTargetEnvironmentNameList: ['nowhere'] };
    for (const method of ['POST', 'PUT'] as const) {
      await expectRefusal(() => call(method, `${at}/envelope/`, policyBody(metadata)), 400, 'validation_failed');
    }
    const deletion = { operationMetadata: { ...METADATA, ...metadata } };
    await expectRefusal(() => call('DELETE', `${at}/envelope/`, deletion), 400, 'validation_failed');
  });

  it('is refused for an unknown type, with a list of the known ones', async () => {
    const body = { operationMetadata: METADATA, policy: { type: 'policy-quota' } };
    const answer = await expectRefusal(() => call('POST', `${at}/quota/`, body), 400, 'validation_failed');
    expect(answer.body.validation_errors?.[0]?.message).toMatch(/policy-auth-jwt.*policy-verify-jwt/);
  });

  it('is refused when the type would change, or the endpoint is not there', async () => {
    await plane.done('POST', `${at}/typed/`, policyBody());
    const other = await expectRefusal(
      () => call('PUT', `${at}/typed/`, verificationBody({}, 'private.key')),
      ...([400, 'validation_failed'] as const),
    );
    expect(faultsOf(other)).toEqual(['policy.type type_changed']);
    const metadata = { targetScope: 'ENDPOINT', targetEndpoint: '/users', targetEndpointHTTPMethod: 'GET' };
    const nowhere = await expectRefusal(
      () => call('PUT', `${at}/typed/`, policyBody(metadata)),
      ...([400, 'validation_failed'] as const),
    );
    expect(faultsOf(nowhere)).toEqual(['operationMetadata.targetEndpoint unknown_endpoint']);
  });

  it('to delete may come as query parameters', async () => {
    await plane.done('POST', `${at}/queried/`, policyBody());
    const path = `${at}/queried/`;
    const refused = [
      ['', ['operationMetadata required']],
      [
        '?targetScope=ALL&deploy=yes',
        ['operationMetadata.deploy wrong_type', 'operationMetadata.targetPipeline required'],
      ],
      [
        '?targetScope=ALL&targetPipeline=REQUEST&more=1&deployTargetEnvironmentNameList=nowhere',
        [
          'operationMetadata.deployTargetEnvironmentNameList[0] unknown_environment',
          'operationMetadata.more unknown_field',
        ],
      ],
      [
        `?targetScope=ALL&targetPipeline=REQUEST&deployTargetEnvironmentNameList=${environment.name},nowhere`,
        ['operationMetadata.deployTargetEnvironmentNameList[1] unknown_environment'],
      ],
    ] as const;
    for (const [query, faults] of refused) {
      const answer = await expectRefusal(() => call('DELETE', `${path}${query}`), 400, 'validation_failed');
      expect(faultsOf(answer)).toEqual(faults);
    }
    await expectRefusal(() => call('DELETE', `${path}?targetScope=ALL&targetPipeline=ERROR`), 404, 'not_found');
    const { deploymentResult } = await plane.done(
      'DELETE',
      `${path}?targetScope=ALL&targetPipeline=REQUEST&deploy=false`,
    );
    expect(deploymentResult).toEqual({ success: true, deploymentResults: [] });
    await expectRefusal(() => call('GET', path), 404, 'not_found');
  });

  it('is read back as the seed shows it, in execution order and with its defaults', async () => {
    const proxy = '/projects/shop/apiProxies/seed';
    await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('seed'));
    await plane.done('POST', `${proxy}/endpoints/`, { name: '/users', httpMethod: 'GET' });
    const endpoint = { targetScope: 'ENDPOINT', targetEndpoint: '/users', targetEndpointHTTPMethod: 'GET' };
    await plane.done('POST', `${proxy}/policies/second/`, policyBody());
    await plane.done('POST', `${proxy}/policies/first/`, policyBody({ order: 1 }, { refreshTokenCount: 5 }));
    await plane.done('POST', `${proxy}/policies/answer/`, policyBody({ ...endpoint, targetPipeline: 'RESPONSE' }));
    const { resultList } = await plane.done('GET', `${proxy}/policies/`);
    expect(resultList).toMatchObject([
      {
        apiProxy: {
          name: 'seed',
          requestPolicyList: [
            {
              name: 'first',
              order: 1,
              type: 'policy-auth-jwt',
              active: true,
              grantType: 'PASSWORD',
              refreshTokenCount: 5,
            },
            { name: 'second', order: 2 },
          ],
          ...{ responsePolicyList: [], errorPolicyList: [] },
        },
        endpointList: [
          {
            endpoint: '/users',
            httpMethod: 'GET',
            requestPolicyList: [],
            responsePolicyList: [{ name: 'answer', order: 1 }],
          },
        ],
      },
    ]);
    const one = await plane.done('GET', `${proxy}/policies/answer/`);
    expect(one.resultList).toMatchObject([
      {
        policy: { name: 'answer', jwtSignatureAlgorithm: 'HS256' },
        operationMetadata: { ...endpoint, targetPipeline: 'RESPONSE', order: 1 },
        warnings: [
          { field: 'policy.tokenNeverExpires' },
          { field: 'operationMetadata.targetPipeline' },
          { field: 'policy.managedFromThisPolicy' },
        ],
      },
    ]);
    await plane.done('PUT', `${proxy}/policies/second/`, policyBody({ ...endpoint, order: 1 }));
    await plane.done('DELETE', `${proxy}/policies/first/`, { operationMetadata: { ...METADATA } });
    const after = await plane.done('GET', `${proxy}/policies/`);
    expect(after.resultList).toMatchObject([
      { apiProxy: { requestPolicyList: [] }, endpointList: [{ requestPolicyList: [{ name: 'second' }] }] },
    ]);
  });
});

describe('a set-up request', () => {
  const projects = '/projects/shop';
  it.each<[string, 'POST' | 'PUT' | 'PATCH', string, object, string[]]>([
    [
      'environment',
      'POST',
      '/environments/',
      { name: 'a/b', redisUrl: 'http://h', expiresInUnit: 'HOURS', more: 1 },
      ['expiresInUnit invalid_value', 'more unknown_field', 'name invalid', 'redisUrl invalid'],
    ],
    [
      'proxy',
      'POST',
      `${projects}/apiProxies/url/`,
      {
        clientRoute: { relativePathList: ['/auth/x', 'a', '/..;x'] },
        routingInfo: { routingAddressList: [{ address: 'http://u:p@h', weight: 0 }] },
      },
      [
        'apiProxyName required',
        'clientRoute.relativePathList[0] reserved_path',
        'clientRoute.relativePathList[1] invalid',
        'clientRoute.relativePathList[2] invalid',
        'routingInfo.routingAddressList[0].address credentials_in_address',
        'routingInfo.routingAddressList[0].weight out_of_range',
      ],
    ],
    [
      'proxy without anything',
      'POST',
      `${projects}/apiProxies/url/`,
      {},
      ['apiProxyName required', 'clientRoute required', 'routingInfo required'],
    ],
    [
      'credential',
      'POST',
      `${projects}/credentials/`,
      {
        ...{ username: '', email: 1, enabled: 'yes', expireDate: 'soon', roleNameList: ['a b'] },
        ipList: ['10.0.0.0/8', '10.0.0.0/33'],
      },
      [
        'email wrong_type',
        'enabled wrong_type',
        'expireDate invalid',
        'fullName required',
        'ipList[1] invalid',
        'password required',
        'roleNameList[0] invalid',
        'username out_of_range',
      ],
    ],
    [
      'password',
      'PATCH',
      `${projects}/credentials/alice/`,
      { password: '', more: 1 },
      ['more unknown_field', 'password out_of_range'],
    ],
    [
      'global variable',
      'POST',
      `${projects}/environmentVariables/bad/`,
      { name: 'other', global: true, environmentValueList: [{ environmentName: 'x', value: 'y' }] },
      ['environmentValueList invalid', 'globalValue required', 'name invalid'],
    ],
    [
      'variable of the gateway',
      'POST',
      `${projects}/environmentVariables/request.header.x/`,
      { global: true, globalValue: 'x' },
      ['name reserved_prefix'],
    ],
    [
      'variable of nowhere',
      'POST',
      `${projects}/environmentVariables/bad/`,
      { environmentValueList: [{ environmentName: 'nowhere', value: 'y' }] },
      ['environmentValueList[0].environmentName unknown_environment'],
    ],
    [
      'endpoint',
      'POST',
      `${projects}/apiProxies/orders/endpoints/`,
      { name: 'users', httpMethod: 'ALL' },
      ['httpMethod invalid_value', 'name invalid'],
    ],
    ['keys', 'PATCH', `${projects}/apiProxies/orders/settings/keys/`, {}, ['publicKey required']],
    [
      'deployment to nowhere',
      'POST',
      `${projects}/apiProxies/url/`,
      proxyBody('nowhere', { deploy: true, deployTargetEnvironmentNameList: ['nowhere'] }),
      ['deployTargetEnvironmentNameList[0] unknown_environment'],
    ],
  ])('for a %s is refused with every fault at once', async (_what, method, path, body, faults) => {
    const answer = await expectRefusal(() => call(method, path, body), 400, 'validation_failed');
    expect(faultsOf(answer)).toEqual(faults);
  });

  it('for a proxy answers its keys once and shows only the public one from then on', async () => {
    const { resultList } = await plane.done('POST', `${projects}/apiProxies/url/`, proxyBody('keyed'));
    const { publicKey, secretKey } = resultList[0] as { publicKey: string; secretKey: string };
    expect(secretKey).toMatch(/^[\w-]{43}$/);
    for (const path of ['/apiProxies/keyed/', '/apiProxies/keyed/settings/keys/', '/apiProxies/']) {
      expect((await call('GET', `${projects}${path}`)).text).not.toContain(secretKey);
    }
    const keys = await plane.done('GET', `${projects}/apiProxies/keyed/settings/keys/`);
    expect(keys.resultList).toEqual([{ publicKey }]);
  });

  it('POST and GET /apiops/environments/{env}/keys/ and DELETE /apiops/environments/{env}/keys/{keyId}/ leave one key', async () => {
    const { name } = await plane.environment();
    const { resultList } = await plane.done('POST', `/environments/${name}/keys/`);
    const keys = (await plane.done('GET', `/environments/${name}/keys/`)).resultList.map((one) => one['keyId']);
    expect(keys).toHaveLength(2);
    expect(keys).toContain(resultList[0]?.['keyId']);
    await plane.done('DELETE', `/environments/${name}/keys/${String(keys[0])}/`);
    await expectRefusal(() => call('DELETE', `/environments/${name}/keys/${String(keys[0])}/`), 404, 'not_found');
    await expectRefusal(() => call('DELETE', `/environments/${name}/keys/${String(keys[1])}/`), 409, 'conflict');
  });
});

describe('an event', () => {
  it('carries who asked, through which request, and why', async () => {
    const headers = { 'x-request-id': 'req-7', 'x-change-reason': 'ticket 42', 'idempotency-key': 'once' };
    await plane.done('POST', '/projects/', { name: 'reasoned' }, headers);
    const event = (await plane.events()).at(-1);
    expect(event).toMatchObject({
      type: 'ProjectCreated',
      metadata: { actor: 'admin', requestId: 'req-7', reason: 'ticket 42', idempotencyKey: 'once' },
    });
  });
});

describe('two clients', () => {
  it('who change one proxy at once both land, one after the other', async () => {
    const at = '/projects/shop/apiProxies/busy';
    await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('busy'));
    const names = Array.from({ length: 12 }, (_, index) => `p${index}`);
    const answers = await Promise.all(names.map((name) => call('POST', `${at}/policies/${name}/`, policyBody())));
    expect(answers.map(({ status }) => status)).toEqual(names.map(() => 200));
    const landed = [...names].sort();
    const { resultList } = await plane.done('GET', `${at}/policies/`);
    const { requestPolicyList } = resultList[0]?.['apiProxy'] as {
      requestPolicyList: { name: string; order: number }[];
    };
    expect(requestPolicyList.map(({ name }) => name).sort()).toEqual(landed);
    expect(requestPolicyList.map(({ order }) => order)).toEqual(landed.map((_, index) => index + 1));
    const proxies = (await plane.done('GET', '/projects/shop/apiProxies/')).resultList;
    expect(proxies.find((one) => one['apiProxyName'] === 'busy')).toMatchObject({ revision: landed.length + 1 });
  });

  it('of whom one deletes a project while the other puts a proxy into it do not both succeed', async () => {
    for (let round = 0; round < 10; round += 1) {
      const name = `short-lived-${round}`;
      await plane.done('POST', '/projects/', { name });
      const [created, deleted] = await Promise.all([
        call('POST', `/projects/${name}/apiProxies/url/`, proxyBody('late')),
        call('DELETE', `/projects/${name}/`),
      ]);
      expect([
        [200, 409],
        [404, 200],
      ]).toContainEqual([created.status, deleted.status]);
    }
  });

  it('who take one name at once do not both get it', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => call('POST', '/projects/', { name: 'contested' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
  });
});
