import { InMemoryRefreshTokenStore } from '#libs/refresh-token-store';
import { IdentityUnavailable } from '../identity/identity.port.ts';
import { CLIENT, proxyWith, T0_MS, TokenService, USER } from '../testing/token-service.ts';

const MACHINE = { grantType: 'CLIENT_CREDENTIALS' };
const HOUR_MS = 3_600_000;
const ELSEWHERE = '203.0.113.9';
const invalidGrant = { status: 400, body: { error: 'invalid_grant' } };
const invalidScope = { status: 400, body: { error: 'invalid_scope' } };

describe('the password grant', () => {
  it.each(['username', 'password'])('needs %s', async (name) => {
    expect(await new TokenService().login({ [name]: '' })).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
  });

  it('is refused alike for an unknown user, a wrong password and a user who may not log in', async () => {
    const service = new TokenService();
    const wrong = await service.login({ password: 'wrong' });
    expect(wrong).toMatchObject(invalidGrant);
    expect(await service.login({ username: 'nobody' })).toEqual(wrong);
    expect(service.lastReason).toBe('unknown-user');
    const cases: readonly (readonly [Parameters<TokenService['changeUser']>[0], string])[] = [
      [{ enabled: false }, 'disabled-user'],
      [{ expiresAt: new Date(T0_MS).toISOString() }, 'expired-user'],
      [{ expiresAt: 'never' }, 'expired-user'],
      [{ project: 'another' }, 'foreign-user'],
      [{ ipList: ['198.51.100.0/24', '192.0.2.2'] }, 'foreign-address'],
      [{ ipList: ['not an address'] }, 'foreign-address'],
    ];
    for (const [changes, reason] of cases) {
      service.changeUser(changes);
      expect(await service.login()).toEqual(wrong);
      expect(service.lastReason).toBe(reason);
    }
  });

  it.each([[['192.0.2.1']], [['2001:db8::/32', '192.0.2.0/24']]])(
    'takes a user from an address of %j',
    async (ipList) => {
      const service = new TokenService();
      service.changeUser({ ipList });
      expect((await service.login()).status).toBe(200);
    },
  );

  it('takes a user until the moment it expires', async () => {
    const service = new TokenService();
    service.changeUser({ expiresAt: new Date(T0_MS + 1).toISOString() });
    expect((await service.login()).status).toBe(200);
  });

  it('checks a password for an unknown user too, so that time does not tell', async () => {
    const service = new TokenService({}, { passwordChecks: { runningCount: 1, waitingCount: 0 } });
    const [first, second] = await Promise.all([service.login({ username: 'nobody' }), service.login()]);
    expect(first).toMatchObject(invalidGrant);
    expect(second.status).toBe(503);
  });

  it('gives all roles as scope when none is asked for', async () => {
    expect((await new TokenService().login()).body['scope']).toBe('read write');
  });

  it('gives the scope that is asked for, once each', async () => {
    expect((await new TokenService().login({ scope: 'write write' })).body['scope']).toBe('write');
  });

  it.each(['admin', 'read admin', ' read', 'read  write', '"', 'é'])('refuses the scope %p', async (scope) => {
    expect(await new TokenService().login({ scope })).toMatchObject(invalidScope);
  });

  it('gives no scope to a user without roles', async () => {
    const service = new TokenService();
    service.changeUser({ roles: [] });
    expect((await service.login()).body).not.toHaveProperty('scope');
    expect(await service.login({ scope: 'read' })).toMatchObject(invalidScope);
  });

  it('never turns a role with a blank into two scopes', async () => {
    const service = new TokenService();
    service.changeUser({ roles: ['read', 'write all'] });
    expect((await service.login()).body['scope']).toBe('read');
    expect(await service.login({ scope: 'write all' })).toMatchObject(invalidScope);
  });

  it('is refused over the count where the policy rejects', async () => {
    const service = new TokenService({ refreshTokenCount: 1, refreshTokenLimitAction: 'REJECT' });
    expect((await service.login()).status).toBe(200);
    expect(await service.login()).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('refresh-token-limit');
  });

  it('ends the oldest login over the count where the policy revokes', async () => {
    const service = new TokenService({ refreshTokenCount: 1 });
    const first = await service.login();
    const second = await service.login();
    expect(await service.refresh(first.body['refresh_token'])).toMatchObject(invalidGrant);
    expect((await service.refresh(second.body['refresh_token'])).status).toBe(200);
  });

  it('tells a flood of logins to come back, and serves those in line', async () => {
    const service = new TokenService({}, { passwordChecks: { runningCount: 1, waitingCount: 2 } });
    const answers = await Promise.all(
      Array.from({ length: 5 }, (_none, index) => {
        service.clientAddress = `192.0.2.${index + 1}`;
        return service.login({ password: `wrong ${index}` });
      }),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([400, 400, 400, 503, 503]);
    const turnedAway = answers.find(({ status }) => status === 503);
    expect(turnedAway).toMatchObject({ headers: { 'retry-after': '1' }, body: { error: 'temporarily_unavailable' } });
    expect((await service.login()).status).toBe(200);
  });
});

describe('the client_credentials grant', () => {
  const ask = (service: TokenService, form = {}) => service.post({ grant_type: 'client_credentials', ...form });

  it('gives a token of the client itself, without scope', async () => {
    const { status, body } = await ask(new TokenService(MACHINE));
    expect(status).toBe(200);
    expect(body).not.toHaveProperty('scope');
    const [, payload = ''] = String(body['access_token']).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    expect(claims).toMatchObject({ sub: CLIENT.id, client_id: CLIENT.id });
    expect(claims).not.toHaveProperty('scope');
  });

  it('refuses any scope', async () => {
    expect(await ask(new TokenService(MACHINE), { scope: 'read' })).toMatchObject(invalidScope);
  });

  it('gives a refresh token that works', async () => {
    const service = new TokenService(MACHINE);
    const { body } = await ask(service);
    expect((await service.refresh(body['refresh_token'])).status).toBe(200);
  });

  it('ignores the parameters of other grants', async () => {
    expect((await ask(new TokenService(MACHINE), { username: 'x', refresh_token: 'y' })).status).toBe(200);
  });
});

describe('the refresh_token grant', () => {
  const loggedIn = async (policy = {}, login = {}) => {
    const service = new TokenService(policy);
    const { body } = await service.login(login);
    return { service, token: body['refresh_token'] };
  };

  it('needs a refresh token', async () => {
    expect(await new TokenService().refresh('')).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  it('is refused from an address that the user may not come from, which costs it nothing', async () => {
    const { service, token } = await loggedIn();
    service.changeUser({ ipList: [service.clientAddress] });
    const home = service.clientAddress;
    service.clientAddress = ELSEWHERE;
    expect(await service.refresh(token)).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('foreign-address');
    service.clientAddress = home;
    expect((await service.refresh(token)).body['refresh_token']).not.toBe(token);
    expect(service.lastReason).toBe('rotated');
  });

  it('gives a new pair of full life and the scope of the login', async () => {
    const { service, token } = await loggedIn({}, { scope: 'read' });
    service.nowMs += 60_000;
    const { status, body } = await service.refresh(token);
    expect(status).toBe(200);
    expect(body).toMatchObject({ expires_in: 300, refresh_token_expires_in: 3_600, scope: 'read' });
    expect(body['refresh_token']).not.toBe(token);
    expect(service.answered.at(-1)).toMatchObject({
      grantType: 'refresh_token',
      outcome: 'refreshed',
      reason: 'rotated',
    });
  });

  it('gives the same refresh token to a retry, with what is left of its life', async () => {
    const { service, token } = await loggedIn();
    const first = await service.refresh(token);
    service.nowMs += 5_000;
    const retry = await service.refresh(token);
    expect(retry.body['refresh_token']).toBe(first.body['refresh_token']);
    expect(retry.body['refresh_token_expires_in']).toBe(3_595);
  });

  it('ends the login when a token is used again later', async () => {
    const { service, token } = await loggedIn();
    const { body } = await service.refresh(token);
    service.nowMs += 10_000;
    expect(await service.refresh(token)).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('refresh-token-reused');
    expect(await service.refresh(body['refresh_token'])).toMatchObject(invalidGrant);
  });

  it('refuses alike what is unknown, expired, exhausted or of another client', async () => {
    const { service, token } = await loggedIn({ refreshTokenMaxUses: 1 });
    const unknown = await service.refresh('nonsense');
    expect(unknown).toMatchObject(invalidGrant);

    service.clients.set('client-2', { ...service.clients.get(CLIENT.id)!, clientId: 'client-2' });
    expect(await service.refresh(token, { client_id: 'client-2' })).toEqual(unknown);
    expect(service.lastReason).toBe('refresh-token-foreign');

    const { body } = await service.refresh(token);
    expect(await service.refresh(body['refresh_token'])).toEqual(unknown);
    expect(service.lastReason).toBe('refresh-token-uses-exhausted');

    const other = await service.login();
    service.nowMs += HOUR_MS;
    expect(await service.refresh(other.body['refresh_token'])).toEqual(unknown);
    expect(service.lastReason).toBe('refresh-token-expired');
  });

  it('is unauthorized where the policy gives no refresh tokens', async () => {
    const { service, token } = await loggedIn();
    for (const policy of [{ refreshTokenAllowed: false }, { tokenNeverExpires: true }]) {
      service.proxy = proxyWith(policy);
      expect(await service.refresh(token)).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
    }
  });

  it('narrows the scope of the access token as asked for, and not of the login', async () => {
    const { service, token } = await loggedIn();
    const narrowed = await service.refresh(token, { scope: 'write' });
    expect(narrowed.body['scope']).toBe('write');
    expect((await service.refresh(narrowed.body['refresh_token'])).body['scope']).toBe('read write');
  });

  it('refuses a scope beyond that of the login, and the token can still be used', async () => {
    const { service, token } = await loggedIn({ refreshTokenGraceSeconds: 0 }, { scope: 'read' });
    expect(await service.refresh(token, { scope: 'read write' })).toMatchObject(invalidScope);
    expect((await service.refresh(token)).status).toBe(200);
  });

  it('gives no scope of a role that the user lost since', async () => {
    const { service, token } = await loggedIn();
    service.changeUser({ roles: ['read', 'another'] });
    const { body } = await service.refresh(token);
    expect(body['scope']).toBe('read');
  });

  it.each([
    [{ enabled: false }, 'disabled-user'],
    [{ expiresAt: new Date(T0_MS).toISOString() }, 'expired-user'],
    [{ project: 'another' }, 'foreign-user'],
  ] as const)('is refused to a user who may not log in any more (%p)', async (changes, reason) => {
    const { service, token } = await loggedIn();
    service.changeUser(changes);
    expect(await service.refresh(token)).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe(reason);
  });

  it('is refused to a deleted user, also when the token was used before', async () => {
    const { service, token } = await loggedIn();
    await service.refresh(token);
    service.users.delete(USER.name);
    expect(await service.refresh(token)).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('unknown-user');
  });

  it('is refused for a login by a grant type that the policy no longer has', async () => {
    const { service, token } = await loggedIn();
    service.proxy = proxyWith(MACHINE);
    expect(await service.refresh(token)).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('other-grant-type');
  });

  it('ends the login of a password that was changed, for good', async () => {
    const { service, token } = await loggedIn();
    service.changeUser({ passwordId: 'password-2' });
    expect(await service.refresh(token)).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('password-changed');
    service.changeUser({});
    expect(await service.refresh(token)).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('refresh-token-unknown');
  });

  it('ends the login of a changed password also when the token was used before', async () => {
    const { service, token } = await loggedIn();
    const { body } = await service.refresh(token);
    service.changeUser({ passwordId: 'password-2' });
    expect(await service.refresh(token)).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('password-changed');
    service.changeUser({});
    expect(await service.refresh(body['refresh_token'])).toMatchObject(invalidGrant);
  });

  it('goes on for a login by the new password while that of the old one is ended', async () => {
    const { service, token } = await loggedIn();
    service.changeUser({ passwordId: 'password-2' });
    const { body } = await service.login();
    expect(await service.refresh(token)).toMatchObject(invalidGrant);
    expect((await service.refresh(body['refresh_token'])).status).toBe(200);
  });

  it('is refused where the user of a login has the name of a client that logs in by itself now', async () => {
    const { service } = await loggedIn();
    const user = service.users.get(USER.name)!;
    service.users.set(CLIENT.id, { ...user, username: CLIENT.id });
    const { body } = await service.login({ username: CLIENT.id });
    service.proxy = proxyWith(MACHINE);
    expect(await service.refresh(body['refresh_token'])).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('other-grant-type');
  });

  it('uses no token up when the user cannot be looked up', async () => {
    const refreshTokens = new InMemoryRefreshTokenStore();
    const rules = {
      lifeMs: HOUR_MS,
      activeCount: undefined,
      limitAction: 'REJECT',
      maxUses: undefined,
      graceMs: 0,
    } as const;
    const client = { proxyId: 'proxy-1', policy: 'issue-token', clientId: CLIENT.id };
    const login = { ...client, subject: USER.name, scope: undefined, proofId: 'password-1' };
    const issue = await refreshTokens.issue(login, rules, T0_MS);
    if (issue.kind !== 'issued') throw new Error('not issued');
    const known = new TokenService().clients;
    const identities = {
      client: async (clientId: string) => known.get(clientId),
      credential: async (): Promise<never> => {
        throw new IdentityUnavailable();
      },
    };
    const service = new TokenService({}, { refreshTokens, identities });
    expect((await service.refresh(issue.token)).status).toBe(503);
    expect(await refreshTokens.rotate(issue.token, client, rules, T0_MS)).toMatchObject({ kind: 'rotated' });
  });
});
