import { createSecretVerifier, type ArtifactCors } from '#libs/policy-contracts';
import type { LinkedProxy } from '#libs/policy-runtime';
import { basic, CLIENT, PROXY_ID, proxyWith, TokenService, USER, type Form } from '../testing/token-service.ts';

const SITE = 'https://shop.example';
const ADMIN = 'https://admin.example';
const EVIL = 'https://evil.example';
const CORS: ArtifactCors = {
  allowOrigins: [SITE],
  allowCredentials: false,
  allowMethods: ['POST'],
  allowHeaders: ['authorization'],
  exposeHeaders: ['Retry-After'],
};
const PREFLIGHT_VARY = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers';
const PERMITTED = {
  'access-control-allow-origin': SITE,
  'access-control-expose-headers': 'Retry-After',
  vary: 'Origin',
};
const FORM_TYPE = ['Content-Type', 'application/x-www-form-urlencoded'];

function proxyNamed(proxy: string, cors: ArtifactCors | undefined, changes: Record<string, unknown> = {}): LinkedProxy {
  const linked = proxyWith(changes);
  const proxyId = proxy === 'orders' ? PROXY_ID : `id-of-${proxy}`;
  return { ...linked, artifact: { ...linked.artifact, proxy, proxyId, cors } };
}

/** A token service with these proxies, the client being that of `shop/orders`. */
function serving(proxies: readonly LinkedProxy[]): TokenService {
  return new TokenService(
    {},
    {
      issuers: {
        proxy: (proxyId) => proxies.find(({ artifact }) => artifact.proxyId === proxyId),
        proxyNamed: (project, proxy) =>
          proxies.find(({ artifact }) => artifact.project === project && artifact.proxy === proxy),
        all: () => proxies,
      },
    },
  );
}

async function corsOf(answer: ReturnType<TokenService['send']>): Promise<Record<string, unknown>> {
  const { headers } = await answer;
  const named = headers.map(([name, value]): [string, string] => [name.toLowerCase(), value]);
  return Object.fromEntries(named.filter(([name]) => /^(?:access-control-|vary$)/.test(name)));
}

const preflight = (service: TokenService, origin: string, more: readonly string[] = [], path = '/auth/jwt') =>
  service.send({
    method: 'OPTIONS',
    path,
    headers: ['Origin', origin, 'Access-Control-Request-Method', 'POST', ...more],
  });

const post = (service: TokenService, origin: string | undefined, form: Form, path = '/auth/jwt') =>
  service.send({
    path,
    headers: origin === undefined ? FORM_TYPE : [...FORM_TYPE, 'Origin', origin],
    body: new URLSearchParams({ client_id: CLIENT.id, client_secret: CLIENT.secret, ...form }).toString(),
  });

const LOGIN = { grant_type: 'password', username: USER.name, password: USER.password };

describe('a preflight for a token service', () => {
  it.each(['/auth/jwt', '/auth/introspect', '/auth/revoke'])(
    'is permitted what some proxy permits: %s',
    async (path) => {
      const service = serving([proxyNamed('other', undefined), proxyNamed('orders', CORS)]);
      const answer = preflight(service, SITE, ['Access-Control-Request-Headers', 'Authorization'], path);
      expect((await answer).status).toBe(204);
      expect(await corsOf(answer)).toEqual({
        'access-control-allow-origin': SITE,
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'authorization',
        vary: PREFLIGHT_VARY,
      });
    },
  );

  it('is permitted by one proxy alone: two are never added up', async () => {
    const service = serving([
      proxyNamed('orders', CORS),
      proxyNamed('other', { ...CORS, allowOrigins: [ADMIN], allowHeaders: ['x-trace'] }),
    ]);
    const asked = ['Access-Control-Request-Headers', 'x-trace'];
    expect(await corsOf(preflight(service, ADMIN, asked))).toHaveProperty('access-control-allow-origin', ADMIN);
    expect(await corsOf(preflight(service, SITE, asked))).toEqual({ vary: PREFLIGHT_VARY });
    expect(await corsOf(preflight(service, EVIL))).toEqual({ vary: PREFLIGHT_VARY });
  });

  it('is permitted credentials where one of the proxies gives them', async () => {
    const service = serving([proxyNamed('orders', CORS), proxyNamed('other', { ...CORS, allowCredentials: true })]);
    expect(await corsOf(preflight(service, SITE))).toHaveProperty('access-control-allow-credentials', 'true');
  });

  it('is not permitted what only a proxy of the other service permits', async () => {
    const service = serving([proxyNamed('orders', CORS, { managedFromThisPolicy: false })]);
    expect((await preflight(service, SITE)).status).toBe(405);
    expect((await preflight(service, SITE, [], '/credential/jwt')).status).toBe(204);
  });

  it('is a method like any other where no proxy has CORS settings, or without its headers', async () => {
    expect((await preflight(serving([proxyNamed('orders', undefined)]), SITE)).status).toBe(405);
    const bare = await serving([proxyNamed('orders', CORS)]).send({ method: 'OPTIONS', headers: ['Origin', SITE] });
    expect(bare).toMatchObject({ status: 405 });
  });
});

