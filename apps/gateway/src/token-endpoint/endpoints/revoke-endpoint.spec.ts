import { createSecretVerifier } from '#libs/policy-contracts';
import { InMemoryRefreshTokenStore, RefreshTokenStoreUnavailable } from '#libs/refresh-token-store';
import { REVOCATION_LEDGER_LIMITS } from '#libs/token-revocations';
import { answerOf, CLIENT, proxyWith, T0_MS, TokenService, USER, type Form } from '../testing/token-service.ts';

const DONE = { status: 200, body: '' };
const AWAY = { status: 503, body: expect.stringContaining('temporarily_unavailable') as unknown };

const textOf = (form: Form): string =>
  new URLSearchParams({ client_id: CLIENT.id, client_secret: CLIENT.secret, ...form }).toString();

const revoke = (service: TokenService, token: unknown, form: Form = {}, path = '/auth/revoke') =>
  service.send({ path, body: textOf({ token: String(token), ...form }) });

async function isActive(service: TokenService, token: unknown, form: Form = {}, path = '/auth/introspect') {
  const answer = answerOf(await service.send({ path, body: textOf({ token: String(token), ...form }) }));
  return answer.body['active'];
}

/** Every revocation that was recorded. */
const recorded = (service: TokenService) => [...service.revocations.all()];

const OTHER = { by: 'token', issuedUntilSeconds: null, endsAtMs: null } as const;
const ABSOLUTE = { refreshTokenAbsoluteExpiresInUnit: 'MINUTES' };

/** A store whose `revokeToken` can be away. */
class FlakyRefreshTokens extends InMemoryRefreshTokenStore {
  isAway = false;
  override async revokeToken(token: string): Promise<boolean> {
    if (this.isAway) throw new RefreshTokenStoreUnavailable('revoke');
    return super.revokeToken(token);
  }
}

