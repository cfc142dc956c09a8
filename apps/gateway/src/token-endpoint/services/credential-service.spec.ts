import { generateSigningKey } from '#libs/jwt-engine';
import { createPasswordVerifier } from '#libs/policy-contracts';
import { accessTo, claimsOf, CredentialTokens, SERVICE, SETTINGS } from '../testing/credential-tokens.ts';
import { answerOf, basic, T0_MS, USER } from '../testing/token-service.ts';

const badClient = { status: 401, body: { error: 'invalid_client' } };
const badRequest = { status: 400, body: { error: 'invalid_request' } };
const nothingToHave = { status: 400, body: { error: 'unauthorized_client' } };
const PAST = new Date(T0_MS).toISOString();
const LATER = new Date(T0_MS + 1).toISOString();
const OTHER_KEY = generateSigningKey('HS256');

/** A client with access to these proxies, of which those with a policy are deployed. */
function clientOf(...titles: string[]): CredentialTokens {
  const tokens = new CredentialTokens();
  for (const title of titles) tokens.deploy(title);
  tokens.changeClient({ access: titles.map((title) => accessTo(title)) });
  return tokens;
}
const audienceOf = (title: string): string => `urn:gatewarden:${title}`;

describe('the client of /credential/jwt', () => {
  const basicAnswer = async (tokens: CredentialTokens, id: string, secret: string) => {
    const headers = ['Content-Type', 'application/x-www-form-urlencoded', 'Authorization', basic(id, secret)];
    const body = 'grant_type=client_credentials';
    return answerOf(await tokens.service.send({ path: '/credential/jwt', headers, body }));
  };

  it('is a credential: its user name, and its password as secret', async () => {
    const { status, body } = await clientOf('shop/orders').ask();
    expect(status).toBe(200);
    expect(claimsOf(body['access_token'])).toMatchObject({ sub: SERVICE.name, client_id: SERVICE.name });
  });

  it.each([
    ['as they are', SERVICE.password],
    ['form-encoded', 'service+password+%2B+100%25'],
  ])('may name itself in a Basic header, its secret %s', async (_how, secret) => {
    expect((await basicAnswer(clientOf('shop/orders'), SERVICE.name, secret)).status).toBe(200);
  });

  it('may have a name and a password that read differently when form-decoded', async () => {
    const tokens = clientOf('shop/orders');
    const change = { username: 'a+b', passwordVerifier: await createPasswordVerifier('c%41+d') };
    tokens.service.users.set('a+b', { ...tokens.service.users.get(SERVICE.name)!, ...change });
    expect((await basicAnswer(tokens, 'a+b', 'c%41+d')).status).toBe(200);
    expect(tokens.service.checked).toEqual(['right']);
  });

  it('is asked about once for both readings of its header', async () => {
    const tokens = clientOf('shop/orders');
    expect(await basicAnswer(tokens, SERVICE.name, 'wrong%41')).toMatchObject(badClient);
    expect(await basicAnswer(tokens, 'bil%6Cing', 'wrong')).toMatchObject(badClient);
    expect(await basicAnswer(tokens, 'no%62ody', 'wrong')).toMatchObject(badClient);
    expect(tokens.service.checked).toEqual(['wrong', 'wrong', 'wrong']);
  });

  it('is refused alike whatever stands against it', async () => {
    const tokens = clientOf('shop/orders');
    const wrong = await tokens.ask({ client_secret: 'wrong' });
    expect(wrong).toMatchObject(badClient);
    expect(tokens.lastReason).toBe('wrong-client-secret');
    expect(await tokens.ask({ client_id: 'nobody' })).toEqual(wrong);
    expect(tokens.lastReason).toBe('unknown-client');
    expect(await tokens.ask({ client_secret: '' })).toEqual(wrong);
    expect(tokens.lastReason).toBe('no-client-secret');
    const cases: readonly (readonly [Parameters<CredentialTokens['changeClient']>[0], string])[] = [
      [{ enabled: false }, 'disabled-user'],
      [{ expiresAt: PAST }, 'expired-user'],
      [{ ipList: ['198.51.100.7'] }, 'foreign-address'],
    ];
    for (const [changes, reason] of cases) {
      tokens.changeClient({ access: [accessTo('shop/orders')], ...changes });
      expect(await tokens.ask()).toEqual(wrong);
      expect(tokens.lastReason).toBe(reason);
    }
  });

  it.each(['password', 'refresh_token', 'client_credentials'])(
    'always proves its secret, whatever the policy says: %s',
    async (grant_type) => {
      const tokens = clientOf('shop/orders');
      tokens.deploy('shop/orders', { requireClientSecret: false });
      expect(await tokens.post({ grant_type, client_secret: '' })).toMatchObject(badClient);
    },
  );

  it('is told to come back when too many passwords are being checked', async () => {
    const tokens = new CredentialTokens({ passwordChecks: { runningCount: 1, waitingCount: 0 } });
    const answers = await Promise.all([tokens.ask(), tokens.ask({ client_secret: 'another' })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([400, 503]);
  });

  it('is blocked for a time after too many failures', async () => {
    const tokens = new CredentialTokens({ loginLimits: { failuresPerName: 2 } });
    for (let count = 0; count < 2; count += 1) await tokens.ask({ client_secret: 'wrong' });
    const blocked = await tokens.ask();
    expect(blocked.status).toBe(429);
    expect(Number(blocked.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('the parameter resource', () => {
  it.each(['shop/orders', audienceOf('shop/orders')])(
    'names the one proxy that tokens are for: %s',
    async (resource) => {
      const tokens = clientOf('shop/stock', 'shop/orders');
      tokens.deploy('shop/orders', { tokenExpiresInAmount: 7 });
      const { status, body } = await tokens.ask({ resource });
      expect(status).toBe(200);
      expect(body['expires_in']).toBe(7 * 60);
      expect(claimsOf(body['access_token'])['aud']).toBe(audienceOf('shop/orders'));
      expect(tokens.service.answered.at(-1)?.proxy).toBe('shop/orders');
    },
  );

  it("goes before the client's own settings", async () => {
    const tokens = clientOf('shop/orders');
    tokens.changeClient({ access: [accessTo('shop/orders')], tokenSettings: SETTINGS });
    expect((await tokens.ask({ resource: 'shop/orders' })).body['expires_in']).toBe(300);
    expect((await tokens.ask()).body['expires_in']).toBe(600);
  });

  it('is refused alike where there is no access, nothing deployed, nothing that issues, or no such proxy', async () => {
    const tokens = clientOf('shop/orders');
    tokens.deploy('shop/secret');
    tokens.deploy('shop/managed', { managedFromThisPolicy: true });
    tokens.deploy('shop/inactive', { active: false });
    tokens.deploy('shop/past');
    const access = ['shop/orders', 'shop/away', 'shop/managed', 'shop/inactive'].map((title) => accessTo(title));
    tokens.changeClient({ access: [...access, accessTo('shop/past', PAST)] });
    const nowhere = await tokens.ask({ resource: 'shop/nowhere' });
    expect(nowhere).toMatchObject(badRequest);
    expect(nowhere.body['error_description']).toContain('resource');
    for (const resource of ['secret', 'away', 'managed', 'inactive', 'past'].map((name) => `shop/${name}`)) {
      expect(await tokens.ask({ resource })).toEqual(nowhere);
    }
    for (const resource of ['orders', 'SHOP/orders', 'shop/orders/', 'shop/orders shop/secret', '__proto__']) {
      expect(await tokens.ask({ resource })).toEqual(nowhere);
    }
    expect((await tokens.ask({ resource: 'shop/orders' })).status).toBe(200);
  });

  it('is good until the moment the access ends', async () => {
    const tokens = clientOf('shop/orders');
    tokens.changeClient({ access: [accessTo('shop/orders', LATER)] });
    expect((await tokens.ask({ resource: 'shop/orders' })).status).toBe(200);
    tokens.service.nowMs += 1;
    expect(await tokens.ask({ resource: 'shop/orders' })).toMatchObject(badRequest);
  });

  it('may be sent once only', async () => {
    const tokens = clientOf('shop/orders', 'shop/stock');
    const form = `grant_type=client_credentials&client_id=${SERVICE.name}&resource=shop/orders&resource=shop/stock`;
    expect(answerOf(await tokens.service.send({ path: '/credential/jwt', body: form }))).toMatchObject(badRequest);
    expect(tokens.lastReason).toBe('duplicate-parameter');
  });
});

describe('a client of /credential/jwt that names no resource', () => {
  it('has tokens by the only policy, for every proxy of its access list', async () => {
    const tokens = clientOf('shop/orders');
    tokens.deploy('shop/managed', { managedFromThisPolicy: true });
    const access = ['shop/stock', 'shop/orders', 'office/mail', 'shop/managed'].map((title) => accessTo(title));
    tokens.changeClient({ access: [...access, accessTo('shop/past', PAST)] });
    const { body } = await tokens.ask();
    expect(body['expires_in']).toBe(300);
    expect(claimsOf(body['access_token'])['aud']).toEqual(
      ['office/mail', 'shop/managed', 'shop/orders', 'shop/stock'].map(audienceOf),
    );
  });

  it('has an audience that is no list where its access list has one proxy', async () => {
    const { body } = await clientOf('shop/orders').ask();
    expect(claimsOf(body['access_token'])['aud']).toBe(audienceOf('shop/orders'));
  });

  it.each([
    ['several proxies issue', ['shop/orders', 'shop/stock'], 'ambiguous-issuer'],
    ['none does', [], 'no-issuer'],
  ])('has to when %s', async (_why, deployed, reason) => {
    const tokens = clientOf(...deployed);
    tokens.changeClient({ access: ['shop/orders', 'shop/stock'].map((title) => accessTo(title)) });
    const refused = await tokens.ask();
    expect(refused).toMatchObject(badRequest);
    expect(refused.body['error_description']).toContain('resource');
    expect(tokens.lastReason).toBe(reason);
  });

  it.each([null, SETTINGS])('has nothing without access to anything', async (tokenSettings) => {
    const tokens = clientOf('shop/orders');
    tokens.changeClient({ access: [accessTo('shop/orders', PAST)], tokenSettings });
    expect(await tokens.ask()).toMatchObject(nothingToHave);
    expect(tokens.lastReason).toBe('no-access');
  });

  it('is answered GET only where what issues allows URL parameters', async () => {
    const tokens = clientOf('shop/orders');
    const query = `grant_type=client_credentials&client_id=${SERVICE.name}&client_secret=${encodeURIComponent(SERVICE.password)}`;
    const get = async () => (await tokens.service.send({ method: 'GET', path: '/credential/jwt', query })).status;
    expect(await get()).toBe(405);
    tokens.deploy('shop/orders', { allowUrlParameters: true });
    expect(await get()).toBe(200);
    tokens.changeClient({ access: [accessTo('shop/orders')], tokenSettings: SETTINGS });
    expect(await get()).toBe(405);
  });
});

describe('the alarm of a refresh token that was reused', () => {
  it('is told by GET as well, whatever the policy says of URL parameters', async () => {
    const tokens = clientOf('shop/orders');
    const first = await tokens.ask();
    const second = await tokens.refresh(first.body['refresh_token']);
    await tokens.refresh(second.body['refresh_token']);
    await tokens.refresh(first.body['refresh_token']);
    expect(tokens.lastReason).toBe('refresh-token-reused');
    const form = { grant_type: 'refresh_token', client_id: SERVICE.name, client_secret: SERVICE.password };
    const query = new URLSearchParams({ ...form, refresh_token: String(first.body['refresh_token']) }).toString();
    await tokens.service.send({ method: 'GET', path: '/credential/jwt', query });
    expect(tokens.lastReason).toBe('refresh-token-reused');
  });
});

describe("a credential's own token settings", () => {
  const withSettings = (changes: object, ...titles: string[]): CredentialTokens => {
    const tokens = clientOf(...titles);
    const access = titles.map((title) => accessTo(title));
    tokens.changeClient({ access, tokenSettings: { ...SETTINGS, ...changes } });
    return tokens;
  };

  it('give tokens that every proxy of its access list takes', async () => {
    const tokens = withSettings({}, 'shop/orders', 'shop/stock');
    const { status, body } = await tokens.ask();
    expect(status).toBe(200);
    expect(body).toMatchObject({ expires_in: 600, refresh_token_expires_in: 86_400, scope: 'invoices refunds' });
    for (const { credentialIssuers } of tokens.proxies.values()) {
      const read = credentialIssuers[0]?.readAccessToken(String(body['access_token']), T0_MS);
      expect(read).toMatchObject({ ok: true });
    }
    expect(tokens.service.answered.at(-1)?.proxy).toBeUndefined();
  });

  it('are signed with the key of the first policy of their algorithm', async () => {
    const tokens = withSettings({}, 'shop/b', 'shop/c');
    const es = generateSigningKey('ES256');
    tokens.deploy('shop/a', { jwtSignatureAlgorithm: 'ES256' }, { keys: { signing: es.jwk, verification: [] } });
    tokens.deploy('shop/c', {}, { keys: { signing: OTHER_KEY.jwk, verification: [] } });
    const access = ['shop/c', 'shop/b', 'shop/a'].map((title) => accessTo(title));
    tokens.changeClient({ access, tokenSettings: SETTINGS });
    const { body } = await tokens.ask();
    const takenBy = [...tokens.proxies].flatMap(([title, { credentialIssuers }]) =>
      credentialIssuers[0]?.readAccessToken(String(body['access_token']), T0_MS).ok === true ? [title] : [],
    );
    expect(takenBy).toEqual(['shop/b']);
  });

  it('are rather signed with the key that policies without a key store share', async () => {
    const tokens = withSettings({}, 'shop/a', 'shop/b', 'shop/c');
    tokens.deploy('shop/a', { keyStoreName: 'own' }, { keys: { signing: OTHER_KEY.jwk, verification: [] } });
    const { body } = await tokens.ask();
    const takenBy = [...tokens.proxies].flatMap(([title, { credentialIssuers }]) =>
      credentialIssuers[0]?.readAccessToken(String(body['access_token']), T0_MS).ok === true ? [title] : [],
    );
    expect(takenBy).toEqual(['shop/b', 'shop/c']);
    tokens.changeClient({ access: [accessTo('shop/a')], tokenSettings: SETTINGS });
    expect((await tokens.ask()).status).toBe(200);
  });

  it('give nothing where no policy has their algorithm', async () => {
    const tokens = withSettings({ jwtSignatureAlgorithm: 'RS256' }, 'shop/orders');
    expect(await tokens.ask()).toMatchObject(nothingToHave);
    expect(tokens.lastReason).toBe('no-issuer');
  });

  it.each([
    { tokenExpiresInAmount: 0 },
    { tokenExpiresInUnit: 'FORTNIGHTS' },
    { tokenExpiresInAmount: null },
    { jwtSignatureAlgorithm: 'none' },
    { unknownMember: true },
  ])('that no policy could have give nothing: %j', async (changes) => {
    const tokens = withSettings(changes, 'shop/orders');
    expect(await tokens.ask()).toMatchObject(nothingToHave);
    expect(tokens.lastReason).toBe('broken-token-settings');
  });

  it('say which grant may be used', async () => {
    const tokens = withSettings({ grantType: 'PASSWORD' }, 'shop/orders');
    expect(await tokens.ask()).toMatchObject(nothingToHave);
    expect(tokens.lastReason).toBe('grant-not-allowed');
  });

  it('with deletePrevious keep one login, the newest', async () => {
    const tokens = withSettings({ deletePrevious: true, refreshTokenCount: 5 }, 'shop/orders');
    const first = await tokens.ask();
    const second = await tokens.ask();
    expect(await tokens.refresh(first.body['refresh_token'])).toMatchObject({ body: { error: 'invalid_grant' } });
    expect((await tokens.refresh(second.body['refresh_token'])).status).toBe(200);
  });

  it('without deletePrevious keep as many as they say', async () => {
    const tokens = withSettings({ refreshTokenCount: 2 }, 'shop/orders');
    const logins = [await tokens.ask(), await tokens.ask()];
    for (const { body } of logins) expect((await tokens.refresh(body['refresh_token'])).status).toBe(200);
  });
});

describe('the grants of /credential/jwt', () => {
  it('give a client its roles as scope, all or what it asks for', async () => {
    const tokens = clientOf('shop/orders');
    expect((await tokens.ask()).body['scope']).toBe('invoices refunds');
    expect((await tokens.ask({ scope: 'refunds' })).body['scope']).toBe('refunds');
    expect(await tokens.ask({ scope: 'admin' })).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
  });

  it('let users of the client’s project log in with their passwords', async () => {
    const tokens = clientOf('shop/orders');
    tokens.deploy('shop/orders', { grantType: 'PASSWORD' });
    const login = { grant_type: 'password', username: USER.name, password: USER.password };
    const { body } = await tokens.post(login);
    expect(body['scope']).toBe('read write');
    expect(claimsOf(body['access_token'])).toMatchObject({ sub: USER.name, client_id: SERVICE.name });
    expect((await tokens.refresh(body['refresh_token'])).status).toBe(200);
    tokens.service.changeUser({ project: 'office' });
    expect(await tokens.post(login)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  it('are the one of the policy alone', async () => {
    const tokens = clientOf('shop/orders');
    expect(await tokens.post({ grant_type: 'password', username: 'x', password: 'y' })).toMatchObject(nothingToHave);
  });
});
