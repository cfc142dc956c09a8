import { type KeyObject } from 'node:crypto';
import {
  JWE_CONTENT_ALGORITHM_NAMES,
  type JweContentAlgorithmName,
  jweContentRules,
  type JweKeyAlgorithmName,
  jweKeyRules,
} from '../jwe-algorithms.ts';
import { type JwtRefusal, refusal } from '../jwt-refusal.ts';
import { agreementCurveOf } from './agreement-curves.ts';

const checkSecret = (key: KeyObject, lengthsBytes: readonly number[]): JwtRefusal | undefined => {
  if (key.type !== 'secret') return refusal('WrongKeyType');
  return lengthsBytes.includes(key.symmetricKeySize ?? 0) ? undefined : refusal('InvalidSecretKey');
};

const checkPassword = (key: KeyObject): JwtRefusal | undefined => {
  if (key.type !== 'secret') return refusal('WrongKeyType');
  return key.symmetricKeySize === 0 ? refusal('InvalidPasswordKey') : undefined;
};

const checkRsaKey = (key: KeyObject, minModulusBits: number): JwtRefusal | undefined => {
  if (key.asymmetricKeyType !== 'rsa') return refusal('WrongKeyType');
  const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  return key.type !== 'private' || modulusLength < minModulusBits ? refusal('InvalidPrivateKey') : undefined;
};

const checkEcKey = (key: KeyObject): JwtRefusal | undefined => {
  if (key.asymmetricKeyType !== 'ec') return refusal('WrongKeyType');
  if (agreementCurveOf(key) === undefined) return refusal('InvalidCurve');
  return key.type === 'private' ? undefined : refusal('InvalidPrivateKey');
};

/** A direct key is the content encryption key (RFC 7518 section 4.5), so its length is the one of `enc`. */
const directLengths = (contentAlgorithm: JweContentAlgorithmName | undefined): readonly number[] => {
  const names = contentAlgorithm === undefined ? JWE_CONTENT_ALGORITHM_NAMES : [contentAlgorithm];
  return names.map((name) => jweContentRules(name).keyBytes);
};

/**
 * Says what makes a key unfit to decrypt, or undefined when it fits: `WrongKeyType`, `InvalidCurve`,
 * `InvalidPrivateKey` (a public key, RSA below 2048 bits), `InvalidSecretKey` (a secret of another length than the
 * algorithm's, for `dir` than the one of `contentAlgorithm`, or of any when that is left out), `InvalidPasswordKey` (empty).
 */
export const checkDecryptionKeyFor = (
  keyAlgorithm: JweKeyAlgorithmName,
  key: KeyObject,
  contentAlgorithm?: JweContentAlgorithmName,
): JwtRefusal | undefined => {
  const rules = jweKeyRules(keyAlgorithm);
  switch (rules.family) {
    case 'direct':
      return checkSecret(key, directLengths(contentAlgorithm));
    case 'rsa':
      return checkRsaKey(key, rules.minModulusBits);
    case 'wrap':
    case 'gcm-wrap':
      return checkSecret(key, [rules.keyBytes]);
    case 'password':
      return checkPassword(key);
    case 'agreement':
      return checkEcKey(key);
  }
};