describe('revocation of a refresh token', () => {
  it('ends its login and the access tokens of that, and says so without a word', async () => {
    const service = new TokenService();
    const { body } = await service.login();
    const other = await service.login();
    const answer = await revoke(service, body['refresh_token']);
    expect(answer).toMatchObject(DONE);
    expect(answer.headers).toEqual([
      ['Cache-Control', 'no-store'],
      ['Pragma', 'no-cache'],
    ]);
    expect(await isActive(service, body['access_token'])).toBe(false);
    expect((await service.refresh(body['refresh_token'])).status).toBe(400);
    expect(await isActive(service, other.body['access_token'])).toBe(true);
    expect((await service.refresh(other.body['refresh_token'])).status).toBe(200);
  });

  it('is told to logs by user and login', async () => {
    const service = new TokenService();
    await revoke(service, (await service.login()).body['refresh_token']);
    const [revocation] = recorded(service);
    expect(service.answered.at(-1)).toMatchObject({
      ...{ endpoint: 'revoke', outcome: 'revoked', reason: 'refresh-token' },
      ...{ clientId: CLIENT.id, subject: USER.name, familyId: revocation?.value },
    });
  });

  it('is remembered until every token of the login has ended, one that is just being made included', async () => {
    const service = new TokenService();
    await revoke(service, (await service.login()).body['refresh_token']);
    expect(recorded(service)).toEqual([
      { by: 'family', value: expect.any(String) as unknown, issuedUntilSeconds: null, endsAtMs: T0_MS + 3_660_000 },
    ]);
    expect(service.urgencies).toEqual(['usual']);
  });

  it('is remembered until the last access token has ended where very many are', async () => {
    const service = new TokenService();
    const { body } = await service.login();
    const others = Array.from({ length: REVOCATION_LEDGER_LIMITS.remembered }, (_, index) => `other ${index}`);
    for (const value of others) service.revocations.add({ ...OTHER, value });
    await revoke(service, body['refresh_token']);
    expect(recorded(service).filter(({ by }) => by === 'family')).toMatchObject([{ endsAtMs: T0_MS + 360_000 }]);
  });

  it.each([
    ['its refresh token could live', {}, 0, 3_660_000],
    ['the login could be refreshed', { ...ABSOLUTE, refreshTokenAbsoluteExpiresInAmount: 20 }, 0, 1_260_000],
    ['its refresh token lives that was given when the policy gave it a longer life', {}, 1, 3_660_000],
  ])('is remembered as long as %s', async (_what, policy, isShortened, lifeMs) => {
    const service = new TokenService(policy);
    const { body } = await service.login();
    const shorter = { refreshTokenExpiresInAmount: 6, refreshTokenExpiresInUnit: 'MINUTES' };
    if (isShortened === 1) service.proxy = proxyWith({ ...policy, ...shorter });
    await revoke(service, body['refresh_token']);
    expect(recorded(service)).toMatchObject([{ by: 'family', endsAtMs: T0_MS + lifeMs }]);
  });

  it('holds for a login that is still there, or there again, once its access tokens have ended', async () => {
    const refreshTokens = new FlakyRefreshTokens();
    const service = new TokenService({}, { refreshTokens });
    const { body } = await service.login();
    refreshTokens.isAway = true;
    expect(await revoke(service, body['refresh_token'])).toMatchObject(AWAY);
    refreshTokens.isAway = false;
    service.nowMs = T0_MS + 3_599_000;
    service.revocations.forgetEnded(service.nowMs);
    expect(await service.refresh(body['refresh_token'])).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    expect(service.lastReason).toBe('login-revoked');
  });

  it('is remembered as long as tokens live that it was given when the policy gave them longer lives', async () => {
    const service = new TokenService({ tokenExpiresInAmount: 120 });
    const { body } = await service.login();
    service.proxy = proxyWith({ tokenExpiresInAmount: 1 });
    const next = await service.refresh(body['refresh_token']);
    await revoke(service, next.body['refresh_token']);
    expect(recorded(service)).toMatchObject([{ by: 'family', endsAtMs: T0_MS + 7_260_000 }]);
  });

  it.each([
    ['never expires', proxyWith({ tokenNeverExpires: true })],
    ['is not known any more', proxyWith({ managedFromThisPolicy: false })],
  ])('is remembered for ever when the life of its access tokens %s', async (_why, proxy) => {
    const service = new TokenService();
    const { body } = await service.login();
    service.proxy = proxy;
    expect(await revoke(service, body['refresh_token'])).toMatchObject(DONE);
    expect(recorded(service)).toMatchObject([{ by: 'family', endsAtMs: null }]);
  });

  it('ends the login by a token that was used before, too', async () => {
    const service = new TokenService();
    const { body } = await service.login();
    const refreshed = await service.refresh(body['refresh_token']);
    expect(await revoke(service, body['refresh_token'])).toMatchObject(DONE);
    expect(await isActive(service, refreshed.body['access_token'])).toBe(false);
    expect((await service.refresh(refreshed.body['refresh_token'])).status).toBe(400);
  });

  it('can be repeated', async () => {
    const service = new TokenService();
    const { body } = await service.login();
    expect(await revoke(service, body['refresh_token'])).toMatchObject(DONE);
    expect(await revoke(service, body['refresh_token'])).toMatchObject(DONE);
    expect(recorded(service)).toHaveLength(1);
  });

  it('is no success, and nothing is changed, while revocations cannot be recorded; repeating it finishes it', async () => {
    const service = new TokenService();
    const { body } = await service.login();
    service.isLedgerAway = true;
    expect(await revoke(service, body['refresh_token'])).toMatchObject(AWAY);
    expect(service.lastReason).toBe('REVOCATION_LEDGER_UNAVAILABLE');
    expect(await isActive(service, body['refresh_token'])).toBe(true);
    service.isLedgerAway = false;
    expect(await revoke(service, body['refresh_token'])).toMatchObject(DONE);
    expect(await isActive(service, body['access_token'])).toBe(false);
  });

  it('is no success while the login cannot be ended; until it is repeated, its tokens are already refused', async () => {
    const refreshTokens = new FlakyRefreshTokens();
    const service = new TokenService({}, { refreshTokens });
    const { body } = await service.login();
    refreshTokens.isAway = true;
    expect(await revoke(service, body['refresh_token'])).toMatchObject(AWAY);
    expect(await isActive(service, body['access_token'])).toBe(false);
    expect(await isActive(service, body['refresh_token'])).toBe(false);
    refreshTokens.isAway = false;
    expect(await revoke(service, body['refresh_token'])).toMatchObject(DONE);
    const owner = { proxyId: 'proxy-1', policy: 'issue-token', subject: USER.name };
    expect(await refreshTokens.activeCount(owner, T0_MS)).toBe(0);
  });
});

