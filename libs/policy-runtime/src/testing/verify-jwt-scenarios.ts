import { NOW_SECONDS, type RequestParts } from './artifacts.ts';
import { ENCRYPTED_SCENARIOS, LITERAL_PASSWORD } from './encrypted-scenarios.ts';
import { EXPIRED_CERTIFICATE, EXPIRED_CERTIFICATE_KEY } from './expired-certificate.ts';
import { KEY_SET_SCENARIOS } from './key-set-scenarios.ts';
import type { Scenario } from './scenario.ts';
import { ecPair, makeToken, privateKeyOf, rsaPair, type TestKeyPair } from './token-maker.ts';

const SECRET_32 = '0123456789abcdef0123456789abcdef';
const keys = {
  rsa: rsaPair(),
  otherRsa: rsaPair(),
  shortRsa: rsaPair(1024),
  p256: ecPair('P-256'),
  p384: ecPair('P-384'),
};

export const RSA_PEM = keys.rsa.publicPem;
const GOOD = { sub: 'alice' };
const now = NOW_SECONDS;
const RS256 = { algorithm: 'RS256', publicKey: { value: RSA_PEM } };
const bearer = (token: string): RequestParts => ({ headers: { Authorization: `Bearer ${token}` } });

const rs = (payload: unknown, header: object = {}, algorithm = 'RS256', pair: TestKeyPair = keys.rsa): string =>
  makeToken({ header: { alg: algorithm, typ: 'JWT', ...header }, payload, algorithm, key: pair.privateKey });
const es = (pair: TestKeyPair): string =>
  makeToken({ header: { alg: 'ES256' }, payload: GOOD, algorithm: 'ES256', key: pair.privateKey });
const hs = (secret: string, algorithm = 'HS256'): string =>
  makeToken({ header: { alg: algorithm }, payload: GOOD, algorithm, key: secret });
const GOOD_TOKEN = rs(GOOD);
const withHeader = (source: string | undefined, value: string | undefined): Scenario => ({
  policy: { ...RS256, source },
  request: value === undefined ? {} : { headers: { Authorization: value } },
});

/** RS256 with more members, judged on a token with these claims. */
const claims = (policy: object, payload: object, rest: Partial<Scenario> = {}): Scenario => ({
  policy: { ...RS256, ...policy },
  token: rs(payload),
  ...rest,
});
const claim = (expected: object, payload: object): Scenario => claims({ additionalClaims: [expected] }, payload);

const secretKey = (encoding?: string) => ({ ref: 'private.key', ...(encoding === undefined ? {} : { encoding }) });
const hmac = (secret: string, algorithm = 'HS256'): Scenario => ({
  policy: { algorithm, secretKey: secretKey() },
  environment: { 'private.key': secret },
  token: hs(secret, algorithm),
});

const SOURCES: Readonly<Record<string, Scenario>> = {
  S01: withHeader(undefined, undefined),
  S02: withHeader(undefined, `Bearer ${GOOD_TOKEN}`),
  S03: withHeader(undefined, 'Bearer foobar'),
  S04: withHeader(undefined, GOOD_TOKEN),
  S05: withHeader('request.header.Authorization', `Bearer ${GOOD_TOKEN}`),
  S06: withHeader('request.header.Authorization', GOOD_TOKEN),
  S07: withHeader('request.header.Authorization', undefined),
  S08: { policy: { ...RS256, source: 'request.formparam.jwt' }, request: { form: { other: 'x' } } },
  S09: { policy: { ...RS256, source: 'inbound.jwt' }, variables: { 'inbound.jwt': '' }, request: {} },
  S10: {
    policy: { ...RS256, source: 'request.formparam.jwt', ignoreUnresolvedVariables: true },
    request: { form: { other: 'x' } },
  },
  S11: { policy: RS256, token: `${GOOD_TOKEN.split('.')[0] ?? ''}.%%%.x` },
  S12: {
    policy: RS256,
    token: makeToken({ header: 'hello', payload: GOOD, algorithm: 'RS256', key: keys.rsa.privateKey }),
  },
  S13: { policy: RS256, token: rs('hello') },
  S14: { policy: RS256, token: 'eyJhbGciOiJSUzI1NiJ9.e30.e30.e30.e30' },
};

