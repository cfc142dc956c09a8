import { decodeJwt, decodeProtectedHeader } from 'jose';
import { GatewardenSystem, type ApiAnswer } from '../support/gatewarden-system.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';
import { call, requestToken, type TokenAnswer } from '../support/token-client.ts';
import { until } from '../support/until.ts';

const P = '/apiops/projects/demo';
const PROXIES = `${P}/apiProxies`;
const BOTH = ['staging', 'production'];
const DAY_SECONDS = 86_400;

/** With the vendor's body of `POST P/jwks/generate` where the key is to be one of the project. */
const ALGORITHMS: readonly (readonly [algorithm: string, keyStore?: object])[] = [
  ...([['HS256'], ['HS384'], ['HS512'], ['RS256'], ['RS384'], ['RS512'], ['ES256'], ['ES384'], ['ES512']] as const),
  ['HS512', { type: 'OCT', oct: { keySize: 512 } }],
  ['RS256', { type: 'RSA', rsa: { keySize: 2048 } }],
  ['ES256', { type: 'EC', ec: { curveType: 'P256' } }],
];

/** Amount, unit, and what both come to in seconds. */
const UNITS = [
  [90_000, 'MILLI_SECONDS', 90],
  [91, 'SECONDS', 91],
  [2, 'MINUTES', 120],
  [3, 'HOURS', 10_800],
  [4, 'DAYS', 4 * DAY_SECONDS],
  [2, 'WEEKS', 14 * DAY_SECONDS],
  [2, 'MONTHS', 60 * DAY_SECONDS],
  [1, 'YEARS', 365 * DAY_SECONDS],
] as const;

const other = (character: string): string => (character === 'A' ? 'B' : 'A');
/** With one character changed in the middle of its signature: at the end, some bits of a character mean nothing. */
function tampered(token: string): string {
  const [header, payload, signature = ''] = token.split('.');
  return `${header}.${payload}.${other(signature[0] ?? '')}${signature.slice(1)}`;
}

