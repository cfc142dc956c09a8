import { createSecretVerifier } from '#libs/policy-contracts';
import { InMemoryRefreshTokenStore, RefreshTokenStoreUnavailable } from '#libs/refresh-token-store';
import type { RevokedBy } from '#libs/token-revocations';
import { IdentityUnavailable } from '../identity/identity.port.ts';
import { answerOf, basic, CLIENT, proxyWith, T0_MS, TokenService, USER, type Form } from '../testing/token-service.ts';

const T0_SECONDS = T0_MS / 1_000;
const FORM = ['Content-Type', 'application/x-www-form-urlencoded'];
const INACTIVE = { active: false };
const MACHINE = { grantType: 'CLIENT_CREDENTIALS' };
/** Another key pair of the same proxy, and a user who is a client of `/credential`. */
const OTHER_CLIENT = { client_id: 'client-2', client_secret: 'other secret' };
const AS_CREDENTIAL = { client_id: USER.name, client_secret: USER.password };

const textOf = (form: Form): string =>
  new URLSearchParams({ client_id: CLIENT.id, client_secret: CLIENT.secret, ...form }).toString();

async function introspect(service: TokenService, token: unknown, form: Form = {}, path = '/auth/introspect') {
  return answerOf(await service.send({ path, body: textOf({ token: String(token), ...form }) }));
}

function withOtherClient(service: TokenService): TokenService {
  const record = service.clients.get(CLIENT.id);
  if (record === undefined) throw new Error('no client');
  const secretVerifier = createSecretVerifier(OTHER_CLIENT.client_secret);
  service.clients.set('client-2', { ...record, clientId: 'client-2', secretVerifier });
  return service;
}

/** A service whose one proxy is of `/credential`, with a client that may go there and what it was given. */
async function credentialService() {
  const service = new TokenService();
  service.proxy = proxyWith({ ...MACHINE, managedFromThisPolicy: false });
  const access = [{ project: 'shop', proxy: 'orders', expiresAt: null }];
  service.changeUser({ access });
  const given = answerOf(
    await service.send({
      path: '/credential/jwt',
      body: textOf({ ...AS_CREDENTIAL, grant_type: 'client_credentials' }),
    }),
  );
  const ask = (token: unknown) => introspect(service, token, AS_CREDENTIAL, '/credential/introspect');
  return { service, access, given: given.body, ask };
}

describe('introspection of an access token', () => {
  it('tells its client what it is, and nobody may keep that', async () => {
    const service = new TokenService();
    const { body } = await service.login({ scope: 'read' });
    const answer = await introspect(service, body['access_token']);
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
    expect(answer.body).toEqual({
      active: true,
      scope: 'read',
      client_id: CLIENT.id,
      username: USER.name,
      token_type: 'Bearer',
      exp: T0_SECONDS + 300,
      iat: T0_SECONDS,
      sub: USER.name,
      aud: 'urn:gatewarden:shop/orders',
      iss: 'https://issuer.test',
      jti: expect.stringMatching(/^[\w-]{22}\.[\w-]{22}$/) as unknown,
    });
    expect(service.answered.at(-1)).toMatchObject({
      endpoint: 'introspect',
      outcome: 'introspected',
      reason: 'access-token',
      clientId: CLIENT.id,
      subject: USER.name,
    });
  });

  it('names no user where the client stands for itself, no scope and no end where it has none', async () => {
    const service = new TokenService({ ...MACHINE, tokenNeverExpires: true });
    const { body } = await service.post({ grant_type: 'client_credentials' });
    const answer = await introspect(service, body['access_token']);
    expect(answer.body).toMatchObject({ active: true, sub: CLIENT.id });
    for (const name of ['username', 'scope', 'exp']) expect(answer.body).not.toHaveProperty(name);
  });

  it.each(['access_token', 'refresh_token', 'other'])('pays no heed to the hint %s', async (token_type_hint) => {
    const service = new TokenService();
    const { body } = await service.login();
    for (const token of [body['access_token'], body['refresh_token']]) {
      expect((await introspect(service, token, { token_type_hint })).body['active']).toBe(true);
    }
  });

  it('is told inactive, and no more, from its end on', async () => {
    const service = new TokenService();
    const { body } = await service.login();
    service.nowMs = T0_MS + 299_999;
    expect((await introspect(service, body['access_token'])).body['active']).toBe(true);
    service.nowMs = T0_MS + 300_000;
    expect(await introspect(service, body['access_token'])).toMatchObject({ status: 200, body: INACTIVE });
  });

  it.each<[RevokedBy, (jti: string) => string]>([
    ['token', (jti) => jti],
    ['family', (jti) => jti.slice(0, 22)],
    ['user', () => USER.name],
    ['client', () => CLIENT.id],
    ['everybody', () => ''],
  ])('is told inactive when it is revoked by %s', async (by, valueOf) => {
    const service = new TokenService();
    const { body } = await service.login();
    const jti = String((await introspect(service, body['access_token'])).body['jti']);
    service.revocations.add({ by, value: valueOf(jti), issuedUntilSeconds: T0_SECONDS, endsAtMs: null });
    const answer = await introspect(service, body['access_token']);
    expect(answer.body).toEqual(INACTIVE);
    expect(service.lastReason).toBe('access-token-revoked');
  });

  it('tells another client of the same proxy nothing', async () => {
    const service = withOtherClient(new TokenService());
    const { body } = await service.login();
    for (const token of [body['access_token'], body['refresh_token']]) {
      expect((await introspect(service, token, OTHER_CLIENT)).body).toEqual(INACTIVE);
      expect(service.lastReason).toMatch(/-foreign$/);
    }
  });

  it('is told inactive when it was altered, is of another environment or of nobody', async () => {
    const service = new TokenService();
    const { body } = await service.login();
    const token = String(body['access_token']);
    const ofOther = new TokenService();
    ofOther.proxy = proxyWith({}, { tokenIssuer: 'https://other.test' });
    const foreign = await ofOther.login();
    for (const text of [`${token.slice(0, -2)}AA`, foreign.body['access_token'], 'x', 'a.b.c', 'x'.repeat(60_000)]) {
      expect((await introspect(service, text)).body).toEqual(INACTIVE);
    }
  });

  it('is told inactive where the proxy is not served any more', async () => {
    const service = new TokenService();
    const { body } = await service.login();
    service.proxy = undefined;
    for (const token of [body['access_token'], body['refresh_token']]) {
      expect((await introspect(service, token)).body).toEqual(INACTIVE);
    }
  });
});

