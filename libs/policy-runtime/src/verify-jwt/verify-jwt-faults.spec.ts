import { createPublicKey } from 'node:crypto';
import { KEY_SET_ADDRESS } from '../testing/key-set-scenarios.ts';
import { makeEncryptedToken } from '../testing/encrypted-token-maker.ts';
import { judge, RS256_POLICY, SIGNER, tokenWith, type Given } from '../testing/judge-token.ts';
import { ecPair, makeToken, rsaPair } from '../testing/token-maker.ts';
import { NOW_SECONDS } from '../testing/artifacts.ts';
import { VERIFY_JWT_FAULT_NAMES, type VerifyJwtFaultName } from './verify-jwt-faults.ts';

const SECRET = '0123456789abcdef0123456789abcdef';
const PASSWORD = 'correct horse battery staple';
const other = rsaPair();
const PEM = SIGNER.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const SET = JSON.stringify({ keys: [{ ...SIGNER.jwk, kid: 'k1' }] });

const hs = (algorithm: string) => makeToken({ header: { alg: algorithm }, payload: {}, algorithm, key: SECRET });
const byRef = (element: object) => ({ publicKey: { value: element } });
const encrypted = (members: object) => ({ algorithm: null, publicKey: null, ...members });

const underPassword = (passwordKey: object): Given => ({
  policy: encrypted({
    algorithms: { key: 'PBES2-HS256+A128KW' },
    passwordKey: { ref: 'private.password', ...passwordKey },
  }),
  environment: { 'private.password': PASSWORD },
  token: makeEncryptedToken({
    header: { alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2s: 'AAAAAAAAAAA', p2c: 1000 },
    payload: {},
    key: PASSWORD,
  }),
});
const toPrivateKey = (pem: string): Given => ({
  policy: encrypted({ algorithms: { key: 'RSA-OAEP-256' }, privateKey: { ref: 'private.pem' } }),
  environment: { 'private.pem': pem },
  token: makeEncryptedToken({
    header: { alg: 'RSA-OAEP-256', enc: 'A256GCM' },
    payload: {},
    key: createPublicKey(SIGNER.publicPem),
  }),
});

