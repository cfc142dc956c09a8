import { type KeyObject } from 'node:crypto';
import {
  type JweContentRules,
  jweContentRules,
  type JweKeyAlgorithmName,
  type JweKeyRules,
  jweKeyRules,
} from '../jwe-algorithms.ts';
import { type JsonObject, type JsonValue } from '../json-value.ts';
import { agreementCurveOf } from './agreement-curves.ts';
import { bytesOfParameter, type EncryptedToken } from './encrypted-token.ts';

const CBC_BLOCK_BYTES = 16;
/** RFC 3394 section 2.2.1: a wrapped key is one block of eight bytes longer. */
const WRAP_OVERHEAD_BYTES = 8;
/** RFC 7518 section 4.7.1. */
const GCM_WRAP = { vectorBytes: 12, tagBytes: 16 } as const;

/** GCM never sees a shortened tag, CBC never a broken block. */
const hasSoundContent = ({ initializationVector, tag, ciphertext }: EncryptedToken, rules: JweContentRules): boolean =>
  initializationVector.length === rules.initializationVectorBytes &&
  tag.length === rules.tagBytes &&
  (rules.mode === 'gcm' || (ciphertext.length > 0 && ciphertext.length % CBC_BLOCK_BYTES === 0));

/** Length of the encrypted key; 0 where the content encryption key is not sent at all. */
const encryptedKeyBytes = (rules: JweKeyRules, contentKeyBytes: number, key: KeyObject): number => {
  switch (rules.family) {
    case 'direct':
      return 0;
    case 'rsa':
      return Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
    case 'gcm-wrap':
      return contentKeyBytes;
    case 'wrap':
    case 'password':
      return contentKeyBytes + WRAP_OVERHEAD_BYTES;
    case 'agreement':
      return rules.keyBytes === undefined ? 0 : contentKeyBytes + WRAP_OVERHEAD_BYTES;
  }
};

/** The sender's key must be written as a point of our key's curve, with coordinates of full length. */
const isOnCurveOf = (ephemeral: JsonValue | undefined, key: KeyObject): boolean => {
  if (typeof ephemeral !== 'object' || ephemeral === null || Array.isArray(ephemeral)) return false;
  const curve = agreementCurveOf(key);
  const { kty, crv, x, y } = ephemeral as JsonObject;
  const isFull = (coordinate: JsonValue | undefined): boolean =>
    bytesOfParameter(coordinate)?.length === curve?.coordinateBytes;
  return curve !== undefined && kty === 'EC' && crv === curve.jwkName && isFull(x) && isFull(y);
};

const isAbsentOrBytes = (value: JsonValue | undefined): boolean =>
  value === undefined || bytesOfParameter(value) !== undefined;

/** The header parameters that belong to the key algorithm (RFC 7518 sections 4.6.1, 4.7.1 and 4.8.1). */
const hasSoundParameters = ({ header }: EncryptedToken, { family }: JweKeyRules, key: KeyObject): boolean => {
  switch (family) {
    case 'direct':
    case 'rsa':
    case 'wrap':
      return true;
    case 'gcm-wrap':
      return (
        bytesOfParameter(header['iv'])?.length === GCM_WRAP.vectorBytes &&
        bytesOfParameter(header['tag'])?.length === GCM_WRAP.tagBytes
      );
    case 'password':
      return bytesOfParameter(header['p2s']) !== undefined;
    case 'agreement':
      return isOnCurveOf(header['epk'], key) && isAbsentOrBytes(header['apu']) && isAbsentOrBytes(header['apv']);
  }
};

/**
 * Tells whether a token can open at all, before anything costly is done with a key that fits the algorithm: every part and
 * parameter is of the length and form that RFC 7518 fixes, and `zip` is `DEF` or absent (RFC 7516 section 4.1.3).
 */
export const hasSoundShape = (token: EncryptedToken, keyAlgorithm: JweKeyAlgorithmName, key: KeyObject): boolean => {
  const { zip } = token.header;
  const keyRules = jweKeyRules(keyAlgorithm);
  const contentRules = jweContentRules(token.contentAlgorithm);
  return (
    (zip === undefined || zip === 'DEF') &&
    hasSoundContent(token, contentRules) &&
    token.encryptedKey.length === encryptedKeyBytes(keyRules, contentRules.keyBytes, key) &&
    hasSoundParameters(token, keyRules, key)
  );
};
