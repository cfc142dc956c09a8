import { type KeyObject } from 'node:crypto';
import { type JwsAlgorithmName, jwsRules } from './jws-algorithms.ts';
import { type JwtRefusal, refusal } from './jwt-refusal.ts';

const checkRsaKey = (key: KeyObject, minModulusBits: number): JwtRefusal | undefined => {
  if (key.asymmetricKeyType !== 'rsa') return refusal('WrongKeyType');
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  // With exponent 1 every padded message is its own signature (RFC 8017 section 3.1 wants odd and at least 3).
  const isExponentSound = publicExponent >= 3n && publicExponent % 2n === 1n;
  return modulusLength < minModulusBits || !isExponentSound ? refusal('InvalidPublicKey') : undefined;
};

const checkEcKey = (key: KeyObject, curve: string): JwtRefusal | undefined => {
  if (key.asymmetricKeyType !== 'ec') return refusal('WrongKeyType');
  return key.asymmetricKeyDetails?.namedCurve === curve ? undefined : refusal('InvalidCurve');
};

const checkSecretKey = (key: KeyObject, minBytes: number): JwtRefusal | undefined => {
  if (key.type !== 'secret') return refusal('WrongKeyType');
  return (key.symmetricKeySize ?? 0) < minBytes ? refusal('InsufficientKeyLength') : undefined;
};

/**
 * Says what makes a key unfit for an algorithm, or undefined when it fits: `WrongKeyType`, `InvalidCurve`,
 * `InsufficientKeyLength` (HS: 32, 48, 64 bytes), `InvalidPublicKey` (RSA below 2048 bits or with an unsound exponent).
 *
 * Public and private keys are judged alike. RSASSA-PSS keys (their own key type in OpenSSL) are not taken for PS.
 */
export const checkKeyFor = (algorithm: JwsAlgorithmName, key: KeyObject): JwtRefusal | undefined => {
  const rules = jwsRules(algorithm);
  switch (rules.family) {
    case 'HS':
      return checkSecretKey(key, rules.digestBytes);
    case 'RS':
    case 'PS':
      return checkRsaKey(key, rules.minModulusBits);
    case 'ES':
      return checkEcKey(key, rules.curve);
  }
};