/** What somebody would have to do to meet with each fault, in the order of the evaluation (`verify-jwt.md` 1.1, 4.3). */
const CASES: Readonly<Record<VerifyJwtFaultName, Given>> = {
  FailedToResolveVariable: { request: { headers: {} } },
  FailedToDecode: { token: 'foobar' },
  InvalidJsonFormat: { token: tokenWith('hello') },
  NoAlgorithmFoundInHeader: { header: { alg: undefined } },
  AlgorithmMismatch: { token: hs('HS256') },
  AlgorithmInTokenNotPresentInConfiguration: { policy: { algorithm: 'RS256,RS512' }, token: hs('HS256') },
  UnhandledCriticalHeader: { header: { crit: ['exp'], exp: 1 } },
  KeyIdMissing: { policy: { publicKey: { jwks: SET } } },
  NoMatchingPublicKey: { policy: { publicKey: { jwks: SET } }, header: { kid: 'k2' } },
  InvalidKeyConfiguration: { policy: { publicKey: { jwks: { uri: KEY_SET_ADDRESS } } }, header: { kid: 'k1' } },
  KeyParsingFailed: { policy: byRef({ ref: 'public.key' }), environment: { 'public.key': 'hello' } },
  WrongKeyType: { policy: byRef({ ref: 'public.key' }), environment: { 'public.key': ecPair('P-256').publicPem } },
  InvalidCurve: {
    policy: { algorithm: 'ES256', ...byRef({ ref: 'public.key' }) },
    environment: { 'public.key': ecPair('P-384').publicPem },
    token: makeToken({ header: { alg: 'ES256' }, payload: {}, algorithm: 'ES256', key: ecPair('P-256').privateKey }),
  },
  InsufficientKeyLength: {
    policy: { algorithm: 'HS512', publicKey: null, secretKey: { ref: 'private.key' } },
    environment: { 'private.key': SECRET },
    token: hs('HS512'),
  },
  InvalidSecretKey: {
    policy: { algorithm: 'HS256', publicKey: null, secretKey: { ref: 'private.key', encoding: 'hex' } },
    environment: { 'private.key': 'not hexadecimal' },
    token: hs('HS256'),
  },
  InvalidPublicKey: { policy: byRef({ ref: 'public.key' }), environment: { 'public.key': rsaPair(1024).publicPem } },
  InvalidPrivateKey: toPrivateKey(SIGNER.publicPem),
  InvalidPasswordKey: { ...underPassword({}), environment: { 'private.password': '' } },
  InvalidSaltLength: underPassword({ saltLength: 16 }),
  InvalidIterationCount: underPassword({ pbkdf2Iterations: 10_000 }),
  InvalidToken: toPrivateKey(other.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
  TokenExpired: { payload: { exp: NOW_SECONDS - 1 } },
  TokenNotYetValid: { payload: { nbf: NOW_SECONDS + 1 } },
  InvalidConfiguration: { policy: { timeAllowance: { ref: 'v' } }, set: { v: 'five minutes' } },
  JwtSubjectMismatch: { policy: { subject: 'alice' }, payload: { sub: 'bob' } },
  JwtIssuerMismatch: { policy: { issuer: 'https://a' }, payload: { iss: 'https://b' } },
  JwtAudienceMismatch: { policy: { audience: 'x' }, payload: { aud: ['y', 'z'] } },
  InvalidClaim: { policy: { requiredClaims: 'role' } },
  UnknownException: {
    policy: { publicKey: { jwks: { uri: KEY_SET_ADDRESS } } },
    header: { kid: 'k1' },
    options: {
      keySets: {
        current: () => {
          throw new TypeError('nobody foresaw this');
        },
        newerFor: () => undefined,
      },
    },
  },
};

/** Which of the documented names a live Apigee does not use. */
const OBSERVED: Partial<Record<VerifyJwtFaultName, VerifyJwtFaultName>> = {
  FailedToDecode: 'InvalidToken',
  JwtSubjectMismatch: 'InvalidClaim',
  JwtIssuerMismatch: 'InvalidClaim',
  JwtAudienceMismatch: 'InvalidClaim',
};

describe('every fault of the policy has a case that raises it', () => {
  it('and no other name is known', () => {
    expect(Object.keys(CASES).sort()).toEqual([...VERIFY_JWT_FAULT_NAMES].sort());
  });

  it.each(VERIFY_JWT_FAULT_NAMES)('%s', async (name) => {
    const { fault, exchange } = await judge(CASES[name]);
    const body = JSON.parse(fault?.body ?? 'null') as { fault: { faultstring: string } };
    expect(fault).toMatchObject({ status: 401, headers: [['Content-Type', 'application/json']], name, policy: 'P' });
    expect(body).toEqual({
      fault: {
        faultstring: expect.stringContaining(' policy(P)') as string,
        detail: { errorcode: `steps.jwt.${name}` },
      },
    });
    expect(exchange.variable('fault.name')).toBe(name);
    expect(exchange.variable('JWT.failed')).toBe(true);
    expect(exchange.variable('jwt.P.valid')).toBe(false);
    expect(exchange.variable('jwt.P.error')).toBe(body.fault.faultstring);
    expect(exchange.variable('error.message')).toBe(body.fault.faultstring);
  });

  it.each(VERIFY_JWT_FAULT_NAMES)('%s, with the observed codes', async (name) => {
    expect((await judge(CASES[name], 'observed')).fault?.name).toBe(OBSERVED[name] ?? name);
  });

  it.each(VERIFY_JWT_FAULT_NAMES)('%s lets the flow go on with continueOnError', async (name) => {
    const { policy, ...given } = CASES[name];
    const { fault, exchange } = await judge({
      ...given,
      policy: { ...RS256_POLICY, ...policy, continueOnError: true },
    });
    expect(fault).toBeUndefined();
    expect(exchange.variable('JWT.failed')).toBe(true);
    expect(exchange.variable('jwt.P.valid')).toBe(false);
    expect(exchange.variable('fault.name')).toBe(name);
  });

  it('names a claim that a variable demands, but not at any length', async () => {
    const policy = { requiredClaims: { ref: 'names' } };
    const messageOf = async (names: string) => (await judge({ policy, set: { names } })).fault?.message;
    const longest = `https://ns.example/${'x'.repeat(236)}`;
    expect(await messageOf(longest)).toBe(`Invalid Claim: policy(P) claim(${longest})`);
    expect(await messageOf(`${longest}yz`)).toBe(`Invalid Claim: policy(P) claim(${longest}…)`);
  });

  it('opens and verifies what the cases differ from', async () => {
    expect((await judge({})).outcome).toBe('pass');
    expect((await judge(toPrivateKey(PEM))).outcome).toBe('pass');
    expect((await judge(underPassword({ saltLength: 8, pbkdf2Iterations: 1000 }))).outcome).toBe('pass');
    expect((await judge({ policy: { publicKey: { jwks: SET } }, header: { kid: 'k1' } })).outcome).toBe('pass');
  });
});
