import { Rig, ask, askRaw, proxyOf } from './testing/rig.ts';
import type { TokenHttpRequest } from '../token-endpoint/protocol/token-http.ts';
import type { TokenEndpointPort } from './token-endpoint.port.ts';

const rig = new Rig();
afterEach(() => rig.stop());

function recording(answer: TokenEndpointPort['handle']) {
  const seen: TokenHttpRequest[] = [];
  const tokenEndpoint: TokenEndpointPort = {
    owns: (path) => path.startsWith('/auth/'),
    handle: (request) => {
      seen.push(request);
      return answer(request);
    },
  };
  return { seen, tokenEndpoint };
}

const OK = { status: 200, headers: [['Cache-Control', 'no-store']], body: '{}' } as const;

describe('a request to the token endpoint', () => {
  it('goes there whatever the root context is and whatever proxies there are', async () => {
    const { seen, tokenEndpoint } = recording(() => Promise.resolve(OK));
    const proxies = [proxyOf({ addresses: ['http://127.0.0.1:1'], paths: ['/'] })];
    const gateway = await rig.gateway({ proxies, tokenEndpoint, settings: { rootContext: '/apigateway' } });
    const answer = await ask({
      port: gateway.port,
      path: '/x/../auth/%6Awt?a=1',
      method: 'POST',
      body: 'grant_type=password',
      headers: { 'x-forwarded-for': '6.6.6.6' },
    });
    expect(answer).toMatchObject({ status: 200, body: '{}', headers: { 'cache-control': 'no-store' } });
    expect(seen).toMatchObject([{ method: 'POST', path: '/auth/jwt', queryString: 'a=1', clientAddress: '127.0.0.1' }]);
    expect(String(seen[0]?.body)).toBe('grant_type=password');
    expect(answer.headers['apinizer-correlation-id']).toBe(seen[0]?.correlationId);
    expect(await gateway.summary()).toMatchObject({ status: 200, proxy: undefined });
  });

  it('is served before there is any configuration', async () => {
    const gateway = await rig.gateway(recording(() => Promise.resolve(OK)));
    expect((await ask({ port: gateway.port, path: '/auth/jwt' })).status).toBe(200);
  });

  it('is a 413 above 64 KiB, declared or in chunks, and never handed on', async () => {
    const { seen, tokenEndpoint } = recording(() => Promise.resolve(OK));
    const gateway = await rig.gateway({ tokenEndpoint });
    const body = Buffer.alloc(64 * 1024 + 1, 'a');
    const headers = { 'transfer-encoding': 'chunked' };
    const declared = await ask({ port: gateway.port, path: '/auth/jwt', method: 'POST', body });
    const chunked = await ask({ port: gateway.port, path: '/auth/jwt', method: 'POST', body, headers });
    expect([declared.status, chunked.status]).toEqual([413, 413]);
    expect(seen).toHaveLength(0);
  });

  it('is refused in the form of OAuth, and nobody may keep that', async () => {
    const gateway = await rig.gateway(recording(() => Promise.reject(new Error('broken'))));
    const body = Buffer.alloc(64 * 1024 + 1, 'a');
    const tooLarge = await ask({ port: gateway.port, path: '/auth/jwt', method: 'POST', body });
    const broken = await ask({ port: gateway.port, path: '/auth/jwt', method: 'POST', body: 'x' });
    expect(JSON.parse(tooLarge.body)).toMatchObject({ error: 'invalid_request' });
    expect(JSON.parse(broken.body)).toMatchObject({ error: 'server_error' });
    for (const { headers } of [tooLarge, broken]) {
      expect(headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
    }
  });

  it('may carry secrets in its query, which no log is told', async () => {
    const { seen, tokenEndpoint } = recording(() => Promise.resolve(OK));
    const gateway = await rig.gateway({ tokenEndpoint });
    const path = '/auth/jwt?client_secret=s3cret&password=pa55&refresh_token=t0ken&username=us3r';
    await ask({ port: gateway.port, path });
    expect(seen[0]?.queryString).toContain('s3cret');
    const told = JSON.stringify([await gateway.summary(), gateway.errors]);
    for (const secret of ['s3cret', 'pa55', 't0ken', 'us3r', '?']) expect(told).not.toContain(secret);
  });

  const hosts = { host: 'api.example:8443', 'x-forwarded-host': 'public.example', 'x-forwarded-proto': 'https' };

  it.each([
    ['what it named itself', [], hosts, 'http://api.example:8443'],
    ['what a trusted proxy says it named', ['127.0.0.0/8'], hosts, 'https://public.example'],
    ['an IPv6 address', [], { host: '[::1]:80' }, 'http://[::1]:80'],
    [
      'its own Host, where a proxy says none that is one',
      ['127.0.0.1'],
      { ...hosts, 'x-forwarded-host': 'a"<b>' },
      'https://api.example:8443',
    ],
    [
      'its own Host, where two are said',
      ['127.0.0.1'],
      { ...hosts, 'x-forwarded-host': 'a.example, b.example' },
      'https://api.example:8443',
    ],
  ])('reached the gateway by %s', async (_what, trustedProxies, headers, publicOrigin) => {
    const { seen, tokenEndpoint } = recording(() => Promise.resolve(OK));
    const gateway = await rig.gateway({ tokenEndpoint, settings: { trustedProxies } });
    await ask({ port: gateway.port, path: '/auth/jwt', headers });
    expect(seen).toMatchObject([{ publicOrigin }]);
  });

  it('reached the gateway by nothing that can be written when it names no host', async () => {
    const { seen, tokenEndpoint } = recording(() => Promise.resolve(OK));
    const gateway = await rig.gateway({ tokenEndpoint });
    await askRaw(gateway.port, 'GET /auth/jwt HTTP/1.0\r\n\r\n');
    expect(seen).toHaveLength(1);
    expect(seen[0]?.publicOrigin).toBeUndefined();
  });

  it('is a 500 without a word of the reason when the service breaks', async () => {
    const broken = recording(() => Promise.reject(new Error('secret detail')));
    const gateway = await rig.gateway(broken);
    const answer = await ask({ port: gateway.port, path: '/auth/jwt' });
    expect([answer.status, answer.body.includes('secret')]).toEqual([500, false]);
    expect(gateway.errors).toHaveLength(1);
  });

  it('is told to continue before its body is read', async () => {
    const { tokenEndpoint } = recording((request) => Promise.resolve({ ...OK, body: String(request.body) }));
    const gateway = await rig.gateway({ tokenEndpoint });
    const answer = await askRaw(
      gateway.port,
      'POST /auth/jwt HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nhi$/);
  });
});
