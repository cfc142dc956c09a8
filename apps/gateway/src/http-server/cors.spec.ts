import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Rig, ask, faultCodeOf, proxyOf, tokenOf, verifyJwt, type ArtifactWishes } from './testing/rig.ts';

const rig = new Rig();
afterEach(() => rig.stop());

const SITE = 'https://shop.example';
const OTHER = 'https://evil.example';
const CORS = {
  allowOrigins: [SITE, 'https://admin.example'],
  allowCredentials: true,
  allowMethods: ['GET', 'PUT'],
  allowHeaders: ['authorization', 'x-trace'],
  exposeHeaders: ['X-Total', 'ETag'],
  maxAgeSeconds: 600,
};
const ANYBODY = { allowOrigins: ['*'], allowMethods: ['*'], allowHeaders: ['*'] };
const PREFLIGHT_VARY = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers';

type Wishes = Omit<Partial<ArtifactWishes>, 'cors'> & { readonly cors?: ArtifactWishes['cors'] | null };

async function serving(wishes: Wishes, answer?: (response: ServerResponse) => void) {
  const upstream = await rig.upstream((_request, response) => {
    answer?.(response);
    response.end('made upstream');
  });
  const { cors = CORS, ...others } = wishes;
  const settings = cors === null ? {} : { cors };
  const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url], ...settings, ...others })] });
  const call = (method: string, headers: OutgoingHttpHeaders, path = '/orders/7') =>
    ask({ port: gateway.port, path, method, headers });
  const preflight = (method: string, headers: OutgoingHttpHeaders = {}, path?: string) =>
    call('OPTIONS', { origin: SITE, 'access-control-request-method': method, ...headers }, path);
  return { upstream, gateway, call, preflight };
}

const corsOf = ({ headers }: { readonly headers: NodeJS.Dict<string | string[]> }): Record<string, unknown> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => /^(?:access-control-|vary$)/.test(name)));

const REFUSED_PREFLIGHT = { vary: PREFLIGHT_VARY };
const PERMITTED_ACTUAL = {
  'access-control-allow-origin': SITE,
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': 'X-Total, ETag',
  vary: 'Origin',
};

