import { InMemoryRefreshTokenStore } from '#libs/refresh-token-store';
import type { RevokedBy } from '#libs/token-revocations';
import { accessTo, claimsOf, CredentialTokens, SERVICE, SETTINGS } from '../testing/credential-tokens.ts';
import { CLIENT, proxyWith, T0_MS, TokenService, USER, type Answer, type Form } from '../testing/token-service.ts';

const invalidGrant = { status: 400, body: { error: 'invalid_grant' } };
const AFTER_GRACE_MS = 10_000;
const T0_SECONDS = T0_MS / 1_000;
const audienceOf = (title: string): string => `urn:gatewarden:${title}`;
const accessClaims = ({ body }: Answer) => claimsOf(body['access_token']);

/** A client with access to two proxies that issue, logged in. */
async function loggedIn(form: Form = { resource: 'shop/orders' }, changes: object = {}) {
  const tokens = new CredentialTokens();
  for (const title of ['shop/orders', 'shop/stock']) tokens.deploy(title);
  const access = [accessTo('shop/orders'), accessTo('shop/stock')];
  const change = (more: Parameters<CredentialTokens['changeClient']>[0]): void =>
    tokens.changeClient({ access, ...changes, ...more });
  change({});
  const login = await tokens.ask(form);
  return { tokens, change, login, token: login.body['refresh_token'] };
}

describe('a refresh under /credential', () => {
  it('goes on by the policy that gave the login, for its proxy alone', async () => {
    const { tokens, token } = await loggedIn();
    tokens.deploy('shop/orders', { tokenExpiresInAmount: 7 });
    const refreshed = await tokens.refresh(token);
    expect(refreshed).toMatchObject({ status: 200, body: { expires_in: 7 * 60, scope: 'invoices refunds' } });
    expect(accessClaims(refreshed)).toMatchObject({ aud: audienceOf('shop/orders'), sub: SERVICE.name });
    expect((await tokens.refresh(refreshed.body['refresh_token'])).status).toBe(200);
  });

  it('never reaches further than the login did: a login without resource goes on for the proxy of its policy', async () => {
    const { tokens, change, login } = await loggedIn();
    expect(accessClaims(login)['aud']).toBe(audienceOf('shop/orders'));
    tokens.proxies.delete('shop/stock');
    expect(accessClaims(await tokens.refresh(login.body['refresh_token']))['aud']).toBe(audienceOf('shop/orders'));
    change({});
    const wide = await tokens.ask();
    expect(accessClaims(wide)['aud']).toEqual(['shop/orders', 'shop/stock'].map(audienceOf));
    expect(accessClaims(await tokens.refresh(wide.body['refresh_token']))['aud']).toBe(audienceOf('shop/orders'));
  });

  it.each(['shop/orders', audienceOf('shop/orders')])('may name what it is for: %s', async (resource) => {
    const { tokens, token } = await loggedIn();
    expect((await tokens.refresh(token, { resource })).status).toBe(200);
  });

  it('is refused for another proxy than that of the login, which costs the client nothing', async () => {
    const { tokens, token } = await loggedIn();
    expect(await tokens.refresh(token, { resource: 'shop/stock' })).toMatchObject(invalidGrant);
    expect(tokens.lastReason).toBe('refresh-token-foreign');
    expect(await tokens.refresh(token, { resource: 'shop/nowhere' })).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
    expect((await tokens.refresh(token)).status).toBe(200);
  });

  it('needs a refresh token', async () => {
    const { tokens } = await loggedIn();
    expect(await tokens.refresh('')).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect(tokens.lastReason).toBe('no-refresh-token');
  });

  it('is refused alike while there is no access, nothing deployed, or another policy in front; then it goes on', async () => {
    const { tokens, change, token } = await loggedIn();
    const unknown = await tokens.refresh('nonsense');
    expect(unknown).toMatchObject(invalidGrant);
    change({ access: [accessTo('shop/stock')] });
    expect(await tokens.refresh(token)).toEqual(unknown);
    expect(tokens.lastReason).toBe('no-access');
    change({ access: [accessTo('shop/orders', new Date(T0_MS).toISOString())] });
    expect(await tokens.refresh(token)).toEqual(unknown);
    expect(tokens.lastReason).toBe('no-access');
    change({});
    tokens.proxies.delete('shop/orders');
    expect(await tokens.refresh(token)).toEqual(unknown);
    expect(tokens.lastReason).toBe('no-issuer');
    tokens.deploy('shop/orders', { managedFromThisPolicy: true });
    expect(await tokens.refresh(token)).toEqual(unknown);
    expect(tokens.lastReason).toBe('no-issuer');
    tokens.deploy('shop/orders', {}, { policyName: 'another' });
    expect(await tokens.refresh(token)).toEqual(unknown);
    expect(tokens.lastReason).toBe('refresh-token-foreign');
    tokens.deploy('shop/orders');
    expect((await tokens.refresh(token)).status).toBe(200);
  });

  it('is told beforehand: a token of a policy that another one stands before is not active', async () => {
    const { tokens, token } = await loggedIn();
    const isActive = async () => (await tokens.introspect(token)).body['active'];
    expect(await isActive()).toBe(true);
    tokens.deploy('shop/orders', {}, { policyName: 'another' });
    expect(await isActive()).toBe(false);
  });

  it.each([{ refreshTokenAllowed: false }, { tokenNeverExpires: true }])(
    'is unauthorized where the policy gives no refresh tokens any more: %j',
    async (policy) => {
      const { tokens, token } = await loggedIn();
      tokens.deploy('shop/orders', policy);
      expect(await tokens.refresh(token)).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
    },
  );

  it('gives no scope of a role that the client lost since', async () => {
    const { tokens, change, token } = await loggedIn();
    change({ roles: ['refunds', 'another'] });
    expect((await tokens.refresh(token)).body['scope']).toBe('refunds');
  });

  it("ends the login when the client's password was changed", async () => {
    const { tokens, change, token } = await loggedIn();
    change({ passwordId: 'service-password-2' });
    expect(await tokens.refresh(token)).toMatchObject(invalidGrant);
    expect(tokens.lastReason).toBe('password-changed');
    change({});
    expect(await tokens.refresh(token)).toMatchObject(invalidGrant);
    expect(tokens.lastReason).toBe('refresh-token-unknown');
  });

  it("is refused for another client's login, which goes on", async () => {
    const { tokens, token } = await loggedIn();
    const record = tokens.service.users.get(SERVICE.name)!;
    tokens.service.users.set('other', { ...record, username: 'other' });
    expect(await tokens.refresh(token, { client_id: 'other' })).toMatchObject(invalidGrant);
    expect(tokens.lastReason).toBe('refresh-token-foreign');
    expect((await tokens.refresh(token)).status).toBe(200);
  });
});

