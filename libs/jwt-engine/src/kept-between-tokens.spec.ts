import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { compileSigner } from './compile-signer.ts';
import { compileVerifier } from './compile-verifier.ts';
import { JWS_ALGORITHM_NAMES, type JwsAlgorithmName, jwsFamily } from './jws-algorithms.ts';
import { encoded, HAND_MADE_SECRET, handMadeToken } from './testing/hand-made-token.ts';
import { type VerifyResult } from './token-rules.ts';

const NOW = 1_700_000_000;
const KEY = createSecretKey(HAND_MADE_SECRET);
const HS256 = { algorithms: ['HS256'], key: KEY } as const;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

const EC_CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

const pairFor = (algorithm: JwsAlgorithmName): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } => {
  switch (jwsFamily(algorithm)) {
    case 'HS':
      return { privateKey: KEY, publicKey: KEY };
    case 'RS':
    case 'PS':
      return rsa;
    case 'ES':
      return generateKeyPairSync('ec', { namedCurve: EC_CURVES[algorithm] ?? '' });
  }
};

const subjectOf = (result: VerifyResult): unknown => (result.ok ? result.jwt.claims['sub'] : result.code);

/**
 * Verifiers decode into memory that they use again, and remember headers of good tokens. None of it may show in the
 * result of another token.
 */
describe('what a verifier keeps between tokens', () => {
  it('leaves results as they were when other tokens come, longer and shorter, good and bad', () => {
    const verify = compileVerifier(HS256);
    const header = { alg: 'HS256', kid: 'k' };
    const first = verify(handMadeToken(header, { sub: 'alice', list: ['a', { b: 'c' }] }), NOW);
    const before = JSON.stringify(first);
    for (const payload of [{ sub: 'x'.repeat(5000) }, {}, 'no json', { sub: 'bob' }]) {
      verify(handMadeToken(header, payload), NOW);
      verify(`${handMadeToken(header, payload).slice(0, -1)}=`, NOW);
    }
    expect(JSON.stringify(first)).toBe(before);
    expect(subjectOf(first)).toBe('alice');
  });

  it('gives each of many tokens its own claims', () => {
    const verify = compileVerifier(HS256);
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 2, maxLength: 8 }), (subjects) => {
        const results = subjects.map((sub) => verify(handMadeToken({ alg: 'HS256' }, { sub }), NOW));
        expect(results.map(subjectOf)).toEqual(subjects.map((sub) => JSON.parse(JSON.stringify(sub)) as unknown));
      }),
    );
  });

  it('is not disturbed by a selector that verifies another token in the meantime', () => {
    const inner = compileVerifier(HS256);
    const intruder = handMadeToken({ alg: 'HS256' }, { sub: 'mallory', admin: true });
    const outer = compileVerifier({
      algorithms: ['HS256'],
      key: () => {
        expect(subjectOf(inner(intruder, NOW))).toBe('mallory');
        return KEY;
      },
    });
    expect(subjectOf(outer(handMadeToken({ alg: 'HS256', n: 1 }, { sub: 'alice' }), NOW))).toBe('alice');
    const broken = handMadeToken({ alg: 'HS256', n: 2 }, { sub: 'alice' }).replace(/\.[^.]*$/, `.${'A'.repeat(43)}`);
    expect(subjectOf(outer(broken, NOW))).toBe('InvalidSignature');
  });

  it('is not disturbed by a selector that verifies a token with the same verifier', () => {
    const tokens = ['bob', 'carol'].map((sub) => handMadeToken({ alg: 'HS256', kid: sub }, { sub }));
    const seen: unknown[] = [];
    const verify = compileVerifier<number>({
      algorithms: ['HS256'],
      key: (_header, _algorithm, depth) => {
        const next = tokens[depth];
        if (next !== undefined) seen.push(subjectOf(verify(next, NOW, depth + 1)));
        return KEY;
      },
    });
    const token = handMadeToken({ alg: 'HS256', kid: 'alice' }, { sub: 'alice' });
    expect([0, 0].map((depth) => subjectOf(verify(token, NOW, depth)))).toEqual(['alice', 'alice']);
    expect(seen).toEqual(['carol', 'bob', 'carol', 'bob']);
  });

  it('remembers no header before a signature over it was good', () => {
    const verify = compileVerifier(HS256);
    const header = { alg: 'HS256', typ: 'JWT' };
    const forged = `${encoded(header)}.${encoded({})}.${'A'.repeat(43)}`;
    expect(subjectOf(verify(forged, NOW))).toBe('InvalidSignature');
    const results = ['a', 'b'].map((sub) => verify(handMadeToken(header, { sub }), NOW));
    expect(results.map(subjectOf)).toEqual(['a', 'b']);
    expect(subjectOf(verify(forged, NOW))).toBe('InvalidSignature');
  });

  it('forgets no header for headers of forged tokens, however many', () => {
    const verify = compileVerifier(HS256);
    const headerOf = (result: VerifyResult): unknown => (result.ok ? result.jwt.header : undefined);
    const good = handMadeToken({ alg: 'HS256', kid: 'good' }, {});
    const before = headerOf(verify(good, NOW));
    expect(before).toEqual({ alg: 'HS256', kid: 'good' });
    for (let n = 0; n < 200; n += 1) verify(`${encoded({ alg: 'HS256', n })}.e30.${'A'.repeat(43)}`, NOW);
    expect(headerOf(verify(good, NOW))).toBe(before);
  });

  it('takes no header for one that begins alike', () => {
    const text = '{"alg":"HS256"}';
    for (const more of ['   ', '\n\n\n   ']) {
      const verify = compileVerifier(HS256);
      for (const headerText of [text, text + more, text])
        expect(verify(handMadeToken(headerText, {}), NOW)).toMatchObject({ ok: true, jwt: { headerText } });
      expect(subjectOf(verify(handMadeToken(`${text}xyz`, {}), NOW))).toBe('InvalidJsonFormat');
    }
  });
});

