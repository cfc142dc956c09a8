import { CompactEncrypt } from 'jose';
import {
  JWE_CONTENT_ALGORITHM_NAMES,
  JWE_KEY_ALGORITHM_NAMES,
  type JweContentAlgorithmName,
  type JweKeyAlgorithmName,
} from '../jwe-algorithms.ts';
import { type EncryptionPair, encryptionPairFor } from '../testing/decryption-keys.ts';
import { compileEncryptedVerifier } from './compile-encrypted-verifier.ts';

const CLAIMS = { sub: 'alice', roles: ['a', 'b'], name: 'Zoë' };
const COMBINATIONS = JWE_KEY_ALGORITHM_NAMES.flatMap((alg) =>
  JWE_CONTENT_ALGORITHM_NAMES.map((enc) => [alg, enc] as const),
);

/** One pair for all contents of an algorithm, but for `dir`, whose length is the content's: RSA keys are slow to make. */
const pairs = new Map<string, readonly [EncryptionPair, EncryptionPair]>();
const pairsFor = (
  alg: JweKeyAlgorithmName,
  enc: JweContentAlgorithmName,
): readonly [EncryptionPair, EncryptionPair] => {
  const name = alg === 'dir' ? enc : alg;
  const made = pairs.get(name) ?? [encryptionPairFor(alg, enc, 1), encryptionPairFor(alg, enc, 2)];
  pairs.set(name, made);
  return made;
};

const encryptWithJose = async (
  alg: JweKeyAlgorithmName,
  enc: JweContentAlgorithmName,
  { encryption }: EncryptionPair,
): Promise<string> =>
  new CompactEncrypt(Buffer.from(JSON.stringify(CLAIMS))).setProtectedHeader({ alg, enc }).encrypt(encryption);

/** One bit of one byte in the middle of a part turned round, written canonically. */
const tampered = (token: string, part: number): string => {
  const parts = token.split('.');
  const bytes = Buffer.from(parts[part] ?? '', 'base64url');
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return parts.with(part, bytes.toString('base64url')).join('.');
};

describe.each(COMBINATIONS)('%s with %s', (alg, enc) => {
  const [pair, other] = pairsFor(alg, enc);
  const verify = compileEncryptedVerifier({ encryption: { keyAlgorithm: alg }, key: pair.decryption });

  it('opens what jose encrypts, whether or not the content algorithm is fixed', async () => {
    const token = await encryptWithJose(alg, enc, pair);
    const strict = compileEncryptedVerifier({
      encryption: { keyAlgorithm: alg, contentAlgorithm: enc },
      key: pair.decryption,
    });
    for (const open of [verify, strict]) {
      const result = await open(token, 0);
      expect(result.ok && result.jwt.claims).toEqual(CLAIMS);
      expect(result.ok && result.jwt.header).toMatchObject({ alg, enc });
      expect(result.ok && result.jwt.payloadText).toBe(JSON.stringify(CLAIMS));
    }
  });

  it('does not open it with another key', async () => {
    const open = compileEncryptedVerifier({ encryption: { keyAlgorithm: alg }, key: other.decryption });
    expect(await open(await encryptWithJose(alg, enc, pair), 0)).toEqual({ ok: false, code: 'DecryptionFailed' });
  });

  it('refuses it where another content or key algorithm is configured', async () => {
    const token = await encryptWithJose(alg, enc, pair);
    for (const contentAlgorithm of JWE_CONTENT_ALGORITHM_NAMES.filter((name) => name !== enc)) {
      const open = compileEncryptedVerifier({
        encryption: { keyAlgorithm: alg, contentAlgorithm },
        key: pair.decryption,
      });
      expect(await open(token, 0)).toEqual({ ok: false, code: 'AlgorithmNotAllowed', algorithm: enc });
    }
    for (const keyAlgorithm of JWE_KEY_ALGORITHM_NAMES.filter((name) => name !== alg)) {
      const open = compileEncryptedVerifier({ encryption: { keyAlgorithm }, key: pair.decryption });
      expect(await open(token, 0)).toEqual({ ok: false, code: 'AlgorithmNotAllowed', algorithm: alg });
    }
  });

  it('does not open it once a bit of any part is another', async () => {
    const token = await encryptWithJose(alg, enc, pair);
    expect((await verify(tampered(token, 0), 0)).ok).toBe(false);
    for (const part of [1, 2, 3, 4].filter((at) => token.split('.')[at] !== '')) {
      expect(await verify(tampered(token, part), 0)).toEqual({ ok: false, code: 'DecryptionFailed' });
    }
  });

  it('does not open it once any part is cut, emptied or has a byte more', async () => {
    const token = await encryptWithJose(alg, enc, pair);
    const parts = token.split('.');
    const isAbsent = (part: number): boolean => parts[part] === '';
    for (const part of [1, 2, 3, 4]) {
      const bytes = Buffer.from(parts[part] ?? '', 'base64url');
      const longer = Buffer.concat([bytes, Buffer.of(0)]);
      for (const wrong of isAbsent(part) ? [longer] : [bytes.subarray(0, -1), Buffer.alloc(0), longer]) {
        const changed = parts.with(part, wrong.toString('base64url')).join('.');
        expect(await verify(changed, 0)).toEqual({ ok: false, code: 'DecryptionFailed' });
      }
    }
  });
});