describe('introspection of a refresh token', () => {
  it('tells what the client could refresh; it has no type that could be taken for an access token’s', async () => {
    const service = new TokenService();
    const { body } = await service.login({ scope: 'read' });
    const answer = await introspect(service, body['refresh_token']);
    expect(answer.body).toEqual({
      active: true,
      scope: 'read',
      client_id: CLIENT.id,
      username: USER.name,
      exp: T0_SECONDS + 3_600,
      iat: T0_SECONDS,
      sub: USER.name,
      aud: 'https://issuer.test',
      iss: 'https://issuer.test',
    });
    expect(service.answered.at(-1)).toMatchObject({ reason: 'refresh-token', subject: USER.name });
    expect(service.answered.at(-1)?.familyId).toMatch(/^[\w-]{22}$/);
  });

  it('is told inactive once it is used, and asking ends nothing', async () => {
    const service = new TokenService();
    const { body } = await service.login();
    const refreshed = await service.refresh(body['refresh_token']);
    expect((await introspect(service, body['refresh_token'])).body).toEqual(INACTIVE);
    expect(service.lastReason).toBe('refresh-token-used');
    expect((await introspect(service, refreshed.body['refresh_token'])).body['active']).toBe(true);
    expect((await service.refresh(refreshed.body['refresh_token'])).status).toBe(200);
  });

  it.each<[string, (service: TokenService) => void]>([
    ['is expired', (service) => (service.nowMs = T0_MS + 3_600_000)],
    ['has a login that is revoked', (service) => revokeUser(service)],
    ['is of a user that is gone', (service) => service.users.clear()],
    ['is of a user that is disabled', (service) => service.changeUser({ enabled: false })],
    ['is of a user that is expired', (service) => service.changeUser({ expiresAt: new Date(T0_MS).toISOString() })],
    ['is of a user of another project', (service) => service.changeUser({ project: 'other' })],
    ['is of an earlier password', (service) => service.changeUser({ passwordId: 'password-2' })],
    ['may not be used any more', (service) => (service.proxy = proxyWith({ refreshTokenAllowed: false }))],
    ['is of another kind of login', (service) => (service.proxy = proxyWith(MACHINE))],
  ])('is told inactive when it %s', async (_why, change) => {
    const service = new TokenService();
    const { body } = await service.login();
    change(service);
    expect((await introspect(service, body['refresh_token'])).body).toEqual(INACTIVE);
    expect((await service.refresh(body['refresh_token'])).status).toBe(400);
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['was refreshed as often as it may be', { refreshTokenMaxUses: 1 }],
    [
      'is older than it may be by now',
      { refreshTokenAbsoluteExpiresInAmount: 5, refreshTokenAbsoluteExpiresInUnit: 'SECONDS' },
    ],
  ])('is told inactive when its login %s', async (_why, policy) => {
    const service = new TokenService();
    const { body } = await service.login();
    service.nowMs = T0_MS + 5_000;
    const refreshed = (await service.refresh(body['refresh_token'])).body['refresh_token'];
    expect((await introspect(service, refreshed)).body['active']).toBe(true);
    service.proxy = proxyWith(policy);
    expect((await introspect(service, refreshed)).body).toEqual(INACTIVE);
    expect((await service.refresh(refreshed)).status).toBe(400);
  });

  it('is active wherever its user may log in from: it is the client that asks', async () => {
    const service = new TokenService();
    const { body } = await service.login();
    service.changeUser({ ipList: ['198.51.100.7'] });
    expect((await introspect(service, body['refresh_token'])).body['active']).toBe(true);
  });
});

