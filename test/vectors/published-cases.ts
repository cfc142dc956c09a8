import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonObject } from '#libs/jwt-engine';

/** What is demanded of the claims, beside a good signature. */
export interface ClaimRules {
  /** Seconds since the epoch. */
  readonly now?: number;
  readonly issuer?: string;
  readonly audience?: string;
  readonly subject?: string;
  /** Seconds. */
  readonly clockTolerance?: number;
  readonly requiredClaims?: readonly string[];
  readonly typ?: string;
}

export type PublishedKey =
  | { readonly form: 'jwk'; readonly value: JsonObject }
  | { readonly form: 'pem' | 'secret-base64url'; readonly value: string };

export interface PublishedCase {
  readonly id: string;
  readonly kind: 'JWS' | 'JWE';
  /** What the verifier is configured to take; not always an algorithm of ours. */
  readonly alg: string;
  readonly enc?: string;
  readonly key: PublishedKey;
  /** Absent where the source's token is the empty text. */
  readonly token?: string;
  readonly level: 'jose' | 'claims';
  readonly verify?: ClaimRules;
  /** Whether the signature is good, or the token opens. */
  readonly expect: 'accept' | 'reject';
  /** `nested`: a token in a token, whose payload is no JSON object. */
  readonly jwtExpect: 'accept' | 'reject' | 'nested';
  readonly reason: string;
  readonly ambiguous: boolean;
  readonly payloadIsClaims?: boolean;
  readonly weakKey?: boolean;
}

const PUBLISHED_FILE = join(process.cwd(), '..', 'shared', 'vectors', 'published.jsonl');
const isPresent = existsSync(PUBLISHED_FILE);

const publishedCases = (): readonly PublishedCase[] =>
  readFileSync(PUBLISHED_FILE, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as PublishedCase);

/** The token of RFC 7515 appendix A.1, and ways to spoil it. */
const RFC_TOKEN =
  'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const RFC_SECRET = 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow';
const EXPIRES = 1_300_819_380;
/** RFC 7516 appendix A.3: opens, to a text that is no JSON. */
const RFC_ENCRYPTED =
  'eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0.6KB707dM9YTIgHtLvtgWQ8mKwboJW3of9locizkDTHzBC2IlrT1oOQ.AxY8DCtDaGlsbGljb3RoZQ.KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY.U0m_YmjN04DJvceFICbCVQ';
const RFC_ENCRYPTION_KEY: PublishedKey = { form: 'jwk', value: { kty: 'oct', k: 'GawgguFyGrWKav7AX4VKUg' } };
/** The same issuer and end as in the signed token, under 32 bytes of 9. */
const ENCRYPTED =
  'eyJhbGciOiJBMjU2S1ciLCJlbmMiOiJBMTI4R0NNIiwidHlwIjoiSldUIn0.i4spFcswwMCXCwDKJ41clgPR-CluqAim.OfKhNv-ibdHe3VXk.ykOjYkB5EF0eEcw0a0oFGXLBrTL5w8mp-Y3Lexww.0VNc6_KHQUs3RWQtIBBV4w';

/** Its header says `RSA1_5`. */
const FOREIGN_ENCRYPTED = ENCRYPTED.replace(/^[^.]*/, 'eyJhbGciOiJSU0ExXzUiLCJlbmMiOiJBMTI4R0NNIn0');

const embedded = (id: string, change: Partial<PublishedCase>): PublishedCase => ({
  id,
  kind: 'JWS',
  alg: 'HS256',
  key: { form: 'secret-base64url', value: RFC_SECRET },
  token: RFC_TOKEN,
  level: 'claims',
  expect: 'reject',
  jwtExpect: 'reject',
  reason: id,
  ambiguous: false,
  ...change,
  verify: { now: EXPIRES - 1, ...change.verify },
});

const GOOD = { expect: 'accept', jwtExpect: 'accept' } as const;
const SIGNED_ONLY = { expect: 'accept', jwtExpect: 'reject' } as const;

