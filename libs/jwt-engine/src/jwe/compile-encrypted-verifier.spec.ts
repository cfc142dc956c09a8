import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { type JsonObject } from '../json-value.ts';
import { refusal } from '../jwt-refusal.ts';
import { MAX_TOKEN_LENGTH } from '../token-rules.ts';
import { type HandMadeParts, handMadeEncryptedToken } from '../testing/hand-made-encrypted-token.ts';
import { type AsyncVerifier, compileEncryptedVerifier } from './compile-encrypted-verifier.ts';
import { MAX_INFLATED_BYTES } from './decryption-key.ts';
import { type EncryptedVerifierOptions } from './encrypted-verifier-options.ts';

const NOW = 1_700_000_000;
const CONTENT_KEY = Buffer.alloc(32, 7);
const DIRECT = createSecretKey(CONTENT_KEY);
const HEADER = { alg: 'dir', enc: 'A256GCM' };
const FAILED = { ok: false, code: 'DecryptionFailed' };

const verifierOf = (options: Partial<EncryptedVerifierOptions<void>> = {}): AsyncVerifier<void> =>
  compileEncryptedVerifier({ encryption: { keyAlgorithm: 'dir' }, key: DIRECT, ...options });
const tokenOf = (parts: Partial<HandMadeParts> = {}): string =>
  handMadeEncryptedToken({ header: HEADER, payload: { sub: 'alice' }, contentKey: CONTENT_KEY, ...parts });
const withHeader = (header: object): string => tokenOf({ header: { ...HEADER, ...header } });

