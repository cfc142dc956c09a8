import { Rig, ask, faultCodeOf, proxyOf, tokenOf, verifyJwt, type ArtifactWishes } from './testing/rig.ts';

const rig = new Rig();
afterEach(() => rig.stop());

/** Status, one header and the body of what the upstream answers to every request. */
const UPSTREAM_COOKIES = ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2'];

async function gatewayWith(wishes: Omit<ArtifactWishes, 'addresses'>) {
  const upstream = await rig.upstream((request, response) => {
    response.statusCode = Number(request.headers['x-status'] ?? 200);
    response.setHeader('x-token', tokenOf({ sub: 'ann' }));
    response.setHeader('set-cookie', UPSTREAM_COOKIES);
    response.end('made upstream');
  });
  const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url], ...wishes })] });
  return { upstream, gateway, port: gateway.port };
}

const raise = (name: string, payload: string, members: object = {}) => ({
  name,
  policy: { type: 'policy-raise-fault', statusCode: 418, contentType: 'text/plain', payload, ...members },
});
const stages = (pipelines: object) => ({ request: [], response: [], error: [], ...pipelines });
const endpoint = (name: string, pipelines: object, httpMethod = 'GET') => ({
  ...{ name, httpMethod, pipelines: stages(pipelines) },
});
/** Fails without stopping the flow, so that others can see that it ran. */
const mark = (name: string) => verifyJwt(name, { source: 'flow.absent', continueOnError: true });
const ran = (name: string): object => ({ condition: `jwt.${name}.failed = true` });

describe('the REQUEST pipeline', () => {
  it('is that of the proxy and then that of the endpoint, each by order', async () => {
    const { port, upstream } = await gatewayWith({
      pipelines: { request: [mark('one'), raise('order', 'never', ran('two')), mark('two')] },
      endpoints: [
        endpoint('/a', {
          request: [raise('last', 'a {fault.name}', { condition: 'jwt.one.failed and jwt.two.failed' })],
        }),
        endpoint('/b', {}),
      ],
    });
    const [a, b] = [await ask({ port, path: '/orders/a' }), await ask({ port, path: '/orders/b' })];
    expect([a.status, a.body]).toEqual([418, 'a FailedToResolveVariable']);
    expect([b.status, b.body, upstream.seen.length]).toEqual([200, 'made upstream', 1]);
  });
});

describe('the RESPONSE pipeline', () => {
  const judge = verifyJwt('judge', { source: 'response.header.x-token', continueOnError: true });

  it('is that of the endpoint and then that of the proxy, and sees the upstream’s status and headers', async () => {
    const seen = '{jwt.judge.claim.sub} {response.status.code} {message.status.code} {response.header.X-None:none}';
    const { port } = await gatewayWith({
      pipelines: { response: [raise('show', seen, { condition: 'jwt.judge.valid = true' })] },
      endpoints: [endpoint('/a', { response: [judge] }), endpoint('/b', {})],
    });
    const answer = await ask({ port, path: '/orders/a', headers: { 'x-status': '202' } });
    expect([answer.status, answer.body]).toEqual([418, 'ann 202 202 none']);
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect((await ask({ port, path: '/orders/b' })).body).toBe('made upstream');
  });

  it('changes status, type and body of the answers that a condition names, and no others', async () => {
    const hide = raise('hide', '{"was":{response.status.code}}', {
      ...{ statusCode: 502, contentType: 'application/json', condition: 'response.status.code >= 500' },
    });
    const { port } = await gatewayWith({ pipelines: { response: [hide] } });
    const broken = await ask({ port, path: '/orders', headers: { 'x-status': '507' } });
    expect([broken.status, broken.headers['content-type'], broken.body]).toEqual([
      ...[502, 'application/json', '{"was":507}'],
    ]);
    const fine = await ask({ port, path: '/orders', headers: { 'x-status': '203' } });
    expect([fine.status, fine.body, fine.headers['set-cookie']]).toEqual([203, 'made upstream', UPSTREAM_COOKIES]);
  });

  it('sets headers of the answer by forwardVariables, and takes away those whose variable is not set', async () => {
    const forwardVariables = [
      { variable: 'jwt.judge.claim.sub', header: 'X-Subject' },
      { variable: 'jwt.judge.claim.absent', header: 'X-Token' },
    ];
    const judged = verifyJwt('judge', { source: 'response.header.x-token', forwardVariables });
    const { port, upstream } = await gatewayWith({ pipelines: { response: [judged] } });
    const answer = await ask({ port, path: '/orders' });
    expect([answer.status, answer.body, answer.headers['x-subject']]).toEqual([200, 'made upstream', 'ann']);
    expect(answer.headers).not.toHaveProperty('x-token');
    expect(answer.headers['set-cookie']).toEqual(UPSTREAM_COOKIES);
    expect(upstream.seen[0]?.headers).not.toHaveProperty('x-subject');
  });

  it('names what it could not read a token from, as VerifyJWT does in a request', async () => {
    const { port } = await gatewayWith({
      pipelines: { response: [verifyJwt('v', { source: 'response.header.x-no' })] },
    });
    const answer = await ask({ port, path: '/orders' });
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toEqual({
      fault: {
        faultstring: 'Failed to Resolve Variable : policy(v) variable(response.header.x-no)',
        detail: { errorcode: 'steps.jwt.FailedToResolveVariable' },
      },
    });
  });

  it('does not run on answers that the gateway makes', async () => {
    const { port, gateway } = await gatewayWith({ pipelines: { response: [raise('never', 'never')] } });
    gateway.use([
      proxyOf({
        addresses: [`http://127.0.0.1:${await rig.closedPort()}`],
        pipelines: {
          request: [verifyJwt('check', { condition: 'request.verb = "PUT"' })],
          response: [raise('n', 'n')],
        },
      }),
    ]);
    expect(faultCodeOf(await ask({ port, path: '/orders' }))).toBe('GWD-009');
    expect((await ask({ port, path: '/orders', method: 'PUT' })).status).toBe(401);
  });
});