describe("a refresh by a credential's own token settings", () => {
  const own = { tokenSettings: SETTINGS };

  it('gives tokens for every proxy of the access list as it is now', async () => {
    const { tokens, change, token } = await loggedIn({}, own);
    change({ access: [accessTo('shop/stock'), accessTo('shop/new')] });
    const refreshed = await tokens.refresh(token);
    expect(refreshed).toMatchObject({ status: 200, body: { expires_in: 600, refresh_token_expires_in: 86_400 } });
    expect(accessClaims(refreshed)['aud']).toEqual(['shop/new', 'shop/stock'].map(audienceOf));
  });

  it('is refused without them, without access, or for one proxy', async () => {
    const { tokens, change, token } = await loggedIn({}, own);
    change({ tokenSettings: null });
    expect(await tokens.refresh(token)).toMatchObject(invalidGrant);
    expect(tokens.lastReason).toBe('no-token-settings');
    change({ access: [] });
    expect(await tokens.refresh(token)).toMatchObject(invalidGrant);
    expect(tokens.lastReason).toBe('no-access');
    change({});
    expect(await tokens.refresh(token, { resource: 'shop/orders' })).toMatchObject(invalidGrant);
    expect((await tokens.refresh(token)).status).toBe(200);
  });

  it('does not touch a login by a policy', async () => {
    const { tokens, change, token } = await loggedIn();
    change(own);
    expect((await tokens.refresh(token)).body['expires_in']).toBe(300);
  });
});