describe('an answer of a token service', () => {
  const others = { ...CORS, allowOrigins: [ADMIN] };
  const both = () => serving([proxyNamed('orders', CORS), proxyNamed('other', others)]);

  it('may be read by the sites of the client’s own proxy alone', async () => {
    expect(await corsOf(post(both(), SITE, LOGIN))).toEqual(PERMITTED);
    for (const origin of [ADMIN, EVIL, undefined])
      expect(await corsOf(post(both(), origin, LOGIN))).toEqual({ vary: 'Origin' });
  });

  it.each<[string, Form, string]>([
    ['a wrong password', { ...LOGIN, password: 'wrong' }, '/auth/jwt'],
    ['a wrong secret', { ...LOGIN, client_secret: 'wrong' }, '/auth/jwt'],
    ['another grant', { grant_type: 'client_credentials' }, '/auth/jwt'],
    ['a token that is none', { token: 'x' }, '/auth/introspect'],
    ['a token to revoke', { token: 'x' }, '/auth/revoke'],
    ['no token', {}, '/auth/revoke'],
  ])('may be read when it is about %s', async (_what, form, path) => {
    expect(await corsOf(post(both(), SITE, form, path))).toEqual(PERMITTED);
    expect(await corsOf(post(both(), ADMIN, form, path))).toEqual({ vary: 'Origin' });
  });

  it('may be read by the sites of any proxy while no client is known', async () => {
    for (const form of [{ ...LOGIN, client_id: 'nobody' }, { grant_type: 'other' }]) {
      expect(await corsOf(post(both(), SITE, form))).toEqual(PERMITTED);
      expect(await corsOf(post(both(), ADMIN, form))).toEqual({ ...PERMITTED, 'access-control-allow-origin': ADMIN });
      expect(await corsOf(post(both(), EVIL, form))).toEqual({ vary: 'Origin' });
    }
  });

  it('may be read by the sites of any proxy where a client asks for none that is there', async () => {
    const acl = { managedFromThisPolicy: false, grantType: 'CLIENT_CREDENTIALS' };
    const service = serving([proxyNamed('orders', CORS, acl)]);
    const asked = { client_id: USER.name, client_secret: USER.password, grant_type: 'client_credentials' };
    service.changeUser({ access: [{ project: 'shop', proxy: 'orders', expiresAt: null }] });
    for (const resource of ['shop/mistyped', 'shop']) {
      expect(await corsOf(post(service, SITE, { ...asked, resource }, '/credential/jwt'))).toEqual(PERMITTED);
      expect(await corsOf(post(service, EVIL, { ...asked, resource }, '/credential/jwt'))).toEqual({ vary: 'Origin' });
    }
  });

  it('keeps its challenge and its word that nobody may keep it', async () => {
    const headers = [...FORM_TYPE, 'Origin', SITE, 'Authorization', basic('nobody', 'x')];
    const answer = await both().send({ headers, body: 'grant_type=password' });
    const named = Object.fromEntries(answer.headers);
    expect(named).toMatchObject({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
    expect(named['WWW-Authenticate']).toMatch(/^Basic/);
  });

  it('says nothing of origins where no proxy has settings', async () => {
    const service = serving([proxyNamed('orders', undefined), proxyNamed('other', others)]);
    expect(await corsOf(post(service, ADMIN, LOGIN))).toEqual({});
    expect(await corsOf(post(serving([proxyNamed('orders', undefined)]), SITE, { client_id: 'nobody' }))).toEqual({});
  });

  it('needs, under /credential, the permission of every proxy that tokens are asked for', async () => {
    const acl = { managedFromThisPolicy: false, grantType: 'CLIENT_CREDENTIALS' };
    const wide = { ...CORS, allowOrigins: [SITE, ADMIN] };
    const service = serving([proxyNamed('orders', CORS, acl), proxyNamed('other', wide, acl)]);
    const access = ['orders', 'other'].map((proxy) => ({ project: 'shop', proxy, expiresAt: null }));
    service.changeUser({ access });
    const ask = (origin: string, form: Form) =>
      corsOf(post(service, origin, { client_id: USER.name, client_secret: USER.password, ...form }, '/credential/jwt'));
    const asked = { grant_type: 'client_credentials' };
    expect(await ask(SITE, asked)).toEqual(PERMITTED);
    expect(await ask(ADMIN, asked)).toEqual({ vary: 'Origin' });
    expect(await ask(ADMIN, { ...asked, resource: 'shop/other' })).toHaveProperty('access-control-allow-origin', ADMIN);
    expect(await ask(ADMIN, { ...asked, resource: 'shop/orders' })).toEqual({ vary: 'Origin' });
  });

  it('does not tell by its CORS headers which users there are', async () => {
    const service = serving([
      proxyNamed('orders', CORS, { managedFromThisPolicy: false }),
      proxyNamed('other', others, { managedFromThisPolicy: false }),
    ]);
    service.changeUser({ access: [{ project: 'shop', proxy: 'orders', expiresAt: null }] });
    const ask = (client_id: string) =>
      corsOf(post(service, ADMIN, { ...LOGIN, client_id, client_secret: 'wrong' }, '/credential/jwt'));
    expect(await ask(USER.name)).toEqual(await ask('nobody'));
  });

  it('never lets settings reach the logs', async () => {
    const service = both();
    service.changeClient({ secretVerifier: createSecretVerifier('other') });
    await post(service, SITE, LOGIN);
    expect(service.answered).toHaveLength(1);
    expect(service.answered[0]).not.toHaveProperty('cors');
  });
});
