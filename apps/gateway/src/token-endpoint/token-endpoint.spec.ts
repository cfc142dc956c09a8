import { createSecretKey } from 'node:crypto';
import { jwtVerify } from 'jose';
import { createSecretVerifier } from '#libs/policy-contracts';
import { InMemoryRefreshTokenStore, RefreshTokenStoreUnavailable } from '#libs/refresh-token-store';
import { IdentityUnavailable } from './identity/identity.port.ts';
import { answerOf, basic, CLIENT, proxyWith, SIGNING_KEY, T0_MS, TokenService, USER } from './testing/token-service.ts';

const FORM = ['Content-Type', 'application/x-www-form-urlencoded'];
const MACHINE = { grantType: 'CLIENT_CREDENTIALS' };
const machineForm = `grant_type=client_credentials&client_id=${CLIENT.id}&client_secret=${encodeURIComponent(CLIENT.secret)}`;

const verified = async (token: unknown) => {
  const secret = createSecretKey(SIGNING_KEY.jwk['k'] as string, 'base64url');
  return jwtVerify(String(token), secret, { currentDate: new Date(T0_MS), typ: 'at+jwt', algorithms: ['HS256'] });
};

describe('a path of the token endpoint', () => {
  const { endpoint } = new TokenService();

  it.each(['/auth', '/auth/', '/auth/jwt', '/auth/introspect', '/credential/jwt', '/credential'])('is %s', (path) => {
    expect(endpoint.owns(path)).toBe(true);
  });

  it.each(['/', '/authors', '/credentials', '/orders/auth/jwt', ''])('is not %p', (path) => {
    expect(endpoint.owns(path)).toBe(false);
  });

  it.each(['/auth', '/auth/introspect/', '/auth/jwt/', '/credential/token', '/auth/.well-known/openid'])(
    'answers 404 in the OAuth form where nothing is: %s',
    async (path) => {
      const answer = answerOf(await new TokenService().send({ path, body: machineForm }));
      expect(answer).toMatchObject({ status: 404, body: { error: 'invalid_request' } });
      expect(answer.body['error_description']).toBe('There is no such endpoint.');
    },
  );
});

describe('the method of a token request', () => {
  it.each(['PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'])('%s is answered 405 with Allow', async (method) => {
    const answer = answerOf(await new TokenService().send({ method, body: machineForm }));
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST' }, body: { error: 'invalid_request' } });
  });

  it('GET is answered 405 where the policy does not allow URL parameters', async () => {
    const answer = answerOf(await new TokenService(MACHINE).send({ method: 'GET', query: machineForm, headers: [] }));
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST' } });
  });

  it('GET without parameters is answered 405', async () => {
    const service = new TokenService({ ...MACHINE, allowUrlParameters: true });
    expect((await service.send({ method: 'GET', headers: [] })).status).toBe(405);
  });

  it('GET gives a token where the policy allows URL parameters', async () => {
    const service = new TokenService({ ...MACHINE, allowUrlParameters: true });
    const answer = answerOf(await service.send({ method: 'GET', query: machineForm, headers: [] }));
    expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
  });

  it('POST never reads parameters from the URL', async () => {
    const service = new TokenService({ ...MACHINE, allowUrlParameters: true });
    const answer = answerOf(await service.send({ query: machineForm }));
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect(service.lastReason).toBe('no-grant-type');
  });
});

