import type { ArtifactEndpoint, PlacedPolicy } from '#libs/policy-contracts';
import type { Fault } from '../exchange/fault.ts';
import {
  artifactOf,
  exchangeFor,
  linked,
  NOW_MS,
  pipelines,
  placed,
  routeOf,
  type ArtifactParts,
} from '../testing/artifacts.ts';
import { makeToken, rsaPair } from '../testing/token-maker.ts';
import { linkProxy } from './link-proxy.ts';

const rsa = rsaPair();
const VERIFY = { type: 'policy-verify-jwt', algorithm: 'RS256', publicKey: { value: rsa.publicPem } };
const verify = (name: string, members: object = {}) => placed(name, { ...VERIFY, ...members });
const TOKEN = makeToken({
  header: { alg: 'RS256' },
  payload: { sub: 'alice', w: 'wörld' },
  algorithm: 'RS256',
  key: rsa.privateKey,
});
const AUTHORIZED = { headers: { Authorization: `Bearer ${TOKEN}` } };

const endpoint = (httpMethod: string, name: string, rest: Partial<ArtifactEndpoint> = {}): ArtifactEndpoint => ({
  name,
  httpMethod,
  pipelines: pipelines(),
  ...rest,
});
const withEndpoints = (...endpoints: ArtifactEndpoint[]) => linked({ endpoints });
const linkFaults = (parts: ArtifactParts) => {
  const outcome = linkProxy(artifactOf(parts), { faultCodes: 'documented' });
  return outcome.ok ? [] : outcome.faults;
};

describe('endpoints', () => {
  it('match everything when a proxy has none', () => {
    const proxy = linked({});
    for (const suffix of ['', '/', '/7/8']) {
      const route = routeOf(proxy, 'PURGE', suffix);
      expect([route.endpoint, route.backendMethod, route.backendPath(suffix)]).toEqual([undefined, undefined, suffix]);
    }
  });

  const proxy = withEndpoints(
    endpoint('GET', '/users/{id}'),
    endpoint('GET', '/users/me'),
    endpoint('DELETE', '/users/{id}'),
    endpoint('GET', '/users/{id}/files/{name}.json'),
    endpoint('GET', '/users/{id}/files/{name}'),
    endpoint('GET', '/'),
    endpoint('GET', '/a b/ü'),
  );
  it.each([
    ['GET', '/users/7', '/users/{id}'],
    ['GET', '/users/me', '/users/me'],
    ['GET', '/users/m%65', '/users/me'],
    ['DELETE', '/users/me', '/users/{id}'],
    ['GET', '/users/7/files/x.json', '/users/{id}/files/{name}.json'],
    ['GET', '/users/7/files/x.xml', '/users/{id}/files/{name}'],
    ['GET', '/users/7/files/.json', '/users/{id}/files/{name}'],
    ['GET', '', '/'],
    ['GET', '/', '/'],
    ['GET', '/a%20b/%C3%BC', '/a b/ü'],
  ])('%s %s is %s', (method, suffix, name) => {
    expect(routeOf(proxy, method, suffix).endpoint).toBe(name);
  });

  it.each(['/users', '/users/', '/users/7/', '/Users/7', '/users/%2e%2e', '/users/%', '/unknown'])(
    '%s is found only where a template fits',
    (suffix) => {
      const expected = suffix === '/users/%' ? 'matched' : 'not-found';
      expect(proxy.matchEndpoint('GET', suffix).kind).toBe(expected);
    },
  );

  it('says which methods a path has', () => {
    expect(proxy.matchEndpoint('PUT', '/users/7')).toEqual({ kind: 'method-not-allowed', allowed: ['DELETE', 'GET'] });
  });

  it.each([
    ['/v2/people/{id}', '/users/7', '/v2/people/7'],
    ['v2/{id}', '/users/a%20b%2Fc', '/v2/a%20b%2Fc'],
    ['/v2/x-{id}@y', '/users/%C3%BC', '/v2/x-%C3%BC@y'],
    ['/fixed path', '/users/7', '/fixed%20path'],
    ['', '/users/7', '/users/7'],
  ])('fills %s from %s: %s', (backendResourceUrl, suffix, expected) => {
    const one = withEndpoints(endpoint('GET', '/users/{id}', { backendResourceUrl, backendHttpMethod: 'POST' }));
    const route = routeOf(one, 'GET', suffix);
    expect([route.backendPath(suffix), route.backendMethod]).toEqual([expected, 'POST']);
  });
});