describe.each(JWS_ALGORITHM_NAMES)('the signature of %s', (algorithm) => {
  const { privateKey, publicKey } = pairFor(algorithm);
  const verify = compileVerifier({ algorithms: [algorithm], key: publicKey });
  const token = compileSigner({ algorithm, key: privateKey })({ sub: 'alice' });
  const dot = token.lastIndexOf('.') + 1;
  const signature = Buffer.from(token.slice(dot), 'base64url');
  const verdict = (other: string): unknown => subjectOf(verify(token.slice(0, dot) + other, NOW));

  it('is refused after a good one, whatever its bytes and its length are', () => {
    const wrong = [
      Buffer.alloc(0),
      Buffer.alloc(signature.length),
      Buffer.alloc(signature.length, 0xff),
      signature.subarray(1),
      signature.subarray(0, -1),
      Buffer.concat([signature, Buffer.alloc(1)]),
      Buffer.concat([Buffer.alloc(1), signature]),
      Buffer.concat([signature, signature]),
      Buffer.from(signature).reverse(),
    ];
    for (const bytes of wrong) {
      expect(verdict(signature.toString('base64url'))).toBe('alice');
      expect(verdict(bytes.toString('base64url'))).toBe('InvalidSignature');
    }
    expect(verdict(signature.toString('base64url'))).toBe('alice');
  });

  it('is refused when any one of its bytes is another', () => {
    for (let at = 0; at < signature.length; at += 1) {
      const changed = Buffer.from(signature);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(verdict(changed.toString('base64url'))).toBe('InvalidSignature');
    }
  });

  it('is malformed in any spelling but the one', () => {
    const text = signature.toString('base64url');
    const last = text.slice(-1);
    const hasSpareBits = signature.length % 3 !== 0;
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const misspelt = [
      `${text}=`,
      `${text} `,
      text.slice(0, 5) + String.fromCharCode(text.charCodeAt(5) + 256) + text.slice(6),
      `${text.slice(0, 5)}+${text.slice(6)}`,
      `${text.slice(0, 5)}/${text.slice(6)}`,
      `${text.slice(0, 5)}\n${text.slice(5)}`,
      ...(!hasSpareBits ? [] : [text.slice(0, -1) + alphabet.charAt(alphabet.indexOf(last) + 1)]),
    ];
    for (const other of misspelt) expect(verdict(other)).toBe('MalformedToken');
  });
});