describe('a used refresh token', () => {
  const auth = async () => {
    const service = new TokenService();
    const login = await service.login();
    return { service, login, refresh: (token: unknown) => service.refresh(token) };
  };
  const credential =
    (form: Form, settings: object | null = null, resource?: Form) =>
    async () => {
      const { tokens, login } = await loggedIn(form, { tokenSettings: settings });
      return { service: tokens.service, login, refresh: (token: unknown) => tokens.refresh(token, resource) };
    };
  const RESOURCE = { resource: 'shop/orders' };

  describe.each([
    ['/auth', auth],
    ['/credential', credential(RESOURCE)],
    ['/credential with resource', credential(RESOURCE, null, RESOURCE)],
    ['/credential by own settings', credential({}, SETTINGS)],
  ])('under %s', (_where, begin) => {
    it('ends its login and all access tokens of that', async () => {
      const { service, login, refresh } = await begin();
      const next = await refresh(login.body['refresh_token']);
      service.nowMs += AFTER_GRACE_MS;
      expect(service.revocations.size).toBe(0);
      expect(await refresh(login.body['refresh_token'])).toMatchObject(invalidGrant);
      expect(service.answered.at(-1)).toMatchObject({
        reason: 'refresh-token-reused',
        familyId: service.answered[0]?.familyId,
      });
      for (const answer of [login, next]) expect(service.revocations.isRevoked(accessClaims(answer))).toBe(true);
      expect(await refresh(next.body['refresh_token'])).toMatchObject(invalidGrant);
      const [revocation] = service.revocations.all();
      const lastExpiryMs = Number(accessClaims(next)['exp']) * 1_000;
      expect(revocation?.endsAtMs).toBeGreaterThanOrEqual(lastExpiryMs);
      expect(revocation?.endsAtMs).toBeLessThan(service.nowMs + 90_000_000);
      expect(new Set(service.urgencies)).toEqual(new Set(['urgent']));
    });

    it('is an alarm that is raised again for as long as it could not be recorded', async () => {
      const { service, login, refresh } = await begin();
      const next = await refresh(login.body['refresh_token']);
      service.nowMs += AFTER_GRACE_MS;
      service.isLedgerAway = true;
      for (let count = 0; count < 2; count += 1) {
        expect(await refresh(login.body['refresh_token'])).toMatchObject({
          status: 503,
          body: { error: 'temporarily_unavailable' },
        });
      }
      service.isLedgerAway = false;
      expect(await refresh(login.body['refresh_token'])).toMatchObject(invalidGrant);
      expect(service.lastReason).toBe('refresh-token-reused');
      expect(service.revocations.isRevoked(accessClaims(next))).toBe(true);
      const [revocation] = service.revocations.all();
      expect(revocation?.endsAtMs).toBeGreaterThanOrEqual(Number(accessClaims(next)['exp']) * 1_000);
    });
  });

  it('is remembered as long as tokens live that were given when the policy gave them longer lives', async () => {
    const service = new TokenService({ tokenExpiresInAmount: 120 });
    const { body } = await service.login();
    service.proxy = proxyWith({ tokenExpiresInAmount: 1 });
    await service.refresh(body['refresh_token']);
    service.nowMs += AFTER_GRACE_MS;
    await service.refresh(body['refresh_token']);
    expect([...service.revocations.all()]).toMatchObject([{ by: 'family', endsAtMs: T0_MS + 7_260_000 }]);
  });

  it('ends no other login', async () => {
    const { service, login } = await auth();
    const other = await service.login();
    await service.refresh(login.body['refresh_token']);
    service.nowMs += AFTER_GRACE_MS;
    expect(await service.refresh(login.body['refresh_token'])).toMatchObject(invalidGrant);
    expect(service.revocations.isRevoked(accessClaims(other))).toBe(false);
    expect((await service.refresh(other.body['refresh_token'])).status).toBe(200);
  });
});

