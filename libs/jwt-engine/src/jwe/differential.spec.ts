import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { EncryptJWT, jwtDecrypt } from 'jose';
import { SeededRandom } from '../../../../test/chaos/seeded-random.ts';
import { reasonsToRefuse, seenToken } from '../../../../test/differential/stricter-rules.ts';
import { CONTENT_KEY_BYTES, encryptToken } from '../../../../test/fuzz/encrypt-token.ts';
import { FUZZ_NOW_SECONDS as NOW } from '../../../../test/fuzz/fuzz-now.ts';
import { FUZZ_TOKENS } from '../../../../test/fuzz/fuzz-tokens.ts';
import { oddHeaderText, oddPayload } from '../../../../test/fuzz/odd-token.ts';
import { writeObject } from '../../../../test/fuzz/random-json.ts';
import { spoilToken } from '../../../../test/fuzz/spoil-token.ts';
import {
  JWE_CONTENT_ALGORITHM_NAMES,
  JWE_KEY_ALGORITHM_NAMES,
  type JweContentAlgorithmName,
  jweContentRules,
  jweKeyRules,
  type JweKeyAlgorithmName,
} from '../jwe-algorithms.ts';
import { type JsonObject } from '../json-value.ts';
import { compileEncryptedVerifier } from './compile-encrypted-verifier.ts';

interface KeyPair {
  readonly encryption: KeyObject;
  readonly decryption: KeyObject;
}

const SEED = 20_260_101;
const AT_NOW = { currentDate: new Date(NOW * 1000) };
/** RFC 7518 section 4.8.1.2 wants a thousand at least. */
const ITERATIONS = 1000;
const CURVES = ['P-256', 'P-384', 'P-521'] as const;

const pairOf = ({ public: publicPem, private: privatePem }: { public: string; private: string }): KeyPair => ({
  encryption: createPublicKey(publicPem),
  decryption: createPrivateKey(privatePem),
});
const bothWays = (secret: Buffer): KeyPair => {
  const key = createSecretKey(secret);
  return { encryption: key, decryption: key };
};

const keysFor = (keyAlgorithm: JweKeyAlgorithmName, contentAlgorithm: JweContentAlgorithmName): readonly KeyPair[] => {
  const rules = jweKeyRules(keyAlgorithm);
  switch (rules.family) {
    case 'direct':
      return [bothWays(Buffer.alloc(jweContentRules(contentAlgorithm).keyBytes, 3))];
    case 'rsa':
      return [pairOf(FUZZ_TOKENS.keys.RSA)];
    case 'wrap':
    case 'gcm-wrap':
      return [bothWays(Buffer.alloc(rules.keyBytes, 3))];
    case 'password':
      return [bothWays(Buffer.from('correct horse battery staple'))];
    case 'agreement':
      return CURVES.map((curve) => pairOf(FUZZ_TOKENS.keys[curve]));
  }
};

const randomClaims = (random: SeededRandom): JsonObject => {
  for (;;) {
    const text = writeObject({ random, names: ['a', 'b', 'sub', 'é', '__proto__'], depth: 3 });
    try {
      const claims = { iss: 'jose', exp: NOW + 60, ...(JSON.parse(text) as JsonObject) };
      // As it is once written: 1e400 and -0 are not kept.
      return JSON.parse(JSON.stringify(claims)) as JsonObject;
    } catch {
      // One in some is no JSON.
    }
  }
};

const isOpenedByJose = (
  token: string,
  { decryption }: KeyPair,
  alg: JweKeyAlgorithmName,
  enc: readonly JweContentAlgorithmName[],
): Promise<boolean> =>
  jwtDecrypt(token, decryption, {
    ...AT_NOW,
    keyManagementAlgorithms: [alg],
    contentEncryptionAlgorithms: [...enc],
    maxPBES2Count: 1_000_000,
  }).then(
    () => true,
    () => false,
  );