describe('a preflight', () => {
  it('is answered before the policies and never reaches them or the upstream', async () => {
    const { upstream, gateway, preflight } = await serving({ pipelines: { request: [verifyJwt('check')] } });
    const answer = await preflight('PUT', { 'access-control-request-headers': 'X-Trace,authorization' });
    expect([answer.status, answer.body]).toEqual([204, '']);
    expect(answer.headers).not.toHaveProperty('content-length');
    expect(answer.headers).toHaveProperty('apinizer-correlation-id');
    expect(corsOf(answer)).toEqual({
      'access-control-allow-origin': SITE,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, PUT',
      'access-control-allow-headers': 'authorization, x-trace',
      'access-control-max-age': '600',
      vary: PREFLIGHT_VARY,
    });
    expect(upstream.seen).toHaveLength(0);
    expect(await gateway.summary()).toMatchObject({ proxy: 'shop/orders', status: 204, fault: undefined });
  });

  it.each([
    ['origin', 'GET', { origin: OTHER }],
    ['origin that only begins like one', 'GET', { origin: `${SITE}.evil.example` }],
    ['origin of an opaque document', 'GET', { origin: 'null' }],
    ['method', 'DELETE', {}],
    ['method in another case', 'put', {}],
    ['header', 'GET', { 'access-control-request-headers': 'x-trace, x-other' }],
  ])('with an %s that is not allowed gets no permission at all', async (_what, method, headers) => {
    const { preflight } = await serving({});
    const answer = await preflight(method, headers);
    expect([answer.status, corsOf(answer)]).toEqual([204, REFUSED_PREFLIGHT]);
  });

  it('to a proxy that allows anything is told what it asked for, Authorization included, but never credentials', async () => {
    const { preflight } = await serving({ cors: { ...ANYBODY, allowCredentials: true } });
    const headers = { origin: OTHER, 'access-control-request-headers': 'Authorization, X-A' };
    expect(corsOf(await preflight('DELETE', headers))).toEqual({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'DELETE',
      'access-control-allow-headers': 'authorization, x-a',
      vary: PREFLIGHT_VARY,
    });
    const strange = { 'access-control-request-headers': 'x a' };
    expect(corsOf(await preflight('GET', strange))).toEqual(REFUSED_PREFLIGHT);
  });

  it('is answered where the request to come would go: by its method and the headers that it announces', async () => {
    const { preflight, call } = await serving({ methods: ['PUT'], headers: [{ name: 'x-trace', value: 'on' }] });
    const announced = { 'access-control-request-headers': 'x-trace' };
    expect((await preflight('PUT', announced)).headers).toHaveProperty('access-control-allow-origin', SITE);
    expect((await preflight('PUT')).status).toBe(404);
    expect((await call('OPTIONS', { 'x-trace': 'on' })).status).toBe(405);
  });

  it('is answered for a path without an endpoint too, so that a script may read the 404', async () => {
    const { preflight, call } = await serving({ endpoints: [{ name: '/users', httpMethod: 'GET' }] });
    expect((await preflight('GET')).headers).toHaveProperty('access-control-allow-origin', SITE);
    const missing = await call('GET', { origin: SITE });
    expect([missing.status, faultCodeOf(missing), corsOf(missing)]).toEqual([404, 'ERR-006', PERMITTED_ACTUAL]);
  });

  it('is a request like any other to a proxy without CORS settings', async () => {
    const { preflight, upstream } = await serving({ cors: null });
    const answer = await preflight('GET');
    expect([answer.status, answer.body, corsOf(answer)]).toEqual([200, 'made upstream', {}]);
    expect(upstream.seen.map(({ method }) => method)).toEqual(['OPTIONS']);
  });
});

describe('a preflight where header rules tell proxies of one path apart', () => {
  const TENANT = { 'access-control-request-headers': 'x-tenant' };
  const OWN = { ...CORS, allowHeaders: ['x-tenant'] };
  const tenant = (value: string) => [{ name: 'x-tenant', value }];
  const addresses = ['http://127.0.0.1:1'];

  async function answeredBy(proxies: readonly Partial<ArtifactWishes>[], headers: OutgoingHttpHeaders) {
    const gateway = await rig.gateway({
      proxies: proxies.map((wishes, at) => proxyOf({ addresses, proxy: `proxy-${at}`, ...wishes })),
    });
    const asked = { origin: SITE, 'access-control-request-method': 'PUT', ...headers };
    return ask({ port: gateway.port, path: '/orders/7', method: 'OPTIONS', headers: asked });
  }

  it('gets what all that the request to come may reach permit', async () => {
    const wide = { ...OWN, allowMethods: ['PUT', 'DELETE'], allowOrigins: [OTHER, SITE], maxAgeSeconds: 5 };
    const proxies = [
      { cors: { ...ANYBODY, maxAgeSeconds: 60 }, headers: tenant('a') },
      { cors: wide, headers: tenant('b') },
      { cors: OWN },
    ];
    expect(corsOf(await answeredBy(proxies, TENANT))).toEqual({
      'access-control-allow-origin': SITE,
      'access-control-allow-methods': 'PUT',
      'access-control-allow-headers': 'x-tenant',
      'access-control-max-age': '5',
      vary: PREFLIGHT_VARY,
    });
    expect(corsOf(await answeredBy(proxies, { ...TENANT, origin: OTHER }))).toEqual(REFUSED_PREFLIGHT);
  });

  it('is not permitted by one proxy what another without CORS settings would get', async () => {
    const proxies = [{ cors: ANYBODY, headers: tenant('a') }, { headers: tenant('b') }];
    const answer = await answeredBy(proxies, TENANT);
    expect([answer.status, corsOf(answer)]).toEqual([204, REFUSED_PREFLIGHT]);
  });

  it('asks no proxy whose headers were not announced, nor one behind a route that is sure to be taken', async () => {
    const plain = { cors: OWN };
    const unannounced = await answeredBy([{ headers: tenant('a') }, plain], {});
    expect(unannounced.headers).toHaveProperty('access-control-allow-origin', SITE);
    const sure = await answeredBy([{ ...plain, headers: [{ name: 'origin', value: SITE }] }, {}], {});
    expect(sure.headers).toHaveProperty('access-control-allow-origin', SITE);
  });

  it('finds a route by a header that browsers never announce', async () => {
    const byAccept = { cors: OWN, headers: [{ name: 'accept', value: 'application/vnd.shop.v2+json' }] };
    expect((await answeredBy([byAccept], {})).headers).toHaveProperty('access-control-allow-origin', SITE);
  });
});