describe('the body of a token request', () => {
  it.each([
    'application/x-www-form-urlencoded',
    'application/x-www-form-urlencoded;charset=UTF-8',
    'Application/X-WWW-Form-Urlencoded ; charset="utf-8"',
    'application/x-www-form-urlencoded; charset=ISO-8859-1',
    'application/x-www-form-urlencoded; charset=utf8',
  ])('may be %s', async (type) => {
    const answer = await new TokenService(MACHINE).send({ headers: ['content-type', type], body: machineForm });
    expect(answer.status).toBe(200);
  });

  it.each([
    ['application/json'],
    ['multipart/form-data; boundary=x'],
    ['application/x-www-form-urlencoded; charset=utf-16'],
    ['application/x-www-form-urlencoded-too'],
    ['application/x-www-form-urlencoded', 'application/x-www-form-urlencoded'],
    [],
  ])('may not be of type %p', async (...types: string[]) => {
    const service = new TokenService(MACHINE);
    const headers = types.flatMap((type) => ['Content-Type', type]);
    const answer = answerOf(await service.send({ headers, body: machineForm }));
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect(service.lastReason).toBe('content-type');
  });

  it.each(['scope=a&scope=b', 'scope=&scope=', 'x=1&x=2', 'sc%6Fpe=a&scope=a', 'grant_type=password'])(
    'may not have a parameter twice: %s',
    async (more) => {
      const service = new TokenService(MACHINE);
      const answer = answerOf(await service.send({ body: `${machineForm}&${more}` }));
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
      expect(service.lastReason).toBe('duplicate-parameter');
    },
  );

  it.each([Buffer.from('x=%'), Buffer.from('x=%ff'), Buffer.from([0x78, 0x3d, 0xff])])(
    'may not be malformed: %p',
    async (body) => {
      const service = new TokenService(MACHINE);
      expect(answerOf(await service.send({ body })).body['error']).toBe('invalid_request');
      expect(service.lastReason).toBe('malformed-form');
    },
  );

  it('may have parameters nobody knows, and empty ones count as left out', async () => {
    const answer = await new TokenService(MACHINE).send({ body: `${machineForm}&resource=x&scope=&&flag` });
    expect(answer.status).toBe(200);
  });

  it('may not be larger than 64 KiB', async () => {
    const answer = answerOf(await new TokenService(MACHINE).send({ body: `${machineForm}&x=${'y'.repeat(65_536)}` }));
    expect(answer).toMatchObject({ status: 413, body: { error: 'invalid_request' } });
  });

  it('must name a grant type', async () => {
    const answer = await new TokenService().post({ grant_type: '' });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  it.each(['authorization_code', 'PASSWORD', 'toString'])('may not name the grant type %s', async (grant_type) => {
    const service = new TokenService();
    expect(await service.post({ grant_type })).toMatchObject({
      status: 400,
      body: { error: 'unsupported_grant_type' },
    });
    expect(service.answered.at(-1)?.grantType).toBe('other');
  });
});

describe('a client', () => {
  const asBasic = (service: TokenService, authorization: string, more = '') =>
    service.send({ headers: [...FORM, 'Authorization', authorization], body: `grant_type=client_credentials${more}` });

  it.each([
    ['as they are', basic(CLIENT.id, CLIENT.secret)],
    ['form-encoded', basic(CLIENT.id, 'client+secret+%2B+100%25')],
    ['under a scheme in another case', basic(CLIENT.id, CLIENT.secret).replace('Basic', 'bAsIc')],
  ])('may name itself in a Basic header, id and secret %s', async (_how, authorization) => {
    expect((await asBasic(new TokenService(MACHINE), authorization)).status).toBe(200);
  });

  it('may have a secret that reads differently when form-decoded', async () => {
    const service = new TokenService(MACHINE);
    service.changeClient({ secretVerifier: createSecretVerifier('a+b%20c') });
    expect((await asBasic(service, basic(CLIENT.id, 'a+b%20c'))).status).toBe(200);
    expect((await asBasic(service, basic(CLIENT.id, 'a%2Bb%2520c'))).status).toBe(200);
    expect((await asBasic(service, basic(CLIENT.id, 'a b c'))).status).toBe(401);
  });

  it.each(['&client_id=client-1', '&client_secret=x'])('may not name itself twice: %s', async (more) => {
    const service = new TokenService(MACHINE);
    const answer = answerOf(await asBasic(service, basic(CLIENT.id, CLIENT.secret), more));
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect(service.lastReason).toBe('two-client-methods');
  });

  it.each(['Basic', 'Basic !!!', `Basic ${btoa('no colon')}`, `Basic ${btoa(':no id')}`, 'Basic /zpm'])(
    'is refused with a malformed Basic header: %s',
    async (authorization) => {
      const service = new TokenService(MACHINE);
      const answer = answerOf(await asBasic(service, authorization));
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      expect(answer.headers['www-authenticate']).toMatch(/^Basic realm=/);
      expect(service.lastReason).toBe('malformed-basic');
    },
  );

  it('is read from the body when the header has another scheme', async () => {
    const headers = [...FORM, 'Authorization', 'Bearer something'];
    expect((await new TokenService(MACHINE).send({ headers, body: machineForm })).status).toBe(200);
  });

  it('is refused with two Authorization headers', async () => {
    const service = new TokenService(MACHINE);
    const one = ['Authorization', basic(CLIENT.id, CLIENT.secret)];
    const answer = answerOf(
      await service.send({ headers: [...FORM, ...one, ...one], body: 'grant_type=client_credentials' }),
    );
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  it('is refused alike when it is unknown and when its secret is wrong', async () => {
    const service = new TokenService(MACHINE);
    const unknown = answerOf(await asBasic(service, basic('nobody', CLIENT.secret)));
    expect(service.lastReason).toBe('unknown-client');
    const wrong = answerOf(await asBasic(service, basic(CLIENT.id, 'wrong')));
    expect(service.lastReason).toBe('wrong-client-secret');
    expect(wrong).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(wrong.headers['www-authenticate']).toMatch(/^Basic/);
    expect(unknown).toEqual(wrong);
  });

  it('is refused without a challenge when it named itself by parameters', async () => {
    const answer = await new TokenService(MACHINE).post({ grant_type: 'client_credentials', client_secret: 'wrong' });
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(answer.headers).not.toHaveProperty('www-authenticate');
  });

  it('is refused when it is missing', async () => {
    const answer = answerOf(await new TokenService(MACHINE).send({ body: 'grant_type=client_credentials' }));
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  it('needs its secret for the password grant unless the policy waives it', async () => {
    expect(await new TokenService().login({ client_secret: '' })).toMatchObject({ body: { error: 'invalid_client' } });
    const lenient = new TokenService({ requireClientSecret: false });
    for (const client_secret of ['', '-']) {
      const answer = await lenient.login({ client_secret });
      expect(answer.status).toBe(200);
      expect((await lenient.refresh(answer.body['refresh_token'], { client_secret })).status).toBe(200);
    }
  });

  it('needs its secret for client_credentials even where the policy waives it', async () => {
    const service = new TokenService({ ...MACHINE, requireClientSecret: false });
    const answer = await service.post({ grant_type: 'client_credentials', client_secret: '-' });
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  it('is unauthorized where its proxy is not served or has no policy that issues', async () => {
    const service = new TokenService(MACHINE);
    for (const proxy of [undefined, proxyWith({ managedFromThisPolicy: false })]) {
      service.proxy = proxy;
      const right = await service.post({ grant_type: 'client_credentials' });
      expect(right).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
      const wrong = await service.post({ grant_type: 'client_credentials', client_secret: 'wrong' });
      expect(wrong.body['error']).toBe('invalid_client');
    }
  });

  it('may not use the grant type that its policy does not have', async () => {
    const refused = { status: 400, body: { error: 'unauthorized_client' } };
    expect(await new TokenService(MACHINE).login()).toMatchObject(refused);
    expect(await new TokenService().post({ grant_type: 'client_credentials' })).toMatchObject(refused);
  });
});

describe('a token answer', () => {
  it('has the members of RFC 6749 and is not to be kept', async () => {
    const { status, headers, body } = await new TokenService().login();
    expect(status).toBe(200);
    expect(headers).toEqual({
      'content-type': 'application/json;charset=UTF-8',
      'cache-control': 'no-store',
      pragma: 'no-cache',
    });
    expect(body).toEqual({
      access_token: expect.any(String) as unknown,
      token_type: 'Bearer',
      expires_in: 300,
      refresh_token: expect.stringMatching(/^[\w-]{22}\.[\w-]{43}$/) as unknown,
      refresh_token_expires_in: 3_600,
      scope: 'read write',
    });
  });

  it('counts in milliseconds where the environment says so', async () => {
    const service = new TokenService();
    service.proxy = proxyWith({}, { expiresInUnit: 'MILLISECONDS' });
    const answer = await service.login();
    expect(answer.body).toMatchObject({ expires_in: 300_000, refresh_token_expires_in: 3_600_000 });
  });

  it('never says 0 seconds of a token that expires', async () => {
    const service = new TokenService({ tokenExpiresInAmount: 400, tokenExpiresInUnit: 'MILLI_SECONDS' });
    expect((await service.login()).body['expires_in']).toBe(1);
  });

  it('says 0 and has no refresh token when the token never expires', async () => {
    const service = new TokenService({ tokenNeverExpires: true });
    const { body } = await service.login();
    expect(body['expires_in']).toBe(0);
    expect(body).not.toHaveProperty('refresh_token');
    expect(body).not.toHaveProperty('refresh_token_expires_in');
  });

  it('has no refresh token where the policy gives none', async () => {
    const { body } = await new TokenService({ refreshTokenAllowed: false }).login();
    expect(body).not.toHaveProperty('refresh_token');
  });

  it('has an access token that says who, for what and until when', async () => {
    const { body } = await new TokenService().login();
    const { payload, protectedHeader } = await verified(body['access_token']);
    expect(protectedHeader).toMatchObject({ alg: 'HS256', kid: SIGNING_KEY.keyId, typ: 'at+jwt' });
    expect(payload).toEqual({
      iss: 'https://issuer.test',
      sub: USER.name,
      aud: 'urn:gatewarden:shop/orders',
      client_id: CLIENT.id,
      jti: expect.stringMatching(/^[\w-]{22}\.[A-Za-z0-9_-]{22}$/) as unknown,
      iat: T0_MS / 1_000,
      exp: T0_MS / 1_000 + 300,
      scope: 'read write',
    });
  });

  it('has another token id every time', async () => {
    const service = new TokenService();
    const ids = new Set<unknown>();
    for (let count = 0; count < 3; count += 1)
      ids.add((await verified((await service.login()).body['access_token'])).payload.jti);
    expect(ids.size).toBe(3);
  });
});

describe('the token endpoint in trouble', () => {
  const unavailable = { status: 503, headers: { 'retry-after': '1' }, body: { error: 'temporarily_unavailable' } };

  class LostRefreshTokens extends InMemoryRefreshTokenStore {
    override async issue(): Promise<never> {
      throw new RefreshTokenStoreUnavailable('issue');
    }
    override async inspect(): Promise<never> {
      throw new RefreshTokenStoreUnavailable('inspect');
    }
  }

  it('says so when refresh tokens cannot be kept', async () => {
    const service = new TokenService({}, { refreshTokens: new LostRefreshTokens() });
    expect(await service.login()).toMatchObject(unavailable);
    expect(await service.refresh('x')).toMatchObject(unavailable);
    expect(service.lastReason).toBe('REFRESH_TOKEN_STORE_UNAVAILABLE');
  });

  it('says so when clients and credentials cannot be read', async () => {
    const away = async (): Promise<never> => {
      throw new IdentityUnavailable();
    };
    const service = new TokenService({}, { identities: { client: away, credential: away } });
    expect(await service.login()).toMatchObject(unavailable);
    expect(service.lastReason).toBe('IDENTITY_UNAVAILABLE');
  });

  const breakIssuer = (service: TokenService): void => {
    const [issuer] = service.proxy?.issuers ?? [];
    if (service.proxy === undefined || issuer === undefined) throw new Error('no issuer to break');
    const issueAccessToken = () => {
      throw new Error('the key is gone');
    };
    service.proxy = { ...service.proxy, issuers: [{ ...issuer, issueAccessToken }] };
  };

  it('answers 500 for a fault of its own, tells it to the logs, and leaves no login behind', async () => {
    const service = new TokenService();
    breakIssuer(service);
    expect(await service.login()).toMatchObject({ status: 500, body: { error: 'server_error' } });
    expect(service.unexpected).toEqual([new Error('the key is gone')]);
    const owner = { proxyId: 'proxy-1', policy: 'issue-token', subject: USER.name };
    expect(await service.refreshTokens.activeCount(owner, T0_MS)).toBe(0);
  });

  it('loses nothing when the access token of a refresh could not be made: the client repeats it', async () => {
    const service = new TokenService();
    const { body } = await service.login();
    const working = service.proxy;
    breakIssuer(service);
    expect((await service.refresh(body['refresh_token'])).status).toBe(500);
    service.proxy = working;
    const repeated = await service.refresh(body['refresh_token']);
    expect(repeated.status).toBe(200);
    expect(service.lastReason).toBe('repeated');
    expect((await service.refresh(repeated.body['refresh_token'])).status).toBe(200);
  });
});

describe('what the logs are told', () => {
  it('is the grant type, the outcome, the cause and the proxy', async () => {
    const service = new TokenService();
    await service.login();
    await service.login({ password: 'wrong' });
    expect(service.answered).toMatchObject([
      { grantType: 'password', outcome: 'issued', reason: 'login', proxy: 'shop/orders' },
      { grantType: 'password', outcome: 'invalid_grant', reason: 'wrong-password', proxy: 'shop/orders' },
    ]);
  });

  it('is never a token, a password, a secret or a user who does not exist, whatever goes wrong', async () => {
    const service = new TokenService();
    const sent = {
      password: 'pa55-word',
      client_secret: 's3cret',
      refresh_token: 't0ken',
      username: 'us3r',
      scope: 'sc0pe',
    };
    const given: unknown[] = [];
    for (const grant_type of ['password', 'refresh_token', 'client_credentials', 't0ken']) {
      for (const client_secret of [CLIENT.secret, sent.client_secret]) {
        given.push((await service.post({ ...sent, grant_type, client_secret })).body);
      }
    }
    const login = await service.login();
    const refreshed = await service.refresh(login.body['refresh_token']);
    const secrets = [login, refreshed].flatMap(({ body }) => [body['access_token'], body['refresh_token']]);
    const told = JSON.stringify([service.answered, service.unexpected]);
    for (const secret of [...Object.values(sent), ...secrets, CLIENT.secret, USER.password]) {
      expect(told).not.toContain(secret);
    }
    for (const secret of Object.values(sent)) expect(JSON.stringify(given)).not.toContain(secret);
  });
});
