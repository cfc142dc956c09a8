import type { OutgoingHttpHeaders } from 'node:http';
import { inspect } from 'node:util';
import { Rig, ask, askRaw, faultCodeOf, proxyOf, verifyJwt, type ArtifactWishes } from './testing/rig.ts';

const rig = new Rig();
afterEach(() => rig.stop());

const echoUrl = () => rig.upstream((request, response) => response.end(`${request.method} ${request.url}`));

describe('the URL that the upstream is asked for', () => {
  const CASES = [
    ['/orders/7?x=1', '/base', '/base/7?x=1'],
    ['/orders', '/base', '/base'],
    ['/orders', '', '/'],
    ['/orders/', '/base/', '/base/'],
    ['/orders/a//b', '/base/', '/base/a/b'],
    ['/orders/a/../b/./c', '/base', '/base/b/c'],
    ['/orders/%7e%41%2fb%c3%a9', '', '/~A%2Fb%C3%A9'],
    ['/orders/x?q=%41&q=b+c&q', '/base', '/base/x?q=%41&q=b+c&q'],
    ['/orders/x?a=1', '/base?key=k', '/base/x?key=k&a=1'],
  ] as const;

  it.each(CASES)('of %s at an address with path "%s" is %s', async (path, addressPath, expected) => {
    const upstream = await echoUrl();
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url + addressPath] })] });
    expect((await ask({ port: gateway.port, path })).body).toBe(`GET ${expected}`);
  });

  it('leaves out the root context and the relative path', async () => {
    const upstream = await echoUrl();
    const proxies = [proxyOf({ addresses: [`${upstream.url}/base`] })];
    const gateway = await rig.gateway({ proxies, settings: { rootContext: '/apigateway' } });
    expect((await ask({ port: gateway.port, path: '/apigateway/orders/7' })).body).toBe('GET /base/7');
    expect((await ask({ port: gateway.port, path: '/orders/7' })).status).toBe(404);
  });

  it('is the endpoint’s backend resource and method when it has them', async () => {
    const upstream = await echoUrl();
    const endpoint = {
      name: '/users/{id}',
      httpMethod: 'GET',
      backendResourceUrl: '/people/{id}/card',
      backendHttpMethod: 'POST',
    };
    const gateway = await rig.gateway({
      proxies: [proxyOf({ addresses: [`${upstream.url}/base`], endpoints: [endpoint] })],
    });
    expect((await ask({ port: gateway.port, path: '/orders/users/7' })).body).toBe('POST /base/people/7/card');
  });

  it('takes the absolute form of a request target', async () => {
    const upstream = await echoUrl();
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url] })] });
    const answer = await askRaw(
      gateway.port,
      'GET http://shop.test/orders/7 HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toContain('GET /7');
  });
});

describe('a request without a way to an upstream', () => {
  it('is 404 ERR-002 where no proxy is, in the envelope and with a correlation id', async () => {
    const gateway = await rig.gateway({ proxies: [] });
    const answer = await ask({ port: gateway.port, path: '/nowhere' });
    const correlationId = answer.headers['apinizer-correlation-id'];
    expect(answer.status).toBe(404);
    expect(correlationId).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(answer.body)).toEqual({
      fault: {
        correlationId,
        faultCode: 'ERR-002',
        faultString: 'ApiProxy is not found for related URL!',
        faultStatusCode: '404',
        responseFromApi: '',
      },
    });
  });

  it('is 404 ERR-006 where no endpoint matches and 405 ERR-006 with Allow where the method does not', async () => {
    const upstream = await echoUrl();
    const endpoints = [
      { name: '/users', httpMethod: 'GET' },
      { name: '/users', httpMethod: 'POST' },
    ];
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url], endpoints })] });
    const unknown = await ask({ port: gateway.port, path: '/orders/other' });
    const wrongMethod = await ask({ port: gateway.port, path: '/orders/users', method: 'DELETE' });
    expect([unknown.status, faultCodeOf(unknown)]).toEqual([404, 'ERR-006']);
    expect([wrongMethod.status, faultCodeOf(wrongMethod)]).toEqual([405, 'ERR-006']);
    expect(wrongMethod.headers.allow?.split(', ').sort()).toEqual(['GET', 'POST']);
    expect(upstream.seen).toHaveLength(0);
  });

  it('is 405 with Allow where the proxy takes other methods', async () => {
    const proxies = [proxyOf({ addresses: ['http://127.0.0.1:1'], methods: ['POST', 'GET'] })];
    const gateway = await rig.gateway({ proxies });
    const answer = await ask({ port: gateway.port, path: '/orders', method: 'PUT' });
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, POST']);
  });

  it('is 503 while there is no configuration', async () => {
    const gateway = await rig.gateway({});
    expect((await ask({ port: gateway.port, path: '/orders' })).status).toBe(503);
  });

  it('is summed up for metrics without its query and headers, however it is printed', async () => {
    const gateway = await rig.gateway({ proxies: [] });
    const headers = { authorization: 'Bearer secret', cookie: 'id=secret' };
    const answer = await ask({ port: gateway.port, path: '/nowhere?access_token=secret', headers });
    const summary = await gateway.summary();
    expect(summary).toMatchObject({
      correlationId: answer.headers['apinizer-correlation-id'],
      method: 'GET',
      proxy: undefined,
      status: 404,
      isComplete: true,
      fault: { name: 'ERR-002', policy: '', reason: 'no proxy' },
    });
    const printed = inspect(summary, { depth: Number.POSITIVE_INFINITY, showHidden: true });
    expect(`${JSON.stringify(summary)}${printed}`).not.toContain('secret');
  });
});