describe('the token services, from apiops to the gateways', () => {
  let system: GatewardenSystem;

  const done = async (method: string, path: string, body?: unknown): Promise<ApiAnswer['body']> => {
    const answer = await system.api(method, path, body);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  /** A proxy with one policy, deployed to both environments. @returns its client's form */
  async function proxyWith(name: string, policy: Readonly<Record<string, unknown>>): Promise<Record<string, string>> {
    const created = await done('POST', `${PROXIES}/url/`, proxyBody(name, `/${name}`, system.upstreamUrl));
    await put('POST', name, policy, BOTH);
    const { publicKey, secretKey } = created.resultList[0];
    return { client_id: publicKey, client_secret: secretKey };
  }
  async function put(method: string, proxy: string, policy: Readonly<Record<string, unknown>>, to: readonly string[]) {
    const body = policyBody(authJwtPolicy({ refreshTokenCount: null, ...policy }), to);
    const { deploymentResult } = await done(method, `${PROXIES}/${proxy}/policies/issue/`, body);
    expect(deploymentResult).toMatchObject({ success: true });
  }
  const urlsOf = (environment: string): readonly string[] =>
    system.environment(environment).gateways.map(({ url }) => url);
  const statusesAt = (environment: string, proxy: string, token: unknown): Promise<readonly number[]> =>
    Promise.all(urlsOf(environment).map(async (url) => (await call(`${url}/${proxy}/7`, String(token))).status));
  const issued = (answer: TokenAnswer): TokenAnswer['body'] => {
    if (answer.status !== 200) throw new Error(`no token: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const credential = (username: string, changes: object = {}) => ({
    ...{ username, password: `the password of ${username}`, email: `${username}@example.org`, fullName: username },
    ...{ roleNameList: ['reader'], ...changes },
  });

  beforeAll(async () => {
    system = await GatewardenSystem.start(BOTH);
    await done('POST', '/apiops/projects/', { name: 'demo' });
  }, 180_000);
  afterAll(async () => system.stop());

  it.each(
    ALGORITHMS.map(
      ([algorithm, keyStore]) =>
        [algorithm, keyStore === undefined ? 'a generated key' : 'a key of the project', keyStore] as const,
    ),
  )('issue %s tokens with %s, which pass there and nowhere else', async (algorithm, _key, keyStore) => {
    const name = `${algorithm.toLowerCase()}-${keyStore === undefined ? 'generated' : 'named'}`;
    const policy = { grantType: 'CLIENT_CREDENTIALS', jwtSignatureAlgorithm: algorithm };
    if (keyStore !== undefined) await done('POST', `${P}/jwks/generate`, { name, ...keyStore });
    const client = await proxyWith(name, keyStore === undefined ? policy : { ...policy, keyStoreName: name });
    const form = { grant_type: 'client_credentials', ...client };
    const token = async (environment: string) =>
      issued(await requestToken(system.gateway(environment).url, form)) as Record<
        'access_token' | 'refresh_token',
        string
      >;
    const mine = await token('production');
    const theirs = await token('staging');
    expect(decodeProtectedHeader(mine.access_token)).toMatchObject({ alg: algorithm, typ: 'at+jwt' });
    expect(await statusesAt('production', name, mine.access_token)).toEqual([200, 200]);
    expect(await statusesAt('staging', name, theirs.access_token)).toEqual([200, 200]);
    for (const bad of [tampered(mine.access_token), theirs.access_token, mine.refresh_token]) {
      expect(await statusesAt('production', name, bad)).toEqual([401, 401]);
    }
  });

  it('count lives in every unit, of access tokens and of refresh tokens', async () => {
    const policy = { grantType: 'CLIENT_CREDENTIALS' };
    const client = await proxyWith('lives', policy);
    for (const [amount, unit, seconds] of UNITS) {
      const lives = {
        ...{ tokenExpiresInAmount: amount, tokenExpiresInUnit: unit },
        ...{ refreshTokenExpiresInAmount: amount, refreshTokenExpiresInUnit: unit },
      };
      await put('PUT', 'lives', { ...policy, ...lives }, ['production']);
      const body = issued(
        await requestToken(system.gateway('production').url, { grant_type: 'client_credentials', ...client }),
      );
      expect([unit, body.expires_in, body.refresh_token_expires_in]).toEqual([unit, seconds, seconds]);
      const { iat = 0, exp = 0 } = decodeJwt(body.access_token as string);
      // Both are whole seconds, and no token lives shorter than it says.
      expect([seconds, seconds + 1]).toContain(exp - iat);
    }
    await put('PUT', 'lives', { ...policy, tokenNeverExpires: true }, ['production']);
    const form = { grant_type: 'client_credentials', ...client };
    const forever = issued(await requestToken(system.gateway('production').url, form));
    expect([forever.expires_in, forever.refresh_token]).toEqual([0, undefined]);
    expect(decodeJwt(forever.access_token as string)).not.toHaveProperty('exp');
  });

  it('under /auth: DELETE …/tokens/ ends every login of a user, with its access tokens, at both gateways', async () => {
    const client = await proxyWith('login', { grantType: 'PASSWORD' });
    await done('POST', `${P}/credentials/`, credential('ann'));
    const at = (index: number) => system.gateway('production', index).url;
    const login = async (index: number) => {
      const form = { grant_type: 'password', username: 'ann', password: 'the password of ann', ...client };
      return issued(await requestToken(at(index), form));
    };
    const logins = [await login(0), await login(1)];
    const tokens = `${P}/credentials/ann/tokens/?environmentName=production`;
    expect((await done('GET', tokens)).resultList).toMatchObject([{ proxy: 'login' }, { proxy: 'login' }]);
    expect((await done('DELETE', tokens)).resultList).toEqual([{ revoked: 2 }]);
    expect((await done('GET', tokens)).resultList).toEqual([]);
    for (const { access_token: token, refresh_token: refreshToken } of logins) {
      await until(
        'both gateways know',
        async () => (await statusesAt('production', 'login', token)).join() === '401,401',
      );
      for (const index of [0, 1]) {
        const form = { grant_type: 'refresh_token', refresh_token: refreshToken as string, ...client };
        expect(await requestToken(at(index), form)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      }
    }
    // A new login is none of those that were ended.
    expect(await statusesAt('production', 'login', (await login(0)).access_token)).toEqual([200, 200]);
  });

  describe('under /credential', () => {
    const bob = `${P}/credentials/bob/`;
    const access = { credentialAccessList: [{ name: 'managed', type: 'API_PROXY' }] };

    const ask = async (form: Record<string, string>, index = 0): Promise<TokenAnswer> => {
      const body = new URLSearchParams({ client_id: 'bob', client_secret: 'the password of bob', ...form });
      const { url } = system.gateway('production', index);
      const response = await fetch(`${url}/credential/jwt`, { method: 'POST', body });
      return { status: response.status, body: await response.json() };
    };
    const service = () => ask({ grant_type: 'client_credentials' });
    /** Polls: what apiops says reaches a gateway a moment later. */
    const becomes = (token: unknown, status: number): Promise<unknown> =>
      until(`both gateways answer ${status}`, async () => {
        return (await statusesAt('production', 'managed', token)).every((one) => one === status);
      });

    beforeAll(async () => {
      const policy = { managedFromThisPolicy: false, grantType: 'CLIENT_CREDENTIALS', jwtSignatureAlgorithm: 'ES256' };
      await proxyWith('managed', policy);
      await done('POST', `${P}/credentials/`, credential('bob'));
      await done('PUT', `${bob}access/`, access);
    });

    it('a credential gets tokens for the proxies of its list, with its roles, until it is disabled', async () => {
      const body = await until('it is known', async () => {
        const answer = await service();
        return answer.status === 200 ? answer.body : undefined;
      });
      expect(decodeJwt(body.access_token)).toMatchObject({
        ...{ sub: 'bob', client_id: 'bob', aud: 'urn:gatewarden:demo/managed', scope: 'reader' },
      });
      await becomes(body.access_token, 200);
      const named = await ask({ grant_type: 'client_credentials', resource: 'demo/managed' });
      expect(named.status).toBe(200);
      const elsewhere = await ask({ grant_type: 'client_credentials', resource: 'demo/login' });
      expect(elsewhere).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
      await done('PUT', `${P}/credentials/`, credential('bob', { enabled: false }));
      await becomes(body.access_token, 401);
      expect(await service()).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      await done('PUT', `${P}/credentials/`, credential('bob'));
      await until('it may again', async () => (await service()).status === 200);
    });

    it('access that is withdrawn is withdrawn from the tokens that there are', async () => {
      const { access_token: token } = issued(await service());
      await becomes(token, 200);
      await done('DELETE', `${bob}access/`, access);
      await becomes(token, 401);
      await until('no token is given', async () => (await service()).status === 400);
      await done('PUT', `${bob}access/`, access);
      await becomes(token, 200);
    });

    it('its own token settings count, and DELETE …/tokens/ ends what they gave, at both gateways', async () => {
      const settings = { tokenNeverExpires: false, tokenExpiresInAmount: 7, tokenExpiresInUnit: 'MINUTES' };
      await done('PUT', `${bob}token/`, {
        ...{ ...settings, grantType: 'CLIENT_CREDENTIALS', jwtSignatureAlgorithm: 'ES256', refreshTokenAllowed: true },
        ...{ refreshTokenExpiresInAmount: 1, refreshTokenExpiresInUnit: 'HOURS' },
      });
      const body = await until('they are known', async () => {
        const answer = await service();
        return answer.body.expires_in === 420 ? answer.body : undefined;
      });
      await becomes(body.access_token, 200);
      const refreshed = issued(await ask({ grant_type: 'refresh_token', refresh_token: body.refresh_token }, 1));
      await becomes(refreshed.access_token, 200);
      const ended = await done('DELETE', `${bob}tokens/?environmentName=production`);
      expect(ended.resultList).toEqual([{ revoked: expect.any(Number) }]);
      for (const token of [body.access_token, refreshed.access_token]) await becomes(token, 401);
      for (const index of [0, 1]) {
        const again = await ask({ grant_type: 'refresh_token', refresh_token: refreshed.refresh_token }, index);
        expect(again).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      }
      await becomes(issued(await service()).access_token, 200);
    });
  });
});
