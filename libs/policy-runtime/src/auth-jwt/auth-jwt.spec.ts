import { generateSigningKey, publicJwk, type GeneratedKey } from '#libs/jwt-engine';
import type { ArtifactSigningKeys } from '#libs/policy-contracts';
import { linkProxy, type LinkedProxy } from '../pipeline/link-proxy.ts';
import {
  artifactOf,
  exchangeFor,
  linked,
  NOW_MS,
  NOW_SECONDS,
  placed,
  routeOf,
  type RequestParts,
} from '../testing/artifacts.ts';
import { makeToken } from '../testing/token-maker.ts';
import { audienceOf } from './audience.ts';

const HS = generateSigningKey('HS256');
const ES = generateSigningKey('ES256');
const POLICY = {
  type: 'policy-auth-jwt',
  jwtSignatureAlgorithm: 'HS256',
  tokenNeverExpires: false,
  tokenExpiresInAmount: 10,
  tokenExpiresInUnit: 'MINUTES',
};
const CLAIMS = { sub: 'alice', client_id: 'client-1', jti: 'jti-1' };
const keysOf = (signing: GeneratedKey, ...verification: GeneratedKey[]): ArtifactSigningKeys => ({
  signing: signing.jwk,
  verification: verification.map(({ jwk }) => publicJwk(jwk) ?? jwk),
});
const proxyWith = (policy: object = {}, keys = keysOf(HS)): LinkedProxy =>
  linked({ request: [placed('Login', { ...POLICY, ...policy })], signingKeys: { Login: keys } });

function issuerOf(proxy: LinkedProxy) {
  const [issuer] = proxy.issuers;
  if (issuer === undefined) throw new RangeError('no issuer');
  return issuer;
}
const issue = (proxy: LinkedProxy, nowMs = NOW_MS): string => issuerOf(proxy).issueAccessToken(CLAIMS, nowMs).token;
const partsOf = (token: string): unknown[] =>
  token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as unknown);

async function call(proxy: LinkedProxy, request: RequestParts, nowMs = NOW_MS) {
  const exchange = exchangeFor(proxy, request);
  return { exchange, fault: await routeOf(proxy).runRequest(exchange, nowMs) };
}
const bearer = (token: string, scheme = 'Bearer'): RequestParts => ({
  headers: { Authorization: `${scheme} ${token}` },
});

/** A token like an issued one, with other claims or another header, properly signed. */
const forged = (claims: object, header: object = {}): string =>
  makeToken({
    header: { alg: 'HS256', kid: HS.keyId, typ: 'at+jwt', ...header },
    payload: {
      iss: 'https://gatewarden/test',
      aud: 'urn:gatewarden:shop/orders',
      sub: 'alice',
      exp: NOW_SECONDS + 60,
      ...claims,
    },
    algorithm: 'HS256',
    key: Buffer.from(HS.jwk['k'] as string, 'base64url'),
  });

describe('issuing access tokens', () => {
  it('makes the header and claims of RFC 9068', () => {
    const issued = issuerOf(proxyWith()).issueAccessToken({ ...CLAIMS, scope: 'read' }, NOW_MS + 1);
    expect(partsOf(issued.token)).toEqual([
      { alg: 'HS256', kid: HS.keyId, typ: 'at+jwt' },
      {
        iss: 'https://gatewarden/test',
        sub: 'alice',
        aud: 'urn:gatewarden:shop/orders',
        client_id: 'client-1',
        jti: 'jti-1',
        iat: NOW_SECONDS,
        exp: NOW_SECONDS + 601,
        scope: 'read',
      },
    ]);
    expect(issued.expiresInMs).toBe(600_000);
    expect(audienceOf('shop', 'orders')).toBe('urn:gatewarden:shop/orders');
  });

  it('leaves exp out when the token never expires', () => {
    const proxy = proxyWith({ tokenNeverExpires: true });
    expect(issuerOf(proxy).issueAccessToken(CLAIMS, NOW_MS).expiresInMs).toBeUndefined();
    expect(partsOf(issue(proxy))[1]).not.toHaveProperty('exp');
  });

  it('lists issuers in execution order, active and managed ones only', () => {
    const policy = (name: string, members: object = {}) => placed(name, { ...POLICY, ...members });
    const endpoint = (name: string, httpMethod: string, policyName: string) => ({
      name,
      httpMethod,
      pipelines: { request: [policy(policyName)], response: [], error: [] },
    });
    const names = ['second', 'first', 'off', 'other', 'b-get', 'a-post', 'a-get'];
    const proxy = linked({
      request: [
        policy('second'),
        policy('first'),
        policy('off', { active: false }),
        policy('other', { managedFromThisPolicy: false }),
      ],
      endpoints: [endpoint('/b', 'GET', 'b-get'), endpoint('/a', 'POST', 'a-post'), endpoint('/a', 'GET', 'a-get')],
      signingKeys: Object.fromEntries(names.map((name) => [name, keysOf(HS)])),
    });
    expect(proxy.issuers.map(({ policyName }) => policyName)).toEqual(['second', 'first', 'a-get', 'a-post', 'b-get']);
    expect(issuerOf(proxy)).toMatchObject({ issuer: 'https://gatewarden/test', expiresInUnit: 'SECONDS' });
  });
});

