import { createPublicKey, createSecretKey } from 'node:crypto';
import { jwtVerify } from 'jose';
import { generateSigningKey, publicJwk, type GeneratedKey } from '#libs/jwt-engine';
import { AUTH_JWT_ALGORITHMS, TIME_UNITS, type TimeUnit } from '#libs/policy-contracts';
import { accessTo, claimsOf, CredentialTokens, SETTINGS } from './testing/credential-tokens.ts';
import { proxyWith, T0_MS, TokenService } from './testing/token-service.ts';

const DAY_MS = 86_400_000;
/** Written out a second time: months are 30 days, years 365 (contract 4.1). */
const UNIT_MS: { readonly [Unit in TimeUnit]: number } = {
  MILLI_SECONDS: 1,
  SECONDS: 1_000,
  MINUTES: 60_000,
  HOURS: 3_600_000,
  DAYS: DAY_MS,
  WEEKS: 7 * DAY_MS,
  MONTHS: 30 * DAY_MS,
  YEARS: 365 * DAY_MS,
};
const invalidGrant = { status: 400, body: { error: 'invalid_grant' } };

function verificationKey({ jwk }: GeneratedKey) {
  const open = publicJwk(jwk);
  return open === undefined
    ? createSecretKey(jwk['k'] as string, 'base64url')
    : createPublicKey({ key: { ...open }, format: 'jwk' });
}

describe.each(AUTH_JWT_ALGORITHMS)('tokens signed with %s', (jwtSignatureAlgorithm) => {
  const key = generateSigningKey(jwtSignatureAlgorithm);
  const keys = { signing: key.jwk, verification: [] };
  const verified = async (token: unknown) => {
    const options = { currentDate: new Date(T0_MS), typ: 'at+jwt', algorithms: [jwtSignatureAlgorithm] };
    return (await jwtVerify(String(token), verificationKey(key), options)).payload;
  };

  it('are given, and given anew, under /auth', async () => {
    const service = new TokenService();
    service.proxy = proxyWith({ jwtSignatureAlgorithm }, {}, keys);
    const login = await service.login();
    expect(await verified(login.body['access_token'])).toMatchObject({ sub: 'alice' });
    const refreshed = await service.refresh(login.body['refresh_token']);
    expect(await verified(refreshed.body['access_token'])).toMatchObject({ sub: 'alice' });
  });

  it('are given under /credential, by a policy and by own settings', async () => {
    const tokens = new CredentialTokens();
    tokens.deploy('shop/orders', { jwtSignatureAlgorithm }, { keys });
    const access = [accessTo('shop/orders')];
    for (const tokenSettings of [null, { ...SETTINGS, jwtSignatureAlgorithm }]) {
      tokens.changeClient({ access, tokenSettings });
      const { body } = await tokens.ask();
      expect(await verified(body['access_token'])).toMatchObject({ sub: 'billing', aud: 'urn:gatewarden:shop/orders' });
    }
  });
});

it('knows every unit', () => {
  expect(Object.keys(UNIT_MS)).toEqual(TIME_UNITS);
});

