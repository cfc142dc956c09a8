import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { LinkedProxy, LinkedRoute } from '#libs/policy-runtime';
import { Rig, SECRET, ask, askRaw, faultCodeOf, open, proxyOf, tokenOf, verifyJwt } from './testing/rig.ts';

const rig = new Rig();
afterEach(() => rig.stop());

type Pipelines = Readonly<Record<string, unknown>>;

async function gatewayWith(pipelines: Pipelines, change: (proxy: LinkedProxy) => LinkedProxy = (proxy) => proxy) {
  const upstream = await rig.upstream((request, response) => {
    response.setHeader('x-token', tokenOf({ sub: 'ann' }));
    request.pipe(response);
  });
  const gateway = await rig.gateway({ proxies: [change(proxyOf({ addresses: [upstream.url], pipelines }))] });
  return { upstream, gateway, port: gateway.port };
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const READS_THE_BODY = { request: [verifyJwt('form', { source: 'request.formparam.jwt' })] };

describe('a request policy', () => {
  it('that refuses makes the answer, and the upstream never sees the request', async () => {
    const { upstream, gateway, port } = await gatewayWith({ request: [verifyJwt('check')] });
    const answer = await ask({ port, path: '/orders', headers: { authorization: 'Bearer not.a.token' } });
    expect(answer.status).toBe(401);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.headers['apinizer-correlation-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(answer.body)).toHaveProperty('fault.detail.errorcode');
    expect(upstream.seen).toHaveLength(0);
    expect(await gateway.summary()).toMatchObject({ proxy: 'shop/orders', status: 401, fault: { policy: 'check' } });
  });

  it('that lets the request pass is followed by the upstream', async () => {
    const { port } = await gatewayWith({ request: [verifyJwt('check')] });
    const headers = { authorization: `Bearer ${tokenOf({ sub: 'ann' })}` };
    expect((await ask({ port, path: '/orders', method: 'POST', body: 'hello', headers })).body).toBe('hello');
  });

  it('that waits is waited for, whether it refuses, passes or breaks', async () => {
    const waiting = (proxy: LinkedProxy): LinkedProxy => {
      const wait = (route: LinkedRoute): LinkedRoute => ({
        ...route,
        hasResponsePipeline: true,
        runRequest: async (exchange, nowMs) => {
          if (exchange.request.path.endsWith('/broken')) throw new Error('secret detail');
          return await route.runRequest(exchange, nowMs);
        },
        runResponse: async (exchange, nowMs) => await route.runResponse(exchange, nowMs),
        runError: async (exchange, fault, nowMs) => await route.runError(exchange, fault, nowMs),
      });
      return {
        ...proxy,
        matchEndpoint: (method, pathSuffix) => {
          const match = proxy.matchEndpoint(method, pathSuffix);
          return match.kind === 'matched' ? { kind: 'matched', route: wait(match.route) } : match;
        },
      };
    };
    const { gateway, port } = await gatewayWith({ request: [verifyJwt('check')] }, waiting);
    const headers = { authorization: `Bearer ${tokenOf({ sub: 'ann' })}` };
    expect((await ask({ port, path: '/orders' })).status).toBe(401);
    expect((await ask({ port, path: '/orders', method: 'POST', body: 'hello', headers })).body).toBe('hello');
    expect((await ask({ port, path: '/orders', method: 'HEAD', headers })).status).toBe(200);
    expect(await gateway.summary(3)).toMatchObject({ method: 'HEAD', isComplete: true });
    const broken = await ask({ port, path: '/orders/broken', headers });
    expect([broken.status, faultCodeOf(broken)]).toEqual([500, 'GWD-007']);
    expect(broken.body).not.toContain('secret detail');
    expect(gateway.errors).toEqual([new Error('secret detail')]);
  });

  it('that takes its token from the URL keeps it from the upstream', async () => {
    const signing = { kty: 'oct', kid: 'k1', alg: 'HS256', k: Buffer.from(SECRET).toString('base64url') };
    const upstream = await rig.upstream((request, response) => response.end(request.url));
    const proxy = proxyOf({
      addresses: [upstream.url],
      pipelines: {
        request: [
          {
            name: 'auth',
            policy: {
              type: 'policy-auth-jwt',
              jwtSignatureAlgorithm: 'HS256',
              allowUrlParameters: true,
              clearAuth: true,
              addUserToHeader: true,
            },
          },
        ],
      },
      signingKeys: { auth: { signing, verification: [] } },
    });
    const gateway = await rig.gateway({ proxies: [proxy] });
    const token = proxy.issuers[0]?.issueAccessToken({ sub: 'ann', client_id: 'c', jti: 'j' }, Date.now()).token ?? '';
    const forged = { 'x-authenticated-userid': 'root' };
    const byUrl = await ask({ port: gateway.port, path: `/orders?a=1&access_token=${token}&b=%zz`, headers: forged });
    expect([byUrl.status, byUrl.body]).toEqual([200, '/?a=1&b=%zz']);
    const byHeader = { ...forged, authorization: `Bearer ${token}` };
    expect((await ask({ port: gateway.port, path: '/orders', headers: byHeader })).status).toBe(200);
    expect(upstream.seen.map(({ headers }) => headers['x-authenticated-userid'])).toEqual(['ann', 'ann']);
    expect(upstream.seen[1]?.headers).not.toHaveProperty('authorization');
    expect((await ask({ port: gateway.port, path: '/orders', headers: forged })).status).toBe(401);
  });
});

describe('a policy that reads the body', () => {
  it('gets it, and the upstream gets the same body after it', async () => {
    const { upstream, port } = await gatewayWith(READS_THE_BODY);
    const body = `a=1&jwt=${tokenOf({ sub: 'ann' })}`;
    expect((await ask({ port, path: '/orders', method: 'POST', headers: FORM, body })).body).toBe(body);
    expect(upstream.seen[0]?.headers['content-length']).toBe(String(body.length));
    const chunked = open({ port, path: '/orders', method: 'POST', headers: FORM });
    chunked.write('a=1&');
    chunked.end(`jwt=${tokenOf({ sub: 'ann' })}`);
    const [response] = (await once(chunked, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
  });

  it.each([
    ['declared', { 'content-length': 1024 * 1024 + 1 }],
    ['sent in chunks', {}],
  ])('answers 413 to a body above 1 MiB that is %s', async (_how, framing) => {
    const { upstream, port } = await gatewayWith(READS_THE_BODY);
    const request = open({ port, path: '/orders', method: 'POST', headers: { ...FORM, ...framing } });
    request.on('error', () => undefined);
    request.end(Buffer.alloc(1024 * 1024 + 1, 'a'));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(413);
    expect(upstream.seen).toHaveLength(0);
  });
});

describe('Expect: 100-continue', () => {
  it('is not answered with 100 when a policy refuses, and the connection ends', async () => {
    const { port } = await gatewayWith({ request: [verifyJwt('check')] });
    const head = 'POST /orders HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n';
    const answer = await askRaw(port, head);
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    expect(answer).toMatch(/\r\nConnection: close\r\n/i);
  });
});

describe('a response policy', () => {
  it('that refuses replaces the upstream’s answer', async () => {
    const { gateway, port } = await gatewayWith({
      response: [verifyJwt('answer', { source: 'response.header.x-token', subject: 'bob' })],
    });
    const answer = await ask({ port, path: '/orders', method: 'POST', body: 'secret answer' });
    expect(answer.status).toBe(401);
    expect(answer.body).not.toContain('secret answer');
    expect(await gateway.summary()).toMatchObject({ status: 401, fault: { policy: 'answer' } });
  });

  it('that passes leaves the answer as it was', async () => {
    const { port } = await gatewayWith({ response: [verifyJwt('answer', { source: 'response.header.x-token' })] });
    const answer = await ask({ port, path: '/orders', method: 'POST', body: 'hello' });
    expect([answer.status, answer.body]).toEqual([200, 'hello']);
  });
});

describe('a protocol upgrade', () => {
  const upgrade = (token: string): string =>
    `GET /orders HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer ${token}\r\n\r\n`;

  it('to WebSocket is refused by the policies, and the upstream hears nothing of it', async () => {
    const { upstream, port } = await gatewayWith({ request: [verifyJwt('check')] });
    expect(await askRaw(port, upgrade('bad'))).toMatch(/^HTTP\/1\.1 401 /);
    expect(upstream.seen).toHaveLength(0);
  });

  it('to WebSocket that the upstream does not take up is answered as the upstream does', async () => {
    const { upstream, port } = await gatewayWith({ request: [verifyJwt('check')] });
    expect(await askRaw(port, upgrade(tokenOf({})))).toMatch(/^HTTP\/1\.1 200 /);
    expect(upstream.seen[0]?.headers).toMatchObject({ connection: 'Upgrade', upgrade: 'websocket' });
  });

  it('to anything else is not taken up, and the request served', async () => {
    const { upstream, port } = await gatewayWith({});
    const headers = { connection: 'upgrade, http2-settings', upgrade: 'h2c', 'http2-settings': 'AAAA' };
    const request = open({ port, path: '/orders', headers });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    expect(upstream.seen[0]?.headers).not.toHaveProperty('upgrade');
    response.resume();
  });
});