describe('access tokens on API calls', () => {
  it.each([
    ['HS256', HS],
    ['ES256', ES],
  ] as const)('lets a token pass that it issued with %s', async (jwtSignatureAlgorithm, key) => {
    const proxy = proxyWith({ jwtSignatureAlgorithm }, keysOf(key));
    const { fault, exchange } = await call(proxy, bearer(issue(proxy)));
    expect(fault).toBeUndefined();
    expect(exchange.variable('jwt.Login.claim.sub')).toBe('alice');
    expect(exchange.variable('jwt.Login.valid')).toBe(true);
  });

  it.each(['bearer', 'BEARER', 'Bearer  '])('reads the scheme in any case: %j', async (scheme) => {
    const proxy = proxyWith();
    expect((await call(proxy, bearer(issue(proxy), scheme))).fault).toBeUndefined();
  });

  it('refuses with the vendor’s envelope when there is no token', async () => {
    const { fault } = await call(proxyWith(), {});
    expect(fault).toMatchObject({ status: 401, name: 'ERR-044', policy: 'Login', reason: 'no token' });
    expect(fault?.headers).toEqual([
      ['Content-Type', 'application/json;charset=UTF-8'],
      ['APINIZER-CORRELATION-ID', 'c0ffee'],
      ['WWW-Authenticate', 'Bearer'],
    ]);
    expect(JSON.parse(fault?.body ?? '')).toEqual({
      fault: {
        correlationId: 'c0ffee',
        faultCode: 'ERR-044',
        faultString: 'Authentication policy failed! JWT is not valid!',
        faultStatusCode: '401',
        responseFromApi: '',
      },
    });
  });

  it.each([
    ['another issuer', { iss: 'https://gatewarden/production' }, {}, 'ClaimMismatch iss'],
    ['another proxy', { aud: 'urn:gatewarden:shop/other' }, {}, 'ClaimMismatch aud'],
    ['no audience', { aud: undefined }, {}, 'ClaimMismatch aud'],
    ['an expired token', { exp: NOW_SECONDS }, {}, 'TokenExpired'],
    ['another type', {}, { typ: 'JWT' }, 'WrongTokenType'],
    ['no type', {}, { typ: undefined }, 'WrongTokenType'],
    ['no key id', {}, { kid: undefined }, 'KeyIdMissing'],
    ['an unknown key id', {}, { kid: 'other' }, 'NoMatchingPublicKey'],
    ['another algorithm', {}, { alg: 'HS384' }, 'AlgorithmNotAllowed'],
    ['no algorithm', {}, { alg: 'none' }, 'AlgorithmNotAllowed'],
  ])('refuses %s', async (_name, claims, header, reason) => {
    const token = forged(claims, header);
    const { fault } = await call(proxyWith(), bearer(token));
    expect(fault).toMatchObject({ status: 401, name: 'ERR-044', reason });
    expect(fault?.headers).toContainEqual(['WWW-Authenticate', 'Bearer error="invalid_token"']);
    expect(JSON.stringify(fault)).not.toContain(token);
  });

  it('takes the audience among several', async () => {
    const token = forged({ aud: ['urn:gatewarden:shop/other', 'urn:gatewarden:shop/orders'] });
    expect((await call(proxyWith(), bearer(token))).fault).toBeUndefined();
  });

  it('is not disturbed by the clock of the gateway that issued', async () => {
    const proxy = proxyWith();
    expect((await call(proxy, bearer(issue(proxy, NOW_MS + 5000)))).fault).toBeUndefined();
  });

  it('goes on with keys that still verify, and refuses those that are gone', async () => {
    const before = issue(proxyWith({ jwtSignatureAlgorithm: 'ES256' }, keysOf(ES)));
    const next = generateSigningKey('ES256');
    const rotated = proxyWith({ jwtSignatureAlgorithm: 'ES256' }, keysOf(next, ES, HS));
    const gone = proxyWith({ jwtSignatureAlgorithm: 'ES256' }, keysOf(next));
    expect((await call(rotated, bearer(before))).fault).toBeUndefined();
    expect((await call(gone, bearer(before))).fault).toMatchObject({ reason: 'NoMatchingPublicKey' });
  });
});