const ALGORITHMS: Readonly<Record<string, Scenario>> = {
  A01: { policy: RS256, token: hs(RSA_PEM) },
  A02: { policy: { ...RS256, algorithm: 'PS256,RS256' }, token: GOOD_TOKEN },
  A03: { policy: { ...RS256, algorithm: 'RS256,RS512' }, token: rs(GOOD, {}, 'RS384') },
  A04: { ...hmac(SECRET_32), token: GOOD_TOKEN },
  A05: {
    policy: RS256,
    token: makeToken({ header: { typ: 'JWT' }, payload: GOOD, algorithm: 'RS256', key: keys.rsa.privateKey }),
  },
  A06: {
    policy: RS256,
    token: makeToken({ header: { alg: 'none' }, payload: GOOD, algorithm: 'none', key: '' }),
  },
  A07: { policy: { ...RS256, algorithm: 'RS256 , PS256' }, token: rs(GOOD, {}, 'PS256') },
};

const jwks = (...members: object[]): string => JSON.stringify({ keys: members });
const RSA_JWK = { ...keys.rsa.jwk, kid: 'k1' };
const keySet = (text: string, header: object = { kid: 'k1' }): Scenario => ({
  policy: { algorithm: 'RS256', publicKey: { jwks: { ref: 'public.jwks' } } },
  environment: { 'public.jwks': text },
  token: rs(GOOD, header),
});
/** Behind a `ref`, so that what is wrong with the key shows at run time. */
const keyByRef = (pem: string, algorithm = 'RS256', token = GOOD_TOKEN): Scenario => ({
  policy: { algorithm, publicKey: { value: { ref: 'public.key' } } },
  environment: { 'public.key': pem },
  token,
});

const KEYS: Readonly<Record<string, Scenario>> = {
  K01: hmac(SECRET_32.slice(1)),
  K02: hmac(SECRET_32),
  K03: hmac(SECRET_32.slice(1) + '0123456789abcdef', 'HS384'),
  K04: {
    ...hmac(SECRET_32),
    policy: { algorithm: 'HS256', secretKey: secretKey('hex') },
    environment: { 'private.key': Buffer.from(SECRET_32).toString('hex') },
  },
  K05: {
    ...hmac(SECRET_32),
    policy: { algorithm: 'HS256', secretKey: secretKey('hex') },
    environment: { 'private.key': 'abc' },
  },
  K06: hmac(SECRET_32),
  K07: { policy: { algorithm: 'HS256', secretKey: secretKey() }, token: hs(SECRET_32) },
  K08: { policy: { ...RS256, publicKey: { value: RSA_PEM.replaceAll('\n', '\n      ') } }, token: GOOD_TOKEN },
  K09: { policy: { ...RS256, publicKey: { value: RSA_PEM.trim().replaceAll('\n', ' ') } }, token: GOOD_TOKEN },
  K10: {
    policy: { algorithm: 'ES256', publicKey: { value: EXPIRED_CERTIFICATE } },
    token: es({ ...keys.p256, privateKey: privateKeyOf(EXPIRED_CERTIFICATE_KEY) }),
  },
  K11: {
    policy: { algorithm: 'ES256', publicKey: { certificate: EXPIRED_CERTIFICATE } },
    token: es({ ...keys.p256, privateKey: privateKeyOf(EXPIRED_CERTIFICATE_KEY) }),
  },
  K12: keyByRef('hello'),
  K13: keyByRef(RSA_PEM, 'ES256', es(keys.p256)),
  K14: keyByRef(keys.p256.publicPem),
  K15: keyByRef(keys.p384.publicPem, 'ES256', es(keys.p256)),
  K16: keySet(jwks(RSA_JWK), {}),
  K17: keySet(jwks(RSA_JWK), { kid: 'k2' }),
  K18: keySet(JSON.stringify(RSA_JWK)),
  K19: keySet('https://idp.example.org/jwks'),
  K24: keySet(jwks({ ...keys.p256.jwk, kid: 'k1' })),
  K25: {
    ...keySet(jwks({ kty: 'oct', k: Buffer.from(SECRET_32).toString('base64url'), kid: 'k1' })),
    token: makeToken({ header: { alg: 'HS256', kid: 'k1' }, payload: GOOD, algorithm: 'HS256', key: SECRET_32 }),
  },
  K26: { policy: { ...RS256, publicKey: { value: keys.otherRsa.publicPem } }, token: GOOD_TOKEN },
  K27: keyByRef(keys.shortRsa.publicPem, 'RS256', rs(GOOD, {}, 'RS256', keys.shortRsa)),
};

const critical = (policy: object, crit: readonly string[]): Scenario => ({
  policy: { ...RS256, ...policy },
  token: rs(GOOD, { crit, a: 1, b: 2 }),
});
const lifespan = (maxLifespan: unknown, payload: object): Scenario => claims({ maxLifespan }, payload);

