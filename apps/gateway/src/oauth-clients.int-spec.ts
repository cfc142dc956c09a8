import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { secretOf, TokenGateways, USER, type TokenProxy } from './testing/token-gateways.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'] as const;
const REFRESH = { refreshTokenAllowed: true, refreshTokenExpiresInAmount: 1, refreshTokenExpiresInUnit: 'HOURS' };

const SERVICES: readonly TokenProxy[] = ASYMMETRIC.map((jwtSignatureAlgorithm) => ({
  proxy: `service-${jwtSignatureAlgorithm}`,
  policy: { jwtSignatureAlgorithm, grantType: 'CLIENT_CREDENTIALS' },
}));
const LOGIN: TokenProxy = { proxy: 'login', policy: { jwtSignatureAlgorithm: 'ES256', ...REFRESH } };
const PUBLIC: TokenProxy = {
  proxy: 'browser-app',
  policy: { jwtSignatureAlgorithm: 'HS256', requireClientSecret: false, ...REFRESH },
};
const SERVICE = 'service-RS256';
const CREDENTIALS = { username: USER.name, password: USER.password };

type ClientAuthentication = readonly [name: string, of: (secret: string) => openid.ClientAuth];
const BASIC: ClientAuthentication = ['client_secret_basic', openid.ClientSecretBasic];
const POST: ClientAuthentication = ['client_secret_post', openid.ClientSecretPost];