describe('tokens in the query', () => {
  const allowed = proxyWith({ allowUrlParameters: true });
  const query = (token: string) => ({ queryString: `x=1&access_token=${token}` });

  it('are taken when the policy says so, and never forwarded', async () => {
    const { fault, exchange } = await call(allowed, query(issue(allowed)));
    expect(fault).toBeUndefined();
    expect([...exchange.hiddenQueryParameters]).toEqual(['access_token']);
  });

  it('are hidden also while the condition is false', async () => {
    const proxy = proxyWith({ allowUrlParameters: true, condition: 'request.verb = "POST"' });
    const { fault, exchange } = await call(proxy, query('x'));
    expect(fault).toBeUndefined();
    expect([...exchange.hiddenQueryParameters]).toEqual(['access_token']);
  });

  it('are an ordinary parameter without that permission', async () => {
    const proxy = proxyWith();
    const { fault, exchange } = await call(proxy, query(issue(proxy)));
    expect(fault).toMatchObject({ reason: 'no token' });
    expect(exchange.hiddenQueryParameters.size).toBe(0);
  });

  it('are refused beside a token in the header, and twice', async () => {
    const token = issue(allowed);
    const both = await call(allowed, { ...bearer(token), ...query(token) });
    const twice = await call(allowed, { queryString: `access_token=${token}&access_token=${token}` });
    expect(both.fault).toMatchObject({ reason: 'more than one token' });
    expect(twice.fault).toMatchObject({ reason: 'more than one token' });
  });
});

describe('headers for the upstream', () => {
  it('drops Authorization when asked to, and only then', async () => {
    const clearing = proxyWith({ clearAuth: true });
    const { exchange } = await call(clearing, bearer(issue(clearing)));
    expect(exchange.upstreamHeaders.has('authorization')).toBe(true);
    expect(exchange.upstreamHeaders.get('authorization')).toBeUndefined();
    const keeping = proxyWith();
    expect((await call(keeping, bearer(issue(keeping)))).exchange.upstreamHeaders.size).toBe(0);
  });

  it('adds the user, and never lets a client’s header of that name through', async () => {
    const proxy = proxyWith({ addUserToHeader: true, userHeaderName: 'X-User', condition: 'request.verb = "GET"' });
    const authorization = `Bearer ${issue(proxy)}`;
    const headers = { Authorization: authorization, 'X-User': 'admin' };
    expect((await call(proxy, { headers })).exchange.upstreamHeaders.get('x-user')).toBe('alice');
    for (const skipped of [
      await call(proxy, { headers, method: 'POST' }),
      await call(proxy, { headers: { 'X-User': 'admin' } }),
    ]) {
      expect([...skipped.exchange.upstreamHeaders]).toEqual([['x-user', undefined]]);
    }
  });

  it('drops a user name that cannot stand in a header', async () => {
    const dropped: unknown[] = [];
    const proxy = linked(
      { request: [placed('Login', { ...POLICY, addUserToHeader: true })], signingKeys: { Login: keysOf(HS) } },
      { onDropped: (what) => dropped.push(what) },
    );
    const { token } = issuerOf(proxy).issueAccessToken({ ...CLAIMS, sub: 'a\r\nX-Admin: 1' }, NOW_MS);
    const { exchange, fault } = await call(proxy, bearer(token));
    expect(fault).toBeUndefined();
    expect([...exchange.upstreamHeaders]).toEqual([['x-authenticated-userid', undefined]]);
    expect(dropped).toEqual([{ policy: 'Login', header: 'X-Authenticated-UserId' }]);
  });
});

describe('keys that cannot be used', () => {
  const link = (signingKeys: Record<string, ArtifactSigningKeys>, policy: object = {}) => {
    const outcome = linkProxy(artifactOf({ request: [placed('Login', { ...POLICY, ...policy })], signingKeys }), {
      faultCodes: 'documented',
    });
    return outcome.ok ? [] : outcome.faults.map(({ policy, code }) => `${policy} ${code}`);
  };

  it('are link faults, without a word of the key', () => {
    const broken = publicJwk(ES.jwk) ?? {};
    expect(link({})).toEqual(['Login missing_signing_key']);
    expect(link({ Login: keysOf(ES) })).toEqual(['Login wrong_algorithm']);
    expect(link({ Login: { signing: broken, verification: [] } }, { jwtSignatureAlgorithm: 'ES256' })).toEqual([
      'Login broken_signing_key',
    ]);
    const unusable = { signing: ES.jwk, verification: [{ kty: 'EC', kid: 'x', alg: 'ES256' }] };
    expect(link({ Login: unusable }, { jwtSignatureAlgorithm: 'ES256' })).toEqual(['Login broken_verification_key']);
  });

  it('are not asked for while the policy is not active', () => {
    expect(link({}, { active: false })).toEqual([]);
  });

  it('accepts the private form of a key that only verifies', () => {
    const next = generateSigningKey('ES256');
    const keys = { signing: next.jwk, verification: [ES.jwk] };
    expect(link({ Login: keys }, { jwtSignatureAlgorithm: 'ES256' })).toEqual([]);
  });
});