const TIMES: Readonly<Record<string, Scenario>> = {
  C01: critical({ knownHeaders: 'a,b,c' }, ['a', 'b']),
  C02: critical({ knownHeaders: ['a'] }, ['a', 'b']),
  C03: critical({ ignoreCriticalHeaders: true }, ['a']),
  C04: critical({}, ['a']),
  T01: claims(
    {},
    { exp: now - 1 },
    {
      also: (exchange) => {
        expect(exchange.variable('jwt.P.is_expired')).toBe(true);
        expect(exchange.variable('jwt.P.seconds_remaining')).toBe(-1);
      },
    },
  ),
  T02: claims({ timeAllowance: '30s' }, { exp: now - 20 }),
  T03: claims({ timeAllowance: '30s' }, { exp: now - 40 }),
  T04: claims({ timeAllowance: '30s' }, { nbf: now + 20 }),
  T05: claims({}, { nbf: now + 60 }),
  T06: claims({}, { sub: 'alice' }),
  T07: claims({}, { iat: now + 3600 }),
  T08: claims({ ignoreIssuedAt: true }, { iat: now + 3600 }),
  T09: lifespan('5m', { nbf: now - 1, exp: now + 299 }),
  T10: lifespan('5m', { nbf: now - 1, exp: now + 359 }),
  T11: lifespan('5m', { iat: now - 1, exp: now + 299 }),
  T12: lifespan({ value: '300s', useIssueTime: true }, { iat: now - 1, exp: now + 599 }),
  T13: lifespan({ value: '300s', useIssueTime: true }, { nbf: now - 1, exp: now + 299 }),
  T14: lifespan('3w', { nbf: now, exp: now + 20 * 86_400 }),
  T15: claims({ audience: 'x' }, { exp: now - 1, aud: 'y' }),
  T16: { policy: { ...RS256, publicKey: { value: keys.otherRsa.publicPem } }, token: rs({ exp: now - 1 }) },
};

const issuer = (element: object, rest: Partial<Scenario> = {}, policy: object = {}): Scenario =>
  claims({ issuer: element, ...policy }, { iss: 'https://a' }, rest);
const DOCUMENT = { sub: 'alice', iss: 'https://a', nested: { list: [1, { deep: true }], text: 'x' } };

const MATCHES: Readonly<Record<string, Scenario>> = {
  M01: claims({ issuer: 'https://a' }, { iss: 'https://b' }),
  M02: claims({ audience: 'x' }, { aud: 'y' }),
  M03: claims({ audience: 'x' }, {}),
  M04: claims({ audience: 'y' }, { aud: ['x', 'y'] }),
  M05: claims({ subject: 'alice' }, { sub: 'bob' }),
  M06: claims({ id: '42' }, { jti: '43' }),
  M07: claims({ id: '' }, {}),
  M08: issuer({ ref: 'expected.iss', value: 'https://other' }, { variables: { 'expected.iss': 'https://a' } }),
  M09: issuer({ ref: 'expected.iss', value: 'https://a' }),
  M10: issuer({ ref: 'REF' }),
  M11: issuer({ ref: 'REF' }, {}, { ignoreUnresolvedVariables: true }),
  M12: claims({ requiredClaims: 'sub,exp' }, GOOD),
  M13: claim({ name: 'show', value: 'yes' }, { show: 'yes' }),
  M14: claim({ name: 'show', value: 'yes' }, GOOD),
  M15: claim({ name: 'n', value: '42', type: 'number' }, { n: '42' }),
  M16: claim({ name: 'b', value: 'true', type: 'boolean' }, { b: true }),
  M17: claim(
    { name: 'response_types', value: '["code id_token"]', type: 'string' },
    { response_types: ['code id_token'] },
  ),
  M18: claim({ name: 'l', value: 'a,b,c', array: true }, { l: ['a', 'b', 'c'] }),
  M19: claim({ name: 'l', value: 'a,b,c', array: true }, { l: ['c', 'b', 'a'] }),
  M20: claim({ name: 'm', value: '{"a":1,"b":{"c":2}}', type: 'map' }, { m: { b: { c: 2 }, a: 1 } }),
  M21: claims(
    { additionalClaims: [{ name: 'm', type: 'map', value: '{ "tenant": "{flow.tenant}", "list": [1] }' }] },
    { m: { list: [1], tenant: 'acme' } },
    { variables: { 'flow.tenant': 'acme' } },
  ),
  M22: claims({ additionalClaims: { ref: 'json_claims' } }, DOCUMENT, {
    variables: { json_claims: JSON.stringify(DOCUMENT) },
  }),
  M23: {
    policy: { ...RS256, additionalHeaders: [{ name: 'moniker', value: 'Harvey' }] },
    token: rs(GOOD, { moniker: 'Jim' }),
  },
  M24: claims({ customClaims: [{ name: 'sub', value: 'bob' }] }, GOOD),
  M25: claim({ name: 'nonce' }, { nonce: 'abc' }),
};