describe('the ERROR pipeline', () => {
  const token = 'Bearer not.a.token';
  const SHOWN =
    '{fault.name}|{error.status.code}|{error.header.content-type}|{message.status.code}|{response.status.code:none}';

  it('sees the fault of a request policy, of a response policy and of the gateway', async () => {
    const { port, gateway } = await gatewayWith({
      pipelines: {
        request: [verifyJwt('check', { condition: 'request.header.authorization IsNot null' })],
        response: [verifyJwt('answer', { source: 'response.header.x-no' })],
        error: [raise('show', SHOWN)],
      },
    });
    const refused = await ask({ port, path: '/orders', headers: { authorization: token } });
    expect([refused.status, refused.body]).toEqual([418, 'FailedToDecode|401|application/json|401|none']);
    const answered = await ask({ port, path: '/orders', headers: { 'x-status': '204' } });
    expect(answered.body).toBe('FailedToResolveVariable|401|application/json|401|204');
    gateway.use([
      proxyOf({
        addresses: [`http://127.0.0.1:${await rig.closedPort()}`],
        pipelines: { error: [raise('show', SHOWN)] },
      }),
    ]);
    expect((await ask({ port, path: '/orders' })).body).toBe('GWD-009|502|application/json;charset=UTF-8|502|none');
  });

  it('is that of the proxy and then that of the endpoint; the first answer that is raised counts', async () => {
    const check = verifyJwt('check');
    const { port } = await gatewayWith({
      pipelines: { error: [mark('seen'), raise('mine', 'proxy', { condition: 'request.queryparam.who = "proxy"' })] },
      endpoints: [
        endpoint('/a', { request: [check], error: [raise('last', 'endpoint', ran('seen')), raise('late', 'late')] }),
        endpoint('/b', { request: [check] }),
      ],
    });
    const bodyOf = async (path: string) => (await ask({ port, path })).body;
    expect(await bodyOf('/orders/a?who=proxy')).toBe('proxy');
    expect(await bodyOf('/orders/a')).toBe('endpoint');
    expect(await bodyOf('/orders/b')).toContain('FailedToResolveVariable');
  });

  it('ends at a fault of its own, and the client gets the first one', async () => {
    const guard = verifyJwt('guard', { source: 'request.header.x-operator' });
    const { port, gateway } = await gatewayWith({
      pipelines: { request: [verifyJwt('check')], error: [guard, raise('details', 'for operators only')] },
    });
    const answer = await ask({ port, path: '/orders', headers: { authorization: token } });
    expect([answer.status, answer.body]).toEqual([401, expect.stringContaining('policy(check)')]);
    expect(await gateway.summary()).toMatchObject({ status: 401, fault: { policy: 'check' } });
    const headers = { authorization: token, 'x-operator': tokenOf({ sub: 'ann' }) };
    expect((await ask({ port, path: '/orders', headers })).body).toBe('for operators only');
  });

  it('comes after the error template', async () => {
    const { port } = await gatewayWith({
      errorTemplate: '{"code":"#{error.defaultErrorCode}"}',
      pipelines: { error: [raise('show', 'was {error.content}', { condition: 'request.verb = "GET"' })] },
      endpoints: [endpoint('/a', {})],
    });
    expect((await ask({ port, path: '/orders/b' })).body).toBe('was {"code":"ERR-006"}');
    expect((await ask({ port, path: '/orders/b', method: 'PUT' })).body).toBe('{"code":"ERR-006"}');
  });

  it('is that of the proxy alone where none of its endpoints takes the request', async () => {
    const { port, gateway } = await gatewayWith({
      pipelines: {
        request: [raise('never', 'never')],
        error: [raise('show', '{fault.name} {proxy.pathsuffix}', { condition: 'error.status.code = 404' })],
      },
      endpoints: [endpoint('/a', { error: [raise('never', 'never')] })],
    });
    const unknown = await ask({ port, path: '/orders/b' });
    expect([unknown.status, unknown.body]).toEqual([418, 'ERR-006 /b']);
    const wrongMethod = await ask({ port, path: '/orders/a', method: 'PUT' });
    expect([wrongMethod.status, wrongMethod.headers['allow'], faultCodeOf(wrongMethod)]).toEqual([
      405,
      'GET',
      'ERR-006',
    ]);
    expect(await gateway.summary()).toMatchObject({ status: 418, fault: { name: 'ERR-006' } });
  });
});

describe('a policy that is not active', () => {
  it('runs in no pipeline, on either level', async () => {
    const off = (name: string) => raise(name, 'never', { active: false });
    const pipelines = (level: string) => ({
      ...{ request: [off(`${level}-1`)], response: [off(`${level}-2`)], error: [off(`${level}-3`)] },
    });
    const refuses = endpoint('/b', { ...pipelines('b'), request: [verifyJwt('check')] });
    const { port } = await gatewayWith({
      pipelines: pipelines('proxy'),
      endpoints: [endpoint('/a', pipelines('a')), refuses],
    });
    expect((await ask({ port, path: '/orders/a' })).body).toBe('made upstream');
    expect((await ask({ port, path: '/orders/b' })).status).toBe(401);
  });
});