describe.each(Object.entries(UNIT_MS))('a life in %s', (unit, unitMs) => {
  const lifeMs = 3 * unitMs;
  const access = { tokenExpiresInAmount: 3, tokenExpiresInUnit: unit };
  const refresh = { refreshTokenExpiresInAmount: 3, refreshTokenExpiresInUnit: unit };
  const whole = Math.max(1, Math.floor(lifeMs / 1_000));

  it('of an access token is in the answer and, rounded up, in the token', async () => {
    const service = new TokenService(access);
    service.nowMs += 250;
    const { body } = await service.login();
    expect(body['expires_in']).toBe(whole);
    const { exp } = claimsOf(body['access_token']);
    expect(exp).toBe(Math.ceil((service.nowMs + lifeMs) / 1_000));
    const [issuer] = service.proxy?.issuers ?? [];
    const read = (nowMs: number) => issuer?.readAccessToken(String(body['access_token']), nowMs);
    expect(read(service.nowMs + lifeMs - 1)).toMatchObject({ ok: true });
    expect(read(Number(exp) * 1_000)).toMatchObject({ ok: false, code: 'TokenExpired' });
  });

  it('of a refresh token is in the answer and kept to the millisecond', async () => {
    const service = new TokenService(refresh);
    const [first, second] = [await service.login(), await service.login()];
    expect(first.body['refresh_token_expires_in']).toBe(whole);
    service.nowMs += lifeMs - 1;
    expect((await service.refresh(first.body['refresh_token'])).status).toBe(200);
    service.nowMs += 1;
    expect(await service.refresh(second.body['refresh_token'])).toMatchObject(invalidGrant);
    expect(service.lastReason).toBe('refresh-token-expired');
  });

  it('of both is told to the millisecond where the environment counts in these', async () => {
    const service = new TokenService();
    service.proxy = proxyWith({ ...access, ...refresh }, { expiresInUnit: 'MILLISECONDS' });
    const { body } = await service.login();
    expect(body).toMatchObject({ expires_in: lifeMs, refresh_token_expires_in: lifeMs });
  });

  it("of both comes from a credential's own settings too", async () => {
    const tokens = new CredentialTokens();
    tokens.deploy('shop/orders', {}, { environment: { expiresInUnit: 'MILLISECONDS' } });
    tokens.changeClient({ access: [accessTo('shop/orders')], tokenSettings: { ...SETTINGS, ...access, ...refresh } });
    expect((await tokens.ask()).body).toMatchObject({ expires_in: lifeMs, refresh_token_expires_in: lifeMs });
  });
});

describe('the longest life that can be said', () => {
  const LONGEST = Number.MAX_SAFE_INTEGER;
  const policy = {
    tokenExpiresInAmount: LONGEST,
    tokenExpiresInUnit: 'MILLI_SECONDS',
    refreshTokenExpiresInAmount: LONGEST,
    refreshTokenExpiresInUnit: 'MILLI_SECONDS',
  };

  it('gives tokens that are taken and can be refreshed', async () => {
    const service = new TokenService(policy);
    const { body } = await service.login();
    const [issuer] = service.proxy?.issuers ?? [];
    expect(issuer?.readAccessToken(String(body['access_token']), T0_MS)).toMatchObject({ ok: true });
    expect((await service.refresh(body['refresh_token'])).status).toBe(200);
  });

  it('lets a reuse alarm be recorded', async () => {
    const service = new TokenService(policy);
    const { body } = await service.login();
    await service.refresh(body['refresh_token']);
    service.nowMs += 10_000;
    expect(await service.refresh(body['refresh_token'])).toMatchObject(invalidGrant);
    const [revocation] = service.revocations.all();
    // No number tells that moment exactly.
    expect(revocation?.endsAtMs).toBeNull();
  });
});

describe('tokens that never expire', () => {
  const EVER = { tokenNeverExpires: true };

  it.each(['SECONDS', 'MILLISECONDS'] as const)('say 0 in %s, have no exp, and come alone', async (expiresInUnit) => {
    const service = new TokenService();
    service.proxy = proxyWith(EVER, { expiresInUnit });
    const { body } = await service.login();
    expect(body['expires_in']).toBe(0);
    expect(body).not.toHaveProperty('refresh_token');
    expect(body).not.toHaveProperty('refresh_token_expires_in');
    expect(claimsOf(body['access_token'])).not.toHaveProperty('exp');
    const [issuer] = service.proxy.issuers;
    const inAThousandYears = T0_MS + 365_000 * DAY_MS;
    expect(issuer?.readAccessToken(String(body['access_token']), inAThousandYears)).toMatchObject({ ok: true });
  });

  it("come from a credential's own settings too", async () => {
    const tokens = new CredentialTokens();
    tokens.deploy('shop/orders');
    tokens.changeClient({ access: [accessTo('shop/orders')], tokenSettings: { ...SETTINGS, ...EVER } });
    const { body } = await tokens.ask();
    expect(body['expires_in']).toBe(0);
    expect(body).not.toHaveProperty('refresh_token');
    expect(claimsOf(body['access_token'])).not.toHaveProperty('exp');
  });
});