describe('the proxy of a request', () => {
  it('is chosen by host, then by the longest base path', async () => {
    const upstream = await echoUrl();
    const proxy = (name: string, host: string[], path: string) =>
      proxyOf({ proxy: name, hosts: host, paths: [path], addresses: [`${upstream.url}/${name}`] });
    const gateway = await rig.gateway({
      proxies: [
        proxy('any', [], '/'),
        proxy('any-orders', [], '/orders'),
        proxy('exact', ['a.shop.test'], '/orders'),
        proxy('wild', ['*.shop.test'], '/orders'),
      ],
    });
    const via = async (host: string, path: string) => (await ask({ port: gateway.port, path, headers: { host } })).body;
    expect(await via('A.shop.test:8080', '/orders/1')).toBe('GET /exact/1');
    expect(await via('b.c.shop.test', '/orders/1')).toBe('GET /wild/1');
    expect(await via('other.test', '/orders/1')).toBe('GET /any-orders/1');
    expect(await via('a.shop.test', '/ordersX')).toBe('GET /any/ordersX');
  });

  it('is chosen by headers where routes of one path ask for them', async () => {
    const upstream = await echoUrl();
    const proxy = (name: string, headers: { name: string; value: string }[]) =>
      proxyOf({ proxy: name, headers, addresses: [`${upstream.url}/${name}`] });
    const gateway = await rig.gateway({
      proxies: [proxy('plain', []), proxy('second', [{ name: 'X-Version', value: '2' }])],
    });
    const via = async (headers: OutgoingHttpHeaders) =>
      (await ask({ port: gateway.port, path: '/orders', headers })).body;
    expect(await via({ 'x-VERSION': '2' })).toBe('GET /second');
    expect(await via({})).toBe('GET /plain');
    expect(await via({ 'x-version': '22' })).toBe('GET /plain');
    expect(await via({ 'x-version': ['2', '3'] })).toBe('GET /plain');
    gateway.use([proxy('second', [{ name: 'X-Version', value: '2' }])]);
    const without = await ask({ port: gateway.port, path: '/orders' });
    expect([without.status, faultCodeOf(without)]).toEqual([404, 'ERR-002']);
  });

  it('is told to caches where headers chose it, or chose none', async () => {
    const upstream = await rig.upstream((_request, response) => {
      response.setHeader('Vary', 'Accept, X-Tenant').end();
    });
    const proxy = (name: string, wishes: Partial<ArtifactWishes>) =>
      proxyOf({ proxy: name, addresses: [upstream.url], ...wishes });
    const tenant = { name: 'x-tenant', value: 'acme' };
    const version = { name: 'X-Version', value: '2' };
    const cors = { allowOrigins: ['https://shop.example'] };
    const refused = { pipelines: { request: [verifyJwt('check')] } };
    const gateway = await rig.gateway({
      proxies: [
        proxy('plain', { methods: ['GET', 'PUT'], cors }),
        proxy('strict', { headers: [tenant], methods: ['GET'], ...refused }),
        proxy('second', { headers: [version, tenant], methods: ['GET'] }),
        proxy('other', { paths: ['/other'] }),
        proxy('only', { paths: ['/only'], headers: [version] }),
      ],
    });
    const varying = async (path: string, headers: OutgoingHttpHeaders = {}, method = 'GET') => {
      const answer = await ask({ port: gateway.port, path, headers, method });
      return [answer.status, answer.headers.vary];
    };
    expect(await varying('/orders')).toEqual([200, 'Accept, X-Tenant, Origin, x-version']);
    expect(await varying('/orders', { 'x-tenant': 'acme' })).toEqual([401, 'x-tenant, x-version']);
    expect(await varying('/orders', {}, 'POST')).toEqual([405, 'x-tenant, x-version']);
    expect(await varying('/only')).toEqual([404, 'x-version']);
    expect(await varying('/other')).toEqual([200, 'Accept, X-Tenant']);
    expect(await varying('/nowhere')).toEqual([404, undefined]);
  });
});