function revokeUser(service: TokenService): void {
  service.revocations.add({ by: 'user', value: USER.name, issuedUntilSeconds: T0_SECONDS, endsAtMs: null });
}

describe('introspection under /credential', () => {
  it('tells a credential of its own tokens', async () => {
    const { given, ask } = await credentialService();
    const members = { active: true, client_id: USER.name, sub: USER.name, scope: 'read write' };
    expect((await ask(given['access_token'])).body).toMatchObject({ ...members, token_type: 'Bearer' });
    expect((await ask(given['refresh_token'])).body).toMatchObject(members);
  });

  it('tells nothing of them once the access to their proxy is withdrawn', async () => {
    const { service, access, given, ask } = await credentialService();
    for (const change of [{ access: [] }, { access: access.map((entry) => ({ ...entry, expiresAt: '2025-12-31' })) }]) {
      service.changeUser(change);
      expect((await ask(given['access_token'])).body).toEqual(INACTIVE);
      expect((await ask(given['refresh_token'])).body).toEqual(INACTIVE);
    }
  });

  it('tells nothing of the tokens of /auth, nor the other way round', async () => {
    const { service, given, ask } = await credentialService();
    expect((await introspect(service, given['access_token'])).body).toEqual(INACTIVE);
    const { access_token: token } = (await new TokenService().login()).body;
    expect((await ask(token)).body).toEqual(INACTIVE);
  });

  it('looks at the user of a password login on every call, as the policy does', async () => {
    const { service, access, ask } = await credentialService();
    service.proxy = proxyWith({ managedFromThisPolicy: false });
    const alice = service.users.get(USER.name);
    if (alice === undefined) throw new Error('no user');
    service.users.set('bob', { ...alice, username: 'bob', access: [] });
    service.changeUser({ access });
    const form = { ...AS_CREDENTIAL, grant_type: 'password', username: 'bob', password: USER.password };
    const login = answerOf(await service.send({ path: '/credential/jwt', body: textOf(form) }));
    expect((await ask(login.body['access_token'])).body).toMatchObject({ active: true, username: 'bob' });
    service.users.set('bob', { ...alice, username: 'bob', enabled: false });
    expect((await ask(login.body['access_token'])).body).toEqual(INACTIVE);
    expect(service.lastReason).toBe('disabled-user');
  });
});

describe('who may introspect', () => {
  it('is a client with its secret, public clients too', async () => {
    const service = new TokenService({ requireClientSecret: false });
    const { body } = await service.login();
    for (const client_secret of ['', 'wrong', '-']) {
      const refused = await introspect(service, body['access_token'], { client_secret });
      expect(refused).toMatchObject({ status: 401, headers: { 'cache-control': 'no-store' } });
      expect(refused.body['error']).toBe('invalid_client');
    }
    const headers = [...FORM, 'Authorization', basic(CLIENT.id, CLIENT.secret)];
    const text = `token=${String(body['access_token'])}`;
    const allowed = answerOf(await service.send({ path: '/auth/introspect', headers, body: text }));
    expect(allowed.body['active']).toBe(true);
  });

  it('needs a token, and is told so only with its secret', async () => {
    const service = new TokenService();
    const path = '/auth/introspect';
    const bare = answerOf(await service.send({ path, body: textOf({}) }));
    expect(bare).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect(bare.body['error_description']).toBe('The token parameter is required.');
    const unproven = answerOf(await service.send({ path, body: textOf({ client_secret: 'wrong' }) }));
    expect(unproven.status).toBe(401);
  });

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('cannot do it with %s', async (method) => {
    const answer = answerOf(await new TokenService().send({ method, path: '/auth/introspect', body: textOf({}) }));
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST', 'cache-control': 'no-store' } });
  });

  it('is told to come back while it cannot be known', async () => {
    const away = { status: 503, headers: { 'retry-after': '1' }, body: { error: 'temporarily_unavailable' } };
    class LostRefreshTokens extends InMemoryRefreshTokenStore {
      override async inspect(): Promise<never> {
        throw new RefreshTokenStoreUnavailable('inspect');
      }
    }
    expect(await introspect(new TokenService({}, { refreshTokens: new LostRefreshTokens() }), 'x')).toMatchObject(away);
    const lost = async (): Promise<never> => {
      throw new IdentityUnavailable();
    };
    const nobody = new TokenService({}, { identities: { client: lost, credential: lost } });
    expect(await introspect(nobody, 'x')).toMatchObject(away);
  });
});
