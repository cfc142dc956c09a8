import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  type JweContentAlgorithmName,
  jweContentRules,
  type JweKeyAlgorithmName,
  jweKeyRules,
} from '../jwe-algorithms.ts';

export interface EncryptionPair {
  readonly encryption: KeyObject;
  readonly decryption: KeyObject;
}

const CURVES: Readonly<Record<string, string>> = {
  'ECDH-ES': 'P-256',
  'ECDH-ES+A128KW': 'P-384',
  'ECDH-ES+A192KW': 'P-521',
};

const secretOf = (bytes: number, fill: number): EncryptionPair => {
  const secret = createSecretKey(Buffer.alloc(bytes, fill));
  return { encryption: secret, decryption: secret };
};

const pairOf = ({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): EncryptionPair => ({
  encryption: publicKey,
  decryption: privateKey,
});

/** A fitting key; `fill` tells secrets and passwords apart, key pairs are always new. The agreements take turns in the curves. */
export const encryptionPairFor = (
  keyAlgorithm: JweKeyAlgorithmName,
  contentAlgorithm: JweContentAlgorithmName,
  fill = 1,
): EncryptionPair => {
  const rules = jweKeyRules(keyAlgorithm);
  switch (rules.family) {
    case 'direct':
      return secretOf(jweContentRules(contentAlgorithm).keyBytes, fill);
    case 'rsa':
      return pairOf(generateKeyPairSync('rsa', { modulusLength: 2048 }));
    case 'wrap':
    case 'gcm-wrap':
      return secretOf(rules.keyBytes, fill);
    case 'password':
      return secretOf(20, fill);
    case 'agreement':
      return pairOf(generateKeyPairSync('ec', { namedCurve: CURVES[keyAlgorithm] ?? 'P-256' }));
  }
};
