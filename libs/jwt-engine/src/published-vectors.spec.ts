import { type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkKeyFor } from './check-key.ts';
import { compileVerifier } from './compile-verifier.ts';
import { type JwsAlgorithmName } from './jws-algorithms.ts';
import { jwksSelectorFrom } from './jwks-selector.ts';
import { type JsonObject } from './json-value.ts';
import { type JwtRefusal } from './jwt-refusal.ts';
import { publicKeyFrom } from './pem-keys.ts';
import { secretKeyFrom } from './secret-keys.ts';
import { type VerifyResult } from './token-rules.ts';

interface JwkForm {
  readonly form: 'jwk';
  readonly value: JsonObject;
}

interface TextForm {
  readonly form: 'pem' | 'secret-base64url';
  readonly value: string;
}

interface PublishedCase {
  readonly id: string;
  readonly kind: 'JWS' | 'JWE';
  readonly alg: JwsAlgorithmName;
  readonly key: JwkForm | TextForm;
  /** Absent where the source's token is the empty text. */
  readonly token?: string;
  /** Whether the signature is good. */
  readonly expect: 'accept' | 'reject';
  readonly jwtExpect: 'accept' | 'reject';
  readonly reason: string;
  readonly ambiguous: boolean;
  readonly payloadIsClaims?: boolean;
  readonly weakKey?: boolean;
}

/** Stands in for the published set: the token of RFC 7515 appendix A.1 and ways to spoil it. */
const RFC_TOKEN =
  'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const RFC_SECRET = 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow';
const embedded = (id: string, change: Partial<PublishedCase>): PublishedCase => ({
  id,
  kind: 'JWS',
  alg: 'HS256',
  key: { form: 'secret-base64url', value: RFC_SECRET },
  token: RFC_TOKEN,
  expect: 'reject',
  jwtExpect: 'reject',
  reason: id,
  ambiguous: false,
  ...change,
});
const EMBEDDED_SAMPLE: readonly PublishedCase[] = [
  embedded('genuine', { expect: 'accept', jwtExpect: 'accept' }),
  embedded('signed text', {
    expect: 'accept',
    payloadIsClaims: false,
    token: 'eyJhbGciOiJIUzI1NiJ9.UGF5bG9hZA.bhZ260_Cju4l6tL6oPRe0hGeKENS1K0Elt9MePq21vc',
  }),
  embedded('changed payload', { token: RFC_TOKEN.replace('eyJpc3Mi', 'eyJpc3Nj') }),
  embedded('wrong key', { key: { form: 'jwk', value: { kty: 'oct', k: RFC_SECRET.replace('AyM1', 'AyM2') } } }),
  embedded('wrong algorithm', { alg: 'HS512' }),
  embedded('empty', { token: '' }),
  embedded('weak key', { key: { form: 'secret-base64url', value: 'c2VjcmV0' }, weakKey: true }),
];

const PUBLISHED_FILE = join(process.cwd(), '..', 'shared', 'vectors', 'published.jsonl');
const isPresent = existsSync(PUBLISHED_FILE);
const NOW = 1_767_225_600;
/** Before the embedded token expires. */
const SAMPLE_NOW = 1_300_000_000;

const publishedCases = (): readonly PublishedCase[] =>
  readFileSync(PUBLISHED_FILE, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as PublishedCase);

const keyOfJwk = (jwk: JsonObject, algorithm: JwsAlgorithmName): KeyObject | JwtRefusal => {
  const { kty, k } = jwk;
  if (kty === 'oct' && typeof k === 'string') return secretKeyFrom(k, 'base64url');
  const select = jwksSelectorFrom(JSON.stringify({ keys: [{ ...jwk, kid: 'published' }] }));
  return typeof select === 'function' ? select({ kid: 'published' }, algorithm, undefined) : select;
};

const keyOf = ({ key, alg }: PublishedCase): KeyObject | JwtRefusal => {
  if (key.form === 'jwk') return keyOfJwk(key.value, alg);
  return key.form === 'pem' ? publicKeyFrom(key.value) : secretKeyFrom(key.value, 'base64url');
};

const keyFault = (published: PublishedCase): string => {
  const key = keyOf(published);
  return ('ok' in key ? key : checkKeyFor(published.alg, key))?.code ?? 'fits';
};

const judge = (published: PublishedCase, nowSeconds: number): VerifyResult => {
  const key = keyOf(published);
  return 'ok' in key ? key : compileVerifier({ algorithms: [published.alg], key })(published.token ?? '', nowSeconds);
};

const cases = (isPresent ? publishedCases() : EMBEDDED_SAMPLE).filter(
  ({ kind, ambiguous }) => kind === 'JWS' && !ambiguous,
);
const nowSeconds = isPresent ? NOW : SAMPLE_NOW;
const source = isPresent ? 'the published set' : 'the embedded sample (the published set was absent)';

describe(`${source} of JWS vectors`, () => {
  const accepted = cases.filter(({ jwtExpect, weakKey }) => jwtExpect === 'accept' && weakKey !== true);
  const rejected = cases.filter(({ jwtExpect, weakKey }) => jwtExpect === 'reject' && weakKey !== true);
  const weak = cases.filter(({ weakKey }) => weakKey === true);

  it('has cases of each kind', () => {
    expect([accepted.length, rejected.length, weak.length].every((count) => count > 0)).toBe(true);
  });

  it.each(accepted)('$id is accepted: $reason', (published) => {
    expect(judge(published, nowSeconds)).toMatchObject({ ok: true });
  });

  it.each(rejected)('$id is refused: $reason', (published) => {
    expect(judge(published, nowSeconds)).toMatchObject({ ok: false });
  });

  it.each(
    rejected.filter(({ expect: signature, payloadIsClaims }) => signature === 'accept' && payloadIsClaims === false),
  )('$id is refused only for its payload, its signature being good: $reason', (published) => {
    expect(judge(published, nowSeconds)).toEqual({ ok: false, code: 'InvalidJsonFormat' });
  });

  it.each(weak)('$id is refused for its weak key: $reason', (published) => {
    expect(judge(published, nowSeconds)).toMatchObject({ ok: false });
    expect(['InsufficientKeyLength', 'InvalidPublicKey', 'InvalidSecretKey']).toContain(keyFault(published));
  });
});