describe('what cannot be linked', () => {
  it('is reported all at once, by policy and field', () => {
    const faults = linkFaults({
      request: [
        verify('A', { condition: 'a ==' }),
        verify('B', { condition: '"x' }),
        verify('C', { active: false, condition: '(' }),
      ],
      endpoints: [
        endpoint('GET', '/{a}{b}'),
        endpoint('GET', '/{a', { backendResourceUrl: '/x' }),
        endpoint('GET', '/{a}', { backendResourceUrl: '/{b}' }),
        endpoint('GET', '/x', { backendResourceUrl: 'http://other.example.org/x' }),
      ],
      response: [placed('D', { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256' })],
    });
    expect(faults.map(({ policy, field, code }) => `${policy}|${field}|${code}`)).toEqual([
      'A|policy.condition|invalid_condition',
      'B|policy.condition|invalid_condition',
      'D|signingKeys|missing_signing_key',
      '|endpoints[GET /{a}{b}]|invalid_template',
      '|endpoints[GET /{a]|invalid_template',
      '|endpoints[GET /{a}]|invalid_backend',
      '|endpoints[GET /x]|invalid_backend',
    ]);
    expect(faults[0]?.message).toBe('a value is missing at character 5');
  });

  it('is answered, never thrown, when a policy is not what its type says', () => {
    const broken = { ...verify('A').policy, algorithm: ['HS256', 'RS256'] } as ReturnType<typeof placed>['policy'];
    expect(linkFaults({ request: [{ name: 'A', policy: broken }] })).toMatchObject([
      { policy: 'A', code: 'not_linkable' },
    ]);
    const keyless = { ...verify('A').policy, publicKey: undefined } as ReturnType<typeof placed>['policy'];
    expect(linkFaults({ request: [{ name: 'A', policy: keyless }] })).toMatchObject([
      { policy: 'A', code: 'MissingConfigurationElement' },
    ]);
  });
});

describe('the order of policies', () => {
  /** Policies that leave their mark: each fails and goes on, so the last one is the last fault.name. */
  const marking = (name: string) => verify(name, { source: `flow.${name}`, continueOnError: true });
  const ran = (exchange: ReturnType<typeof exchangeFor>, names: readonly string[]) =>
    names.filter((name) => exchange.variable(`jwt.${name}.failed`) === true);
  const stop = (name: string) => verify(name, { source: 'flow.absent' });
  const names = ['p1', 'p2', 'e1', 'e2'];

  const proxy = (stages: (stage: string) => ReturnType<typeof pipelines>) =>
    linked({
      request: stages('proxy').request,
      response: stages('proxy').response,
      error: stages('proxy').error,
      endpoints: [endpoint('GET', '/7', { pipelines: stages('endpoint') })],
    });

  it('runs the request: proxy level, then endpoint level, until the first fault', async () => {
    const request = (stage: string) =>
      stage === 'proxy' ? [marking('p1'), marking('p2')] : [marking('e1'), stop('S'), marking('e2')];
    const one = proxy((stage) => pipelines({ request: request(stage) }));
    const exchange = exchangeFor(one);
    const fault = await routeOf(one).runRequest(exchange, NOW_MS);
    expect(fault).toMatchObject({ policy: 'S' });
    expect(ran(exchange, names)).toEqual(['p1', 'p2', 'e1']);
  });

  it('runs the response: endpoint first, then proxy', async () => {
    const response = (stage: string) => (stage === 'proxy' ? [marking('p1')] : [marking('e1'), stop('S')]);
    const one = proxy((stage) => pipelines({ response: response(stage) }));
    const exchange = exchangeFor(one);
    const route = routeOf(one);
    expect(route.hasResponsePipeline).toBe(true);
    expect(await route.runResponse(exchange, NOW_MS)).toMatchObject({ policy: 'S' });
    expect(ran(exchange, names)).toEqual(['e1']);
  });

  it('runs the error pipeline: proxy level, then endpoint level, until a fault, which changes nothing', async () => {
    const first: Fault = { status: 401, headers: [], body: '', name: 'First', policy: 'X', reason: 'why' };
    const after = async (...ofTheEndpoint: readonly PlacedPolicy[]) => {
      const error = (stage: string) => (stage === 'proxy' ? [marking('p1'), marking('p2')] : ofTheEndpoint);
      const one = proxy((stage) => pipelines({ error: error(stage) }));
      const exchange = exchangeFor(one);
      const route = routeOf(one);
      expect(route.hasResponsePipeline).toBe(false);
      expect(await route.runError(exchange, first, NOW_MS)).toBe(first);
      expect(exchange.variable('fault.name')).toBe('First');
      return ran(exchange, names);
    };
    expect(await after(marking('e1'), marking('e2'))).toEqual(['p1', 'p2', 'e1', 'e2']);
    expect(await after(marking('e1'), stop('S'), marking('e2'))).toEqual(['p1', 'p2', 'e1']);
  });

  it('has those of the proxy alone for a request that no endpoint takes', async () => {
    const raising = (name: string) => placed(name, { type: 'policy-raise-fault', statusCode: 418 });
    const error = (stage: string) => (stage === 'proxy' ? [marking('p1')] : [raising('e1')]);
    const one = proxy((stage) => pipelines({ error: error(stage) }));
    const exchange = exchangeFor(one, { pathSuffix: '/8' });
    const first: Fault = { status: 404, headers: [], body: '', name: 'First', policy: '', reason: 'why' };
    expect(await one.outsideEndpoints.runError(exchange, first, NOW_MS)).toBe(first);
    expect(ran(exchange, names)).toEqual(['p1']);
  });

  it('skips inactive policies and those whose condition is false', async () => {
    const one = linked({
      request: [
        verify('off', { active: false }),
        verify('put', { condition: 'request.verb = "PUT"' }),
        verify('get', { condition: '(request.verb = "GET") and (jwt.put.valid is null)', continueOnError: true }),
      ],
    });
    const exchange = exchangeFor(one);
    expect(await routeOf(one).runRequest(exchange, NOW_MS)).toBeUndefined();
    expect(['off', 'put', 'get'].map((name) => exchange.variable(`jwt.${name}.failed`))).toEqual([
      undefined,
      undefined,
      true,
    ]);
  });

  it('answers at once when nothing waits', () => {
    const one = linked({ request: [verify('A')] });
    expect(routeOf(one).runRequest(exchangeFor(one, AUTHORIZED), NOW_MS)).toBeUndefined();
  });
});

describe('forwardVariables', () => {
  const forward = [
    { variable: 'jwt.A.claim.sub', header: 'X-User' },
    { variable: 'jwt.A.valid', header: 'X-Valid' },
    { variable: 'request.header.x-raw', header: 'X-Copy' },
    { variable: 'jwt.A.claim.w', header: 'X-World' },
  ];
  const proxyWith = (members: object, dropped: unknown[] = []) =>
    linked(
      { request: [verify('A', { forwardVariables: forward, ...members })] },
      { onDropped: (what) => dropped.push(what) },
    );
  const headersAfter = async (members: object, headers: Record<string, string>, dropped: unknown[] = []) => {
    const proxy = proxyWith(members, dropped);
    const exchange = exchangeFor(proxy, { headers });
    await routeOf(proxy).runRequest(exchange, NOW_MS);
    return Object.fromEntries(exchange.upstreamHeaders);
  };

  it('sets headers when the policy ran, those without a value not', async () => {
    expect(await headersAfter({}, { ...AUTHORIZED.headers, 'X-Copy': 'client' })).toEqual({
      'x-user': 'alice',
      'x-valid': 'true',
      'x-copy': undefined,
      'x-world': Buffer.from('wörld').toString('latin1'),
    });
  });

  it('sets what there is after a failure that lets the flow go on', async () => {
    expect(await headersAfter({ continueOnError: true }, { 'X-User': 'admin' })).toEqual({
      'x-user': undefined,
      'x-valid': 'false',
      'x-copy': undefined,
      'x-world': undefined,
    });
  });

  it('never lets a client’s header of that name through, not even when the policy is skipped', async () => {
    const skipped = await headersAfter({ condition: 'false' }, { 'X-User': 'admin', 'x-copy': 'b' });
    expect(skipped).toEqual({ 'x-user': undefined, 'x-valid': undefined, 'x-copy': undefined, 'x-world': undefined });
    expect(Object.keys(skipped)).toEqual(['x-user', 'x-valid', 'x-copy', 'x-world']);
  });

  it.each(['a\r\nX-Admin: 1', 'a\nb', 'a\u0000b', 'a\u007fb'])('drops %j and says so', async (value) => {
    const dropped: unknown[] = [];
    const headers = await headersAfter({}, { ...AUTHORIZED.headers, 'X-Raw': value }, dropped);
    expect(headers['x-copy']).toBeUndefined();
    expect(dropped).toEqual([{ policy: 'A', header: 'X-Copy' }]);
  });
});

describe('headers that only policies may set', () => {
  const forwarding = (name: string, header: string, members: object = {}) =>
    verify(name, { forwardVariables: [{ variable: 'jwt.A.claim.sub', header }], ...members });
  const login = placed('Login', {
    ...{ type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256', active: false },
    ...{ addUserToHeader: true, userHeaderName: 'X_Identity' },
  });
  const removedOn = async (proxy: ReturnType<typeof linked>, suffix: string) => {
    const exchange = exchangeFor(proxy, { pathSuffix: suffix });
    expect(await routeOf(proxy, 'GET', suffix).runRequest(exchange, NOW_MS)).toBeUndefined();
    return [...exchange.upstreamHeaders].map(([name, value]) => `${name}: ${String(value)}`).sort();
  };

  it('are removed on every route of the proxy, wherever a policy for them stands and whether it runs or not', async () => {
    const proxy = linked({
      request: [forwarding('off', 'X-Off', { active: false }), forwarding('never', 'X-Never', { condition: 'false' })],
      response: [forwarding('answer', 'X-Answer')],
      error: [forwarding('error', 'X-Error')],
      endpoints: [
        endpoint('GET', '/login', { pipelines: pipelines({ request: [login, forwarding('other', 'X-Other')] }) }),
        endpoint('PUT', '/put', { pipelines: pipelines({ error: [forwarding('put', 'X-Put', { active: false })] }) }),
        endpoint('GET', '/open'),
      ],
    });
    expect(await removedOn(proxy, '/open')).toEqual([
      ...['x-answer: undefined', 'x-error: undefined', 'x-never: undefined', 'x-off: undefined'],
      ...['x-other: undefined', 'x-put: undefined', 'x_identity: undefined'],
    ]);
  });

  it('are removed also when a proxy without endpoints has nothing but inactive policies', async () => {
    expect(await removedOn(linked({ request: [login] }), '/7')).toEqual(['x_identity: undefined']);
  });
});

describe('readsRequestBody', () => {
  it.each([
    [{ source: 'request.formparam.jwt' }, true],
    [{ issuer: { ref: 'request.content' } }, true],
    [{ additionalClaims: [{ name: 'c', ref: 'message.formparam.c' }] }, true],
    [{ condition: 'request.formparam.jwt != null' }, true],
    [{ forwardVariables: [{ variable: 'request.formparam.a', header: 'X-A' }] }, true],
    [{ source: 'request.formparam.jwt', active: false }, false],
    [{ source: 'request.queryparam.jwt' }, false],
    [{}, false],
  ])('of %j is %s', (members, expected) => {
    expect(routeOf(linked({ request: [verify('A', members)] })).readsRequestBody).toBe(expected);
  });

  it('counts only what the route itself runs', () => {
    const reading = pipelines({ request: [verify('A', { source: 'request.formparam.jwt' })] });
    const proxy = withEndpoints(endpoint('GET', '/a', { pipelines: reading }), endpoint('GET', '/b'));
    expect(['/a', '/b'].map((suffix) => routeOf(proxy, 'GET', suffix).readsRequestBody)).toEqual([true, false]);
  });
});