describe('a revoked login', () => {
  const revoke = (service: TokenService, by: RevokedBy, value: string): void =>
    void service.revocations.add({ by, value, issuedUntilSeconds: T0_SECONDS, endsAtMs: null });

  it.each([
    ['user', USER.name],
    ['client', CLIENT.id],
    ['everybody', ''],
  ] as const)('by %s is refused and ended', async (by, value) => {
    const service = new TokenService();
    const { body } = await service.login();
    revoke(service, by, value);
    expect(await service.refresh(body['refresh_token'])).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('login-revoked');
    expect(await service.refresh(body['refresh_token'])).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('refresh-token-unknown');
  });

  it('by its family is refused, and no other login is', async () => {
    const service = new TokenService();
    const [first, second] = [await service.login(), await service.login()];
    revoke(service, 'family', String(service.answered[0]?.familyId));
    expect(await service.refresh(first.body['refresh_token'])).toMatchObject(invalidGrant);
    expect((await service.refresh(second.body['refresh_token'])).status).toBe(200);
  });

  it('gives nothing to a retry either', async () => {
    const service = new TokenService();
    const { body } = await service.login();
    const next = await service.refresh(body['refresh_token']);
    revoke(service, 'user', USER.name);
    expect(await service.refresh(body['refresh_token'])).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('login-revoked');
    expect(await service.refresh(next.body['refresh_token'])).toMatchObject(invalidGrant);
  });

  it('is not the next one, not even in the second of the revocation', async () => {
    const service = new TokenService();
    service.nowMs += 900;
    revoke(service, 'user', USER.name);
    const { body } = await service.login();
    expect((await service.refresh(body['refresh_token'])).status).toBe(200);
  });

  it.each([null, T0_SECONDS + 6])('is the next one as long as a user is revoked up to %p', async (until) => {
    const service = new TokenService();
    service.revocations.add({ by: 'user', value: USER.name, issuedUntilSeconds: until, endsAtMs: null });
    expect(await service.login()).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('login-revoked');
  });

  /** Something is revoked while the store carries out one of its steps. */
  class RevokingStore extends InMemoryRefreshTokenStore {
    during: 'issue' | 'rotate' | undefined;
    lastToken: string | undefined;
    onStep = (): void => undefined;
    override async issue(...all: Parameters<InMemoryRefreshTokenStore['issue']>) {
      const issue = await super.issue(...all);
      this.lastToken = issue.kind === 'issued' ? issue.token : undefined;
      if (this.during === 'issue') this.onStep();
      return issue;
    }
    override async rotate(...all: Parameters<InMemoryRefreshTokenStore['rotate']>) {
      const rotation = await super.rotate(...all);
      this.lastToken = rotation.kind === 'rotated' ? rotation.token : undefined;
      if (this.during === 'rotate') this.onStep();
      return rotation;
    }
  }

  it.each(['issue', 'rotate'] as const)('while the store carries out %s gives no token', async (during) => {
    const refreshTokens = new RevokingStore();
    const service = new TokenService({}, { refreshTokens });
    refreshTokens.onStep = () => revoke(service, 'user', USER.name);
    const before = during === 'rotate' ? await service.login() : undefined;
    refreshTokens.during = during;
    // The revocation is of an earlier second than the refresh, which would give a token that it does not mean.
    if (before !== undefined) service.nowMs += 1_000;
    const answer = await (before === undefined ? service.login() : service.refresh(before.body['refresh_token']));
    expect(answer).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('login-revoked');
    expect(await service.refresh(refreshTokens.lastToken)).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('refresh-token-unknown');
  });

  it.each([{}, { refreshTokenAllowed: false }])(
    'is one whose password was proven while its user was revoked: it may be the old one; %j',
    async (policy) => {
      const identities = {
        client: async () => service.clients.get(CLIENT.id),
        credential: async () => {
          const read = service.users.get(USER.name);
          revoke(service, 'user', USER.name);
          return read;
        },
      };
      const service: TokenService = new TokenService(policy, { identities });
      expect(await service.login()).toMatchObject(invalidGrant);
      expect(service.lastReason).toBe('login-revoked');
      expect((await service.login()).status).toBe(200);
    },
  );
});

describe('a login with a longest life', () => {
  const POLICY = { refreshTokenAbsoluteExpiresInAmount: 90, refreshTokenAbsoluteExpiresInUnit: 'MINUTES' };

  it('is refreshed up to then, by tokens that live no longer', async () => {
    const service = new TokenService(POLICY);
    const first = await service.login();
    expect(first.body['refresh_token_expires_in']).toBe(3_600);
    service.nowMs += 59 * 60_000;
    const second = await service.refresh(first.body['refresh_token']);
    expect(second.body['refresh_token_expires_in']).toBe(31 * 60);
    service.nowMs += 31 * 60_000;
    expect(await service.refresh(second.body['refresh_token'])).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('refresh-token-expired');
  });
});

describe('a public client', () => {
  const PUBLIC = { requireClientSecret: false };

  it('logs in and refreshes with its name alone', async () => {
    const service = new TokenService(PUBLIC);
    const nameless = { client_secret: '' };
    const { body } = await service.login(nameless);
    const refreshed = await service.refresh(body['refresh_token'], { ...nameless, scope: 'read' });
    expect(refreshed).toMatchObject({ status: 200, body: { scope: 'read' } });
  });

  it('proves its secret from the moment the policy requires it', async () => {
    const service = new TokenService(PUBLIC);
    const { body } = await service.login({ client_secret: '' });
    service.proxy = proxyWith();
    expect(await service.refresh(body['refresh_token'], { client_secret: '' })).toMatchObject({ status: 401 });
    expect((await service.refresh(body['refresh_token'])).status).toBe(200);
  });
});
