import { createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { CompactEncrypt, jwtDecrypt } from 'jose';
import { compileEncryptedVerifier, type JweKeyAlgorithmName } from '#libs/jwt-engine';
import { type Contestant } from './rounds.ts';
import { atOf, AUDIENCE, claimsOf, flat, ISSUER, NOW_SECONDS, TOKENS } from './signed-tokens.ts';

const CONTENT_ALGORITHM = 'A256GCM';

interface KeyPair {
  readonly encrypting: KeyObject;
  readonly decrypting: KeyObject;
}

const secret = (byteCount: number): KeyPair => {
  const key = createSecretKey(randomBytes(byteCount));
  return { encrypting: key, decrypting: key };
};

const pairOf = (privateKey: KeyObject): KeyPair => ({
  encrypting: createPublicKey(privateKey),
  decrypting: privateKey,
});

const KEY_ALGORITHMS = {
  dir: () => secret(32),
  A256KW: () => secret(32),
  'ECDH-ES': () => pairOf(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey),
  'RSA-OAEP-256': () => pairOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
} as const satisfies Partial<Record<JweKeyAlgorithmName, () => KeyPair>>;

const tokensFor = async (keyAlgorithm: JweKeyAlgorithmName, key: KeyObject): Promise<readonly string[]> =>
  Promise.all(
    Array.from({ length: TOKENS }, async (_, index) => {
      const plaintext = Buffer.from(JSON.stringify(claimsOf(index)));
      const header = { alg: keyAlgorithm, enc: CONTENT_ALGORITHM, typ: 'JWT' };
      return flat(await new CompactEncrypt(plaintext).setProtectedHeader(header).encrypt(key));
    }),
  );

export interface EncryptedRace {
  readonly what: string;
  readonly engine: Contestant;
  readonly jose: Contestant;
}

const raceOf = async (
  keyAlgorithm: JweKeyAlgorithmName,
  { encrypting, decrypting }: KeyPair,
): Promise<EncryptedRace> => {
  const at = atOf(await tokensFor(keyAlgorithm, encrypting));
  const encryption = { keyAlgorithm, contentAlgorithm: CONTENT_ALGORITHM } as const;
  const check = compileEncryptedVerifier({ encryption, key: decrypting, issuer: ISSUER, audience: AUDIENCE });
  const options = {
    keyManagementAlgorithms: [keyAlgorithm],
    contentEncryptionAlgorithms: [CONTENT_ALGORITHM],
    issuer: ISSUER,
    audience: AUDIENCE,
    currentDate: new Date(NOW_SECONDS * 1000),
  };
  const ours = async (index: number): Promise<boolean> => (await check(at(index), NOW_SECONDS, undefined)).ok;
  const theirs = async (index: number): Promise<boolean> =>
    (await jwtDecrypt(at(index), decrypting, options)).payload.iss === ISSUER;
  return {
    what: `${keyAlgorithm}, ${CONTENT_ALGORITHM}`,
    engine: { name: 'engine', work: { oneAtATime: ours } },
    jose: { name: 'jose', work: { oneAtATime: theirs } },
  };
};

export const encryptedRaces = async (): Promise<readonly EncryptedRace[]> =>
  Promise.all(
    Object.entries(KEY_ALGORITHMS).map(async ([name, makeKeys]) => raceOf(name as JweKeyAlgorithmName, makeKeys())),
  );