describe('clients that nobody here wrote', () => {
  let rig: TokenGateways;

  beforeAll(async () => {
    rig = await TokenGateways.start(redisUrl);
    await rig.publish([...SERVICES, LOGIN, PUBLIC]);
    await rig.tellUser();
  });
  afterAll(async () => rig.stop());

  /** As RFC 8414 section 3.1 finds it: from the issuer alone. */
  const discovered = (clientId: string, authentication: openid.ClientAuth): Promise<openid.Configuration> =>
    openid.discovery(new URL(rig.issuer), clientId, undefined, authentication, {
      algorithm: 'oauth2',
      execute: [openid.allowInsecureRequests],
    });
  const client = (proxy: string): Promise<openid.Configuration> => discovered(proxy, BASIC[1](secretOf(proxy)));
  const login = (config: openid.Configuration, form: Readonly<Record<string, string>> = {}) =>
    openid.genericGrantRequest(config, 'password', { ...CREDENTIALS, ...form });
  const apiStatus = async (config: openid.Configuration, accessToken: string, proxy: string): Promise<number> => {
    const url = new URL(`${rig.origin()}/${proxy}/7`);
    // RFC 6750 section 3: a challenge is an error for these libraries; its status is what counts here.
    return openid.fetchProtectedResource(config, accessToken, url, 'GET').then(
      ({ status }) => status,
      (error: unknown) => {
        if (error instanceof openid.WWWAuthenticateChallengeError) return error.status;
        throw error;
      },
    );
  };
  /** What a refusal is to a client. */
  const refusal = async (answer: Promise<unknown>): Promise<readonly [number, string]> => {
    const error = await answer.then(
      () => new Error('it was granted'),
      (reason: unknown) => reason,
    );
    if (!(error instanceof openid.ResponseBodyError)) throw error;
    return [error.status, error.error];
  };

  describe('openid-client', () => {
    it('finds the metadata from the issuer, with every endpoint at the address that it asked', async () => {
      const metadata = (await client(SERVICE)).serverMetadata();
      expect(metadata).toMatchObject({
        issuer: rig.issuer,
        token_endpoint: `${rig.origin()}/auth/jwt`,
        introspection_endpoint: `${rig.origin()}/auth/introspect`,
        revocation_endpoint: `${rig.origin()}/auth/revoke`,
        jwks_uri: `${rig.origin()}/auth/.well-known/jwks.json`,
      });
      expect(metadata.grant_types_supported).toEqual(
        expect.arrayContaining(['client_credentials', 'password', 'refresh_token']),
      );
    });

    it.each([BASIC, POST])(
      'gets a token for a service by %s, and calls the API with it',
      async (_name, authentication) => {
        const config = await discovered(SERVICE, authentication(secretOf(SERVICE)));
        const tokens = await openid.clientCredentialsGrant(config);
        expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 300 });
        expect(tokens.refresh_token).toBeUndefined();
        expect(await apiStatus(config, tokens.access_token, SERVICE)).toBe(200);
        expect(await apiStatus(config, `${tokens.access_token}A`, SERVICE)).toBe(401);
        expect(await apiStatus(config, tokens.access_token, 'login')).toBe(401);
      },
    );

    it('logs a user in, refreshes, and is refused with what it used up: then the whole login is over', async () => {
      const config = await client(LOGIN.proxy);
      const first = await login(config);
      expect(first.scope?.split(' ').sort()).toEqual(['read', 'write']);
      expect(await apiStatus(config, first.access_token, LOGIN.proxy)).toBe(200);
      const second = await openid.refreshTokenGrant(config, first.refresh_token ?? '');
      const third = await openid.refreshTokenGrant(config, second.refresh_token ?? '');
      expect(new Set([first.refresh_token, second.refresh_token, third.refresh_token]).size).toBe(3);
      expect(await apiStatus(config, third.access_token, LOGIN.proxy)).toBe(200);
      const replay = openid.refreshTokenGrant(config, first.refresh_token ?? '');
      expect(await refusal(replay)).toEqual([400, 'invalid_grant']);
      const newest = openid.refreshTokenGrant(config, third.refresh_token ?? '');
      expect(await refusal(newest)).toEqual([400, 'invalid_grant']);
    });

    it('narrows the scope at the login and at the refresh, and never widens it', async () => {
      const config = await client(LOGIN.proxy);
      const narrow = await login(config, { scope: 'read' });
      expect(narrow.scope).toBe('read');
      const wider = openid.refreshTokenGrant(config, narrow.refresh_token ?? '', { scope: 'read write' });
      expect(await refusal(wider)).toEqual([400, 'invalid_scope']);
      expect((await openid.refreshTokenGrant(config, narrow.refresh_token ?? '', { scope: 'read' })).scope).toBe(
        'read',
      );
      expect(await refusal(login(config, { scope: 'admin' }))).toEqual([400, 'invalid_scope']);
    });

    it('needs no secret where the policy does not ask for one', async () => {
      const config = await discovered(PUBLIC.proxy, openid.None());
      const first = await login(config);
      expect(await apiStatus(config, first.access_token, PUBLIC.proxy)).toBe(200);
      const second = await openid.refreshTokenGrant(config, first.refresh_token ?? '');
      await openid.tokenRevocation(config, second.refresh_token ?? '');
      const again = openid.refreshTokenGrant(config, second.refresh_token ?? '');
      expect(await refusal(again)).toEqual([400, 'invalid_grant']);
    });

    it('understands why it is refused', async () => {
      const service = await client(SERVICE);
      const users = await client(LOGIN.proxy);
      expect(await refusal(login(users, { password: 'wrong' }))).toEqual([400, 'invalid_grant']);
      expect(await refusal(login(users, { username: 'nobody' }))).toEqual([400, 'invalid_grant']);
      expect(await refusal(login(service))).toEqual([400, 'unauthorized_client']);
      expect(await refusal(openid.clientCredentialsGrant(users))).toEqual([400, 'unauthorized_client']);
      expect(await refusal(openid.genericGrantRequest(users, 'urn:x:unheard-of', {}))).toEqual([
        ...[400, 'unsupported_grant_type'],
      ]);
      expect(await refusal(openid.genericGrantRequest(users, 'password', {}))).toEqual([400, 'invalid_request']);
      expect(await refusal(openid.refreshTokenGrant(users, 'x.y'))).toEqual([400, 'invalid_grant']);
      expect(await refusal(openid.refreshTokenGrant(service, 'x.y'))).toEqual([400, 'unauthorized_client']);
    });

    it('is told of a wrong secret in a body by the error, and of one in a header by a challenge', async () => {
      const byPost = await discovered(SERVICE, POST[1]('wrong'));
      expect(await refusal(openid.clientCredentialsGrant(byPost))).toEqual([401, 'invalid_client']);
      const byBasic = await discovered(SERVICE, BASIC[1]('wrong'));
      await expect(openid.clientCredentialsGrant(byBasic)).rejects.toMatchObject({
        name: 'WWWAuthenticateChallengeError',
        status: 401,
        cause: [{ scheme: 'basic' }],
      });
    });

    it.each(['access_token', 'refresh_token', undefined] as const)(
      'asks about both kinds of token, and ends them (hint: %s)',
      async (hint) => {
        const config = await client(LOGIN.proxy);
        const hints: Record<string, string> = hint === undefined ? {} : { token_type_hint: hint };
        const about = (token = '') => openid.tokenIntrospection(config, token, hints);
        const first = await login(config);
        const second = await login(config);
        const { access_token: token, refresh_token: refreshToken } = first;
        expect(await about(token)).toMatchObject({
          ...{ active: true, client_id: LOGIN.proxy, username: USER.name, sub: USER.name, iss: rig.issuer },
          ...{ aud: 'urn:gatewarden:shop/login', scope: expect.stringMatching(/read/) as string },
        });
        expect(await about(refreshToken)).toMatchObject({ active: true, client_id: LOGIN.proxy });

        await openid.tokenRevocation(config, token, hints);
        expect(await about(token)).toEqual({ active: false });
        expect(await apiStatus(config, token, LOGIN.proxy)).toBe(401);
        expect(await about(refreshToken)).toMatchObject({ active: true });

        await openid.tokenRevocation(config, second.refresh_token ?? '', hints);
        expect(await about(second.refresh_token)).toEqual({ active: false });
        expect(await about(second.access_token)).toEqual({ active: false });
        expect(await apiStatus(config, second.access_token, LOGIN.proxy)).toBe(401);
        const again = openid.refreshTokenGrant(config, second.refresh_token ?? '');
        expect(await refusal(again)).toEqual([400, 'invalid_grant']);
        // RFC 7009 section 2.2: what is no token (any more) is no error.
        await openid.tokenRevocation(config, second.refresh_token ?? '', hints);
        await openid.tokenRevocation(config, 'never-a-token', hints);
      },
    );

    it('learns nothing of tokens of another client, and cannot end them', async () => {
      const owner = await client(LOGIN.proxy);
      const stranger = await client(SERVICE);
      const tokens = await login(owner);
      for (const token of [tokens.access_token, tokens.refresh_token ?? '', 'never-a-token']) {
        expect(await openid.tokenIntrospection(stranger, token)).toEqual({ active: false });
        await openid.tokenRevocation(stranger, token);
      }
      expect(await openid.tokenIntrospection(owner, tokens.access_token)).toMatchObject({ active: true });
      expect(await openid.tokenIntrospection(owner, tokens.refresh_token ?? '')).toMatchObject({ active: true });
      expect(await refusal(openid.refreshTokenGrant(stranger, tokens.refresh_token ?? ''))).toEqual([
        ...[400, 'unauthorized_client'],
      ]);
    });
  });

  describe('oauth4webapi', () => {
    const insecure = { [oauth.allowInsecureRequests]: true } as const;
    const metadata = async (): Promise<oauth.AuthorizationServer> => {
      const issuer = new URL(rig.issuer);
      const answer = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
      return oauth.processDiscoveryResponse(issuer, answer);
    };
    const tokenOf = async (server: oauth.AuthorizationServer, proxy: string): Promise<string> => {
      const authentication = oauth.ClientSecretBasic(secretOf(proxy));
      const asked = { client_id: proxy };
      const answer = await oauth.clientCredentialsGrantRequest(server, asked, authentication, {}, insecure);
      return (await oauth.processClientCredentialsResponse(server, asked, answer)).access_token;
    };
    const requestWith = (token: string): Request =>
      new Request(`${rig.origin()}/api`, { headers: { authorization: `Bearer ${token}` } });

    it.each(ASYMMETRIC)('takes %s access tokens as RFC 9068 has them, with the published keys', async (algorithm) => {
      const server = await metadata();
      const proxy = `service-${algorithm}`;
      const token = await tokenOf(server, proxy);
      const options = { signingAlgorithms: [algorithm], ...insecure };
      const audience = `urn:gatewarden:shop/${proxy}`;
      expect(await oauth.validateJwtAccessToken(server, requestWith(token), audience, options)).toMatchObject({
        ...{ iss: rig.issuer, sub: proxy, client_id: proxy, aud: audience },
        jti: expect.stringMatching(/./) as string,
      });
      const others = oauth.validateJwtAccessToken(server, requestWith(token), 'urn:gatewarden:shop/login', options);
      await expect(others).rejects.toThrow('aud');
      const [header, payload, signature = ''] = token.split('.');
      const other = signature.startsWith('A') ? 'B' : 'A';
      const altered = requestWith(`${header}.${payload}.${other}${signature.slice(1)}`);
      await expect(oauth.validateJwtAccessToken(server, altered, audience, options)).rejects.toThrow('signature');
    });

    it('reads what introspection and revocation answer', async () => {
      const server = await metadata();
      const asked = { client_id: SERVICE };
      const authentication = oauth.ClientSecretPost(secretOf(SERVICE));
      const token = await tokenOf(server, SERVICE);
      const about = async () =>
        oauth.processIntrospectionResponse(
          server,
          asked,
          await oauth.introspectionRequest(server, asked, authentication, token, insecure),
        );
      expect(await about()).toMatchObject({ active: true, client_id: SERVICE, token_type: 'Bearer' });
      const ended = await oauth.revocationRequest(server, asked, authentication, token, insecure);
      expect(await oauth.processRevocationResponse(ended)).toBeUndefined();
      expect(await about()).toEqual({ active: false });
    });
  });
});