describe('any other request to a proxy with CORS settings', () => {
  it.each([{}, { 'access-control-request-method': 'GET' }, { origin: SITE }])(
    'is passed on when it is an OPTIONS that asks for no permission: %j',
    async (headers) => {
      const { call, upstream } = await serving({});
      expect((await call('OPTIONS', headers)).body).toBe('made upstream');
      expect(upstream.seen).toHaveLength(1);
    },
  );

  it('is answered with the proxy’s CORS headers in the place of the upstream’s', async () => {
    const { call } = await serving({}, (response) => {
      response.setHeader('Access-Control-Allow-Origin', '*');
      response.setHeader('access-control-allow-methods', 'DELETE');
      response.setHeader('Vary', 'Accept-Encoding');
      response.setHeader('X-Total', '3');
    });
    const answer = await call('GET', { origin: SITE });
    expect(corsOf(answer)).toEqual({ ...PERMITTED_ACTUAL, vary: 'Accept-Encoding, Origin' });
    expect([answer.body, answer.headers['x-total']]).toEqual(['made upstream', '3']);
  });

  it.each([OTHER, `${SITE}, ${SITE}`, undefined])(
    'from %s gets no permission, and caches learn why',
    async (origin) => {
      const { call } = await serving({}, (response) => response.setHeader('Access-Control-Allow-Origin', OTHER));
      expect(corsOf(await call('GET', origin === undefined ? {} : { origin }))).toEqual({ vary: 'Origin' });
    },
  );

  it.each(['*', 'Accept, origin'])('leaves a Vary of %s as it is', async (vary) => {
    const { call } = await serving({}, (response) => response.setHeader('Vary', vary));
    expect((await call('GET', { origin: SITE })).headers.vary).toBe(vary);
  });

  it('from anywhere is allowed everywhere by *, without a Vary', async () => {
    const { call } = await serving({ cors: ANYBODY });
    for (const headers of [{}, { origin: OTHER }]) {
      expect(corsOf(await call('GET', headers))).toEqual({ 'access-control-allow-origin': '*' });
    }
  });

  it('may read what a policy refuses and what the gateway itself says', async () => {
    const { call, gateway } = await serving({ pipelines: { request: [verifyJwt('check')] } });
    const refused = await call('GET', { origin: SITE });
    expect([refused.status, corsOf(refused)]).toEqual([401, PERMITTED_ACTUAL]);
    gateway.use([proxyOf({ addresses: [`http://127.0.0.1:${await rig.closedPort()}`], cors: CORS })]);
    const unreachable = await call('GET', { origin: SITE });
    expect([unreachable.status, corsOf(unreachable)]).toEqual([502, PERMITTED_ACTUAL]);
  });

  it('may read what a response policy refuses', async () => {
    const { call } = await serving({ pipelines: { response: [verifyJwt('answer', { source: 'response.header.x' })] } });
    const headers = { origin: SITE, authorization: `Bearer ${tokenOf({})}` };
    const refused = await call('GET', headers);
    expect([refused.status, corsOf(refused)]).toEqual([401, PERMITTED_ACTUAL]);
  });
});