const ENCRYPTED_SAMPLE = (
  [
    ['encrypted: genuine', GOOD],
    ['encrypted: expired', { ...SIGNED_ONLY, verify: { now: EXPIRES } }],
    ['encrypted: changed tag', { token: ENCRYPTED.replace('0VNc', '0VNd') }],
    ['encrypted: changed header', { token: ENCRYPTED.replace('eyJhbGciOiJBMjU2S1ci', 'eyJhbGciOiJBMTI4S1ci') }],
    ['encrypted: other content algorithm', { enc: 'A256GCM' }],
    ['encrypted: an algorithm that is not ours', { alg: 'RSA1_5', token: FOREIGN_ENCRYPTED }],
    [
      'encrypted: a text',
      {
        ...SIGNED_ONLY,
        token: RFC_ENCRYPTED,
        key: RFC_ENCRYPTION_KEY,
        alg: 'A128KW',
        enc: 'A128CBC-HS256',
        payloadIsClaims: false,
      },
    ],
  ] as const
).map(([id, change]) =>
  embedded(id, {
    kind: 'JWE',
    alg: 'A256KW',
    enc: 'A128GCM',
    key: { form: 'secret-base64url', value: 'CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk' },
    token: ENCRYPTED,
    ...change,
  }),
);

const EMBEDDED_SAMPLE: readonly PublishedCase[] = [
  embedded('genuine', GOOD),
  embedded('signed text', {
    ...SIGNED_ONLY,
    payloadIsClaims: false,
    token: 'eyJhbGciOiJIUzI1NiJ9.UGF5bG9hZA.bhZ260_Cju4l6tL6oPRe0hGeKENS1K0Elt9MePq21vc',
  }),
  embedded('changed payload', { token: RFC_TOKEN.replace('eyJpc3Mi', 'eyJpc3Nj') }),
  embedded('wrong key', { key: { form: 'jwk', value: { kty: 'oct', k: RFC_SECRET.replace('AyM1', 'AyM2') } } }),
  embedded('wrong algorithm', { alg: 'HS512' }),
  embedded('empty', { token: '' }),
  embedded('weak key', { key: { form: 'secret-base64url', value: 'c2VjcmV0' }, weakKey: true }),
  embedded('expired', { ...SIGNED_ONLY, verify: { now: EXPIRES } }),
  embedded('expired within the tolerance', { ...GOOD, verify: { now: EXPIRES + 9, clockTolerance: 10 } }),
  embedded('expired beyond the tolerance', { ...SIGNED_ONLY, verify: { now: EXPIRES + 10, clockTolerance: 10 } }),
  embedded('its issuer', { ...GOOD, verify: { issuer: 'joe' } }),
  embedded('another issuer', { ...SIGNED_ONLY, verify: { issuer: 'Joe' } }),
  embedded('no audience', { ...SIGNED_ONLY, verify: { audience: 'joe' } }),
  embedded('no subject', { ...SIGNED_ONLY, verify: { subject: 'joe' } }),
  embedded('all claims required', {
    ...GOOD,
    verify: { requiredClaims: ['iss', 'exp', 'http://example.com/is_root'] },
  }),
  embedded('a claim missing', { ...SIGNED_ONLY, verify: { requiredClaims: ['iss', 'jti'] } }),
  embedded('its type', { ...GOOD, verify: { typ: 'jwt' } }),
  embedded('another type', { ...SIGNED_ONLY, verify: { typ: 'at+jwt' } }),
  ...ENCRYPTED_SAMPLE,
];

/** The published set, or what stands in for it, and what it calls itself. */
export const PUBLISHED_SOURCE = isPresent
  ? 'the published set'
  : 'the embedded sample again (the published set was absent)';
export const PUBLISHED_CASES = (isPresent ? publishedCases() : EMBEDDED_SAMPLE).filter(({ ambiguous }) => !ambiguous);
export const SAMPLE_CASES = EMBEDDED_SAMPLE;

/** The time of a case that says none: seconds since the epoch. */
export const PUBLISHED_NOW_SECONDS = 1_767_225_600;
