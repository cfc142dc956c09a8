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