describe('the token as text', () => {
  const verify = verifierOf();

  it('opens the token that the others are made from', async () => {
    expect((await verify(tokenOf(), NOW)).ok).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['three parts', tokenOf().split('.').slice(0, 3).join('.')],
    ['four parts', tokenOf().split('.').slice(0, 4).join('.')],
    ['six parts', `${tokenOf()}.`],
    ['dots', '....................'],
    ['padding', `${tokenOf()}==`],
    ['a blank', ` ${tokenOf()}`],
    ['a character whose low byte is a letter', `\u0165${tokenOf().slice(1)}`],
    [
      'spare bits',
      tokenOf().replace(/.$/, (last) => (last === 'A' ? 'B' : last === 'Q' ? 'R' : last === 'g' ? 'h' : 'x')),
    ],
    ['more than 16 KiB', tokenOf({ payload: { long: 'x'.repeat(MAX_TOKEN_LENGTH) } })],
  ])('refuses %s as malformed', async (_name, token) => {
    expect(await verify(token, NOW)).toEqual({ ok: false, code: 'MalformedToken' });
  });

  it.each([
    ['text', 'not json'],
    ['an array', '[]'],
    ['an empty part', ''],
    ['a member twice', '{"alg":"dir","enc":"A256GCM","enc":"A256GCM"}'],
    ['what is no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ])('refuses a header that is %s', async (_name, header) => {
    expect(await verify(tokenOf({ header }), NOW)).toEqual({ ok: false, code: 'InvalidJsonFormat' });
  });

  it.each([
    ['text', 'not json'],
    ['empty', ''],
    ['a member twice', '{"sub":"a","sub":"b"}'],
    ['what is no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ])('refuses a payload that is %s', async (_name, payload) => {
    expect(await verify(tokenOf({ payload }), NOW)).toEqual({ ok: false, code: 'InvalidJsonFormat' });
  });
});

describe('the header', () => {
  it.each([
    ['no alg', { enc: 'A256GCM' }],
    ['an alg that is no text', { alg: ['dir'], enc: 'A256GCM' }],
    ['no enc', { alg: 'dir' }],
    ['an enc that is no text', { alg: 'dir', enc: 1 }],
  ])('with %s names no algorithm', async (_name, header) => {
    expect(await verifierOf()(tokenOf({ header }), NOW)).toEqual({ ok: false, code: 'NoAlgorithmInHeader' });
  });

  it.each(['none', 'RSA1_5', 'DIR', 'HS256', 'toString', '__proto__'])('may not choose the alg %s', async (alg) => {
    const token = tokenOf({ header: `{"alg":"${alg}","enc":"A256GCM"}` });
    expect(await verifierOf()(token, NOW)).toEqual({ ok: false, code: 'AlgorithmNotAllowed', algorithm: alg });
  });

  it.each(['none', 'a256gcm', 'A128CBC', 'toString'])('may not choose the enc %s', async (enc) => {
    const token = withHeader({ enc });
    expect(await verifierOf()(token, NOW)).toEqual({ ok: false, code: 'AlgorithmNotAllowed', algorithm: enc });
  });

  it('is judged for crit and typ as a signed token’s is', async () => {
    const critical = withHeader({ crit: ['exp'], exp: 1 });
    const unhandled = (header: string): object => ({ ok: false, code: 'UnhandledCriticalHeader', header });
    expect(await verifierOf()(critical, NOW)).toEqual(unhandled('exp'));
    expect((await verifierOf({ knownCriticalHeaders: ['exp', 'x'] })(critical, NOW)).ok).toBe(true);
    expect((await verifierOf({ ignoreCriticalHeaders: true })(critical, NOW)).ok).toBe(true);
    expect(await verifierOf()(withHeader({ crit: [] }), NOW)).toEqual(unhandled('crit'));
    expect(await verifierOf({ knownCriticalHeaders: ['a'] })(withHeader({ crit: ['a'] }), NOW)).toEqual(unhandled('a'));
    expect(await verifierOf()(withHeader({ b64: false }), NOW)).toEqual(unhandled('b64'));
    expect(await verifierOf({ type: 'at+jwt' })(withHeader({ typ: 'JWT' }), NOW)).toEqual(refusal('WrongTokenType'));
    expect((await verifierOf({ type: 'at+jwt' })(withHeader({ typ: 'application/AT+JWT' }), NOW)).ok).toBe(true);
  });

  it('brings no key: what stands in jwk, jku, x5c and the like is never used', async () => {
    const mine = Buffer.alloc(32, 9);
    const jwk = { kty: 'oct', k: mine.toString('base64url') };
    const header = {
      ...HEADER,
      jwk,
      jku: 'https://evil.example/jwks',
      x5u: 'https://evil.example',
      x5c: ['AA=='],
      kid: 'x',
    };
    expect(await verifierOf()(tokenOf({ header, contentKey: mine }), NOW)).toEqual(FAILED);
    expect((await verifierOf()(tokenOf({ header }), NOW)).ok).toBe(true);
  });
});

describe('the order of the steps', () => {
  const verify = compileEncryptedVerifier({
    encryption: { keyAlgorithm: 'PBES2-HS256+A128KW', contentAlgorithm: 'A256GCM' },
    key: () => refusal('UnresolvedReference', { reference: 'private.password' }),
  });
  const steps: readonly [string, string][] = [
    ['malformed', 'x'],
    ['header no JSON', tokenOf({ header: 'x' })],
    ['alg absent', tokenOf({ header: { enc: 'x', crit: [] } })],
    ['alg other', tokenOf({ header: { alg: 'dir', crit: [] } })],
    ['enc absent', tokenOf({ header: { alg: 'PBES2-HS256+A128KW', crit: [] } })],
    ['enc other', tokenOf({ header: { alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', crit: [] } })],
    ['crit', tokenOf({ header: { alg: 'PBES2-HS256+A128KW', enc: 'A256GCM', crit: [], p2c: 0 } })],
    ['key', tokenOf({ header: { alg: 'PBES2-HS256+A128KW', enc: 'A256GCM', p2c: 0 } })],
  ];

  it('is fixed: a token that fails at one is not judged by the next', async () => {
    const codes = await Promise.all(steps.map(async ([, token]) => verify(token, NOW)));
    expect(codes.map((result) => !result.ok && result.code)).toEqual([
      'MalformedToken',
      'InvalidJsonFormat',
      'NoAlgorithmInHeader',
      'AlgorithmNotAllowed',
      'NoAlgorithmInHeader',
      'AlgorithmNotAllowed',
      'UnhandledCriticalHeader',
      'UnresolvedReference',
    ]);
  });
});

describe('the content', () => {
  it.each([4, 5, 8, 12, 13, 14, 15])(
    'with a GCM tag of %i bytes, although they are the right ones, stays shut',
    async (tagBytes) => {
      expect(await verifierOf()(tokenOf({ tagBytes }), NOW)).toEqual(FAILED);
    },
  );

  it.each([1, 8, 11, 13, 16])('under a GCM vector of %i bytes stays shut', async (bytes) => {
    const token = tokenOf({ initializationVector: Buffer.alloc(bytes, 3) });
    expect(await verifierOf()(token, NOW)).toEqual(FAILED);
  });

  const CBC = { header: { alg: 'dir', enc: 'A128CBC-HS256' }, mode: 'cbc-hmac' } as const;

  it('of CBC with HMAC opens with its whole tag alone', async () => {
    const parts = tokenOf(CBC).split('.');
    expect((await verifierOf()(parts.join('.'), NOW)).ok).toBe(true);
    const tag = Buffer.from(parts[4] ?? '', 'base64url');
    expect(tag).toHaveLength(16);
    for (const length of [0, 1, 8, 15]) {
      const cut = parts.with(4, tag.subarray(0, length).toString('base64url')).join('.');
      expect(await verifierOf()(cut, NOW)).toEqual(FAILED);
    }
  });

  it.each([[CBC], [{}]])('that is empty or not authentic is refused as not decrypted %#', async (parts) => {
    const pieces = tokenOf(parts).split('.');
    expect(await verifierOf()(pieces.with(3, '').join('.'), NOW)).toEqual(FAILED);
  });
});

describe('a compressed payload', () => {
  const compressed = (content: Buffer, zip: unknown = 'DEF'): string =>
    tokenOf({ header: { ...HEADER, zip }, payload: content });
  const padded = (bytes: number): Buffer => deflateRawSync(Buffer.from(`{"a":1}${' '.repeat(bytes - 7)}`));

  it('is inflated', async () => {
    const result = await verifierOf()(compressed(padded(7)), NOW);
    expect(result.ok && result.jwt.claims).toEqual({ a: 1 });
  });

  it('may be 256 KiB long and not a byte longer', async () => {
    expect((await verifierOf()(compressed(padded(MAX_INFLATED_BYTES)), NOW)).ok).toBe(true);
    expect(await verifierOf()(compressed(padded(MAX_INFLATED_BYTES + 1)), NOW)).toEqual(FAILED);
    expect(await verifierOf()(compressed(deflateRawSync(Buffer.alloc(10_000_000))), NOW)).toEqual(FAILED);
  });

  it.each([
    ['cut short', padded(7).subarray(0, -2)],
    ['garbage', Buffer.alloc(50, 0xff)],
    ['empty', Buffer.alloc(0)],
  ])('that is %s is refused', async (_name, content) => {
    expect(await verifierOf()(compressed(content), NOW)).toEqual(FAILED);
  });

  it.each(['GZIP', 'def', '', null, true, ['DEF']])('under another zip, %j, is refused', async (zip) => {
    expect(await verifierOf()(compressed(padded(7), zip), NOW)).toEqual(FAILED);
  });
});

describe('claims', () => {
  it('are judged as a signed token’s are, and a refusal brings the opened token', async () => {
    const rules = { issuer: 'i', audience: 'a', timeAllowanceSeconds: 5 };
    const verify = verifierOf(rules);
    const judge = async (claims: JsonObject): Promise<object> => verify(tokenOf({ payload: claims }), NOW);
    expect(await judge({ iss: 'i', aud: ['b', 'a'], exp: NOW - 4 })).toMatchObject({ ok: true });
    expect(await judge({ iss: 'i', aud: 'a', exp: NOW - 5 })).toMatchObject({
      code: 'TokenExpired',
      jwt: { claims: { exp: NOW - 5 }, header: HEADER },
    });
    expect(await judge({ iss: 'x', aud: 'a' })).toMatchObject({ code: 'ClaimMismatch', claim: 'iss' });
    expect(await judge({ iss: 'i' })).toMatchObject({ code: 'ClaimMismatch', claim: 'aud' });
  });

  it('are handed to the caller’s checks with the context', async () => {
    const verify = compileEncryptedVerifier<string>({
      encryption: { keyAlgorithm: 'dir' },
      key: DIRECT,
      checks: [
        ({ claims }, now, who) =>
          claims['sub'] === who && now === NOW ? undefined : refusal('ClaimMismatch', { claim: 'sub' }),
      ],
    });
    expect((await verify(tokenOf(), NOW, 'alice')).ok).toBe(true);
    expect(await verify(tokenOf(), NOW, 'bob')).toMatchObject({ code: 'ClaimMismatch', claim: 'sub' });
  });
});

describe('a selector', () => {
  const byKeyId = (keys: Readonly<Record<string, KeyObject>>): AsyncVerifier<void> =>
    compileEncryptedVerifier({
      encryption: { keyAlgorithm: 'dir' },
      key: ({ kid }) => (typeof kid === 'string' ? keys[kid] : undefined) ?? refusal('KeyIdMissing'),
    });
  const wrong = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

  it('finds the key, whose fitness is judged, and may refuse', async () => {
    const verify = byKeyId({ good: DIRECT, wrong, other: createSecretKey(Buffer.alloc(32, 8)) });
    for (let round = 0; round < 2; round += 1) {
      expect((await verify(withHeader({ kid: 'good' }), NOW)).ok).toBe(true);
      expect(await verify(withHeader({ kid: 'wrong' }), NOW)).toEqual({ ok: false, code: 'WrongKeyType' });
      expect(await verify(withHeader({ kid: 'other' }), NOW)).toEqual(FAILED);
      expect(await verify(tokenOf(), NOW)).toEqual({ ok: false, code: 'KeyIdMissing' });
    }
  });
});

describe('options', () => {
  it.each<[string, unknown]>([
    ['an unknown key algorithm', { keyAlgorithm: 'RSA1_5' }],
    ['an unknown content algorithm', { keyAlgorithm: 'dir', contentAlgorithm: 'A128CBC' }],
    ['a salt length below zero', { keyAlgorithm: 'dir', saltBytes: -1 }],
    ['half an iteration', { keyAlgorithm: 'dir', iterationCount: 1.5 }],
  ])('are refused for %s', (_name, encryption) => {
    const options = { encryption, key: DIRECT } as EncryptedVerifierOptions<void>;
    expect(() => compileEncryptedVerifier(options)).toThrow(RangeError);
  });
});