const combinations = JWE_KEY_ALGORITHM_NAMES.flatMap((keyAlgorithm) =>
  JWE_CONTENT_ALGORITHM_NAMES.map((contentAlgorithm) => [keyAlgorithm, contentAlgorithm] as const),
);

describe('encrypted tokens beside jose', () => {
  it('are of 15 key encryption and 6 content encryption algorithms', () => {
    expect(combinations).toHaveLength(90);
  });

  it.each(combinations)('%s with %s: opens what jose encrypted, and nothing that is spoilt', async (alg, enc) => {
    for (const [which, keys] of keysFor(alg, enc).entries()) {
      const random = new SeededRandom(SEED, `${alg} ${enc} ${which}`);
      const verify = compileEncryptedVerifier({
        encryption: { keyAlgorithm: alg, contentAlgorithm: enc },
        key: keys.decryption,
      });
      const encrypted = async (claims: JsonObject): Promise<string> => {
        const jwt = new EncryptJWT({ ...claims }).setProtectedHeader({ alg, enc });
        return (alg.startsWith('PBES2') ? jwt.setKeyManagementParameters({ p2c: ITERATIONS }) : jwt).encrypt(
          keys.encryption,
        );
      };
      const claims = randomClaims(random);
      const [good, other] = [await encrypted(claims), await encrypted({})];
      const ours = await verify(good, NOW);
      expect(ours.ok && { ...ours.jwt.claims }).toEqual({ ...claims });
      for (let number = 0; number < 6; number += 1) {
        const spoilt = spoilToken(good, other, random);
        const verdicts = [(await verify(spoilt, NOW)).ok, await isOpenedByJose(spoilt, keys, alg, [enc])];
        if (spoilt !== good && spoilt !== other)
          expect([spoilt, ...verdicts]).toEqual([spoilt, false, expect.anything()]);
        if (verdicts[1] === true && verdicts[0] === false)
          expect(reasonsToRefuse(seenToken(spoilt, Buffer.from(JSON.stringify(claims))))).not.toEqual([]);
      }
    }
  });

  // Made without jose and without the engine; every part is as good as its header and payload are.
  it.each(JWE_CONTENT_ALGORITHM_NAMES.flatMap((enc) => (['dir', 'A256KW'] as const).map((alg) => [alg, enc] as const)))(
    '%s with %s: gives jose’s verdict on odd headers and payloads, or a listed reason',
    async (alg, enc) => {
      const key = Buffer.alloc(alg === 'dir' ? (CONTENT_KEY_BYTES[enc] ?? 0) : 32, 3);
      const how = { management: alg === 'dir' ? 'direct' : 'wrap', contentAlgorithm: enc, key } as const;
      const verify = compileEncryptedVerifier({
        encryption: { keyAlgorithm: alg, contentAlgorithm: enc },
        key: createSecretKey(key),
      });
      const header = {
        algorithm: alg,
        otherAlgorithms: ['"RSA1_5"', '"none"', 'null'],
        members: [['enc', `"${enc}"`]],
      } as const;
      const counts = { both: 0, listed: 0, neither: 0 };
      for (let number = 0; number < 120; number += 1) {
        const random = new SeededRandom(SEED, `${alg} ${enc} odd ${number}`);
        const payload = oddPayload(random);
        const token = encryptToken(random, how, oddHeaderText(random, header), payload);
        const [ours, theirs] = [(await verify(token, NOW)).ok, await isOpenedByJose(token, bothWays(key), alg, [enc])];
        if (ours === theirs) counts[ours ? 'both' : 'neither'] += 1;
        else {
          counts.listed += 1;
          const reasons = reasonsToRefuse(seenToken(token, payload));
          expect({ token, ours, isListed: reasons.length > 0 }).toEqual({ token, ours: false, isListed: true });
        }
      }
      expect(Object.values(counts).every((count) => count > 0)).toBe(true);
    },
  );
});