const FLOW: Readonly<Record<string, Scenario>> = {
  F01: {
    policy: { ...RS256, continueOnError: true },
    token: rs(GOOD, {}, 'RS256', keys.otherRsa),
    also: (exchange, fault) => {
      expect(fault).toBeUndefined();
      expect(exchange.variable('JWT.failed')).toBe(true);
      expect(exchange.variable('jwt.P.error')).toBe('Invalid token: policy(P)');
      expect(exchange.variable('jwt.P.valid')).toBe(false);
      expect(exchange.variable('fault.name')).toBe('InvalidToken');
    },
  },
  F02: {
    policy: { ...RS256, active: false },
    request: bearer('foobar'),
    also: (exchange, fault) => {
      expect(fault).toBeUndefined();
      for (const name of ['JWT.failed', 'jwt.P.valid', 'jwt.P.failed', 'jwt.P.error', 'fault.name']) {
        expect(exchange.variable(name)).toBeUndefined();
      }
    },
  },
  F03: {
    policyName: 'VerifyJWT.Client',
    policy: RS256,
    token: rs(GOOD, {}, 'RS256', keys.otherRsa),
    also: (exchange) => {
      expect(exchange.variable('jwt.VerifyJWT.Client.error')).toBe('Invalid token: policy(VerifyJWT.Client)');
    },
  },
  F04: {
    policy: RS256,
    token: rs({ exp: now - 1 }),
    also: (exchange, fault) => {
      const envelope = {
        fault: { faultstring: 'The Token has expired: policy(P)', detail: { errorcode: 'steps.jwt.TokenExpired' } },
      };
      expect(fault?.status).toBe(401);
      expect(fault?.headers).toEqual([['Content-Type', 'application/json']]);
      expect(JSON.parse(fault?.body ?? '')).toEqual(envelope);
      expect(exchange.variable('fault.name')).toBe('TokenExpired');
    },
  },
  F05: claims(
    {},
    { aud: 'x' },
    {
      also: (exchange, fault) => {
        expect(fault).toBeUndefined();
        expect(exchange.variable('jwt.P.decoded.claim.aud')).toBe('["x"]');
        expect(exchange.variable('jwt.P.claim.audience')).toBe('[x]');
        expect(exchange.variable('jwt.P.payload-json')).toBe('{"aud":"x"}');
      },
    },
  ),
};

/** Rows that run a request, by id. */
export const REQUEST_SCENARIOS: Readonly<Record<string, Scenario>> = {
  ...SOURCES,
  ...ALGORITHMS,
  ...KEYS,
  ...ENCRYPTED_SCENARIOS,
  ...KEY_SET_SCENARIOS,
  ...TIMES,
  ...MATCHES,
  ...FLOW,
};

const aClaim = (member: object) => ({ ...RS256, additionalClaims: [{ name: 'show', value: 'x', ...member }] });

/** Rows that save a policy, by id: its members beside the type. */
export const SAVE_SCENARIOS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  D01: aClaim({ name: 'iss' }),
  D02: { ...RS256, source: '' },
  D03: { ...RS256, algorithm: 'RS257' },
  D04: { algorithm: 'RS256', secretKey: secretKey() },
  D05: { algorithm: 'HS256', secretKey: { ...secretKey(), id: 'k1' } },
  D06: aClaim({ type: 'JSON' }),
  D07: aClaim({ array: 'yes' }),
  D08: { algorithm: 'RS256', publicKey: { jwks: 'hello' } },
  D09: { ...RS256, algorithm: 'HS256,RS256' },
  D10: { ...RS256, algorithms: { key: 'dir' } },
  D11: { algorithm: 'RS256' },
  D12: { algorithm: 'HS256', secretKey: { ref: 'secret' } },
  D13: LITERAL_PASSWORD,
  D14: { ...RS256, additionalHeaders: [{ name: 'alg', value: 'RS256' }] },
  D15: { ...RS256, expiresIn: '1h' },
};