describe('revocation of an access token', () => {
  it('ends that one alone, until its own end', async () => {
    const service = new TokenService();
    const { body } = await service.login();
    const next = await service.refresh(body['refresh_token']);
    expect(await revoke(service, body['access_token'])).toMatchObject(DONE);
    expect(recorded(service)).toEqual([
      {
        by: 'token',
        value: expect.stringMatching(/^[\w-]{22}\.[\w-]{22}$/) as unknown,
        ...{ issuedUntilSeconds: null, endsAtMs: T0_MS + 300_000 },
      },
    ]);
    expect(await isActive(service, body['access_token'])).toBe(false);
    expect(await isActive(service, next.body['access_token'])).toBe(true);
    expect((await service.refresh(next.body['refresh_token'])).status).toBe(200);
  });

  it('that never expires is remembered for ever', async () => {
    const service = new TokenService({ tokenNeverExpires: true });
    await revoke(service, (await service.login()).body['access_token']);
    expect(recorded(service)).toMatchObject([{ by: 'token', endsAtMs: null }]);
  });

  it('is no success while it cannot be recorded', async () => {
    const service = new TokenService();
    const { body } = await service.login();
    service.isLedgerAway = true;
    expect(await revoke(service, body['access_token'])).toMatchObject(AWAY);
    expect(await isActive(service, body['access_token'])).toBe(true);
  });
});

describe('revocation under /credential', () => {
  it('ends the tokens of a credential', async () => {
    const service = new TokenService();
    service.proxy = proxyWith({ grantType: 'CLIENT_CREDENTIALS', managedFromThisPolicy: false });
    service.changeUser({ access: [{ project: 'shop', proxy: 'orders', expiresAt: null }] });
    const client = { client_id: USER.name, client_secret: USER.password };
    const form = textOf({ ...client, grant_type: 'client_credentials' });
    const { body } = answerOf(await service.send({ path: '/credential/jwt', body: form }));
    const look = () => isActive(service, body['access_token'], client, '/credential/introspect');
    expect(await look()).toBe(true);
    expect(
      (await revoke(service, body['refresh_token'], { client_id: USER.name, client_secret: '' }, '/credential/revoke'))
        .status,
    ).toBe(401);
    expect(await revoke(service, body['refresh_token'], client, '/credential/revoke')).toMatchObject(DONE);
    expect(await look()).toBe(false);
  });
});

describe('a request to revoke', () => {
  it.each(['unknown', 'a.b.c', 'x'.repeat(60_000), '\0', '💥'])('is answered 200 for %p, too', async (token) => {
    const service = new TokenService();
    expect(await revoke(service, token)).toMatchObject(DONE);
    expect(service.lastReason).toBe('unknown-token');
    expect(recorded(service)).toEqual([]);
  });

  it('changes nothing for expired tokens and those of another client, and answers alike', async () => {
    const service = new TokenService();
    const record = service.clients.get(CLIENT.id);
    if (record === undefined) throw new Error('no client');
    service.clients.set('client-2', { ...record, clientId: 'client-2', secretVerifier: createSecretVerifier('other') });
    const { body } = await service.login();
    const tokens = [body['access_token'], body['refresh_token']];
    for (const token of tokens) {
      const foreign = { client_id: 'client-2', client_secret: 'other' };
      expect(await revoke(service, token, foreign)).toMatchObject(DONE);
      expect(await isActive(service, token)).toBe(true);
    }
    service.nowMs = T0_MS + 3_600_000;
    for (const token of tokens) expect(await revoke(service, token)).toMatchObject(DONE);
    expect(recorded(service)).toEqual([]);
  });

  it.each(['access_token', 'refresh_token', 'other'])('pays no heed to the hint %s', async (token_type_hint) => {
    const service = new TokenService();
    const { body } = await service.login();
    for (const token of [body['access_token'], body['refresh_token']]) {
      await revoke(service, token, { token_type_hint });
      expect(await isActive(service, token)).toBe(false);
    }
  });

  it('needs the client’s secret, but of a public client its name alone', async () => {
    const service = new TokenService();
    const { body } = await service.login();
    for (const client_secret of ['', 'wrong']) {
      const answer = await revoke(service, body['refresh_token'], { client_secret });
      expect(answer).toMatchObject({ status: 401, body: expect.stringContaining('invalid_client') as unknown });
    }
    expect(recorded(service)).toEqual([]);
    service.proxy = proxyWith({ requireClientSecret: false });
    expect(await revoke(service, body['refresh_token'], { client_secret: '' })).toMatchObject(DONE);
    expect(await isActive(service, body['access_token'])).toBe(false);
  });

  it('must name a token', async () => {
    const answer = answerOf(await new TokenService().send({ path: '/auth/revoke', body: textOf({}) }));
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect(answer.body['error_description']).toBe('The token parameter is required.');
  });

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('cannot be made with %s', async (method) => {
    const answer = answerOf(await new TokenService().send({ method, path: '/auth/revoke', body: textOf({}) }));
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST', 'cache-control': 'no-store' } });
  });
});
