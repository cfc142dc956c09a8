import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import {
  type ClaimCheck,
  compileEncryptedVerifier,
  compileVerifier,
  isJweContentAlgorithmName,
  isJweKeyAlgorithmName,
  isJwsAlgorithmName,
  JWE_KEY_ALGORITHM_NAMES,
  type JweKeyAlgorithmName,
  type JsonObject,
  JWS_ALGORITHM_NAMES,
  type JwsAlgorithmName,
  type JwtRefusal,
  privateKeyFrom,
  publicKeyFrom,
  refusal,
  secretKeyFrom,
  type TokenRules,
  type VerifyResult,
} from '#libs/jwt-engine';
import { type ClaimRules, PUBLISHED_NOW_SECONDS, type PublishedCase } from './published-cases.ts';

const requires =
  (name: string, isMet: (value: unknown) => boolean): ClaimCheck<void> =>
  ({ claims }) =>
    isMet(Object.hasOwn(claims, name) ? claims[name] : undefined)
      ? undefined
      : refusal('ClaimMismatch', { claim: name });

const rulesOf = ({ issuer, audience, subject, clockTolerance, requiredClaims, typ }: ClaimRules): TokenRules<void> => ({
  ...(issuer === undefined ? {} : { issuer }),
  ...(audience === undefined ? {} : { audience }),
  ...(typ === undefined ? {} : { type: typ }),
  timeAllowanceSeconds: clockTolerance ?? 0,
  checks: [
    ...(subject === undefined ? [] : [requires('sub', (value) => value === subject)]),
    ...(requiredClaims ?? []).map((name) => requires(name, (value) => value !== undefined)),
  ],
});

type ReadPem = (pem: string) => KeyObject | JwtRefusal;
type ReadJwk = (jwk: JsonWebKey) => KeyObject;

const keyOfJwk = (jwk: JsonObject, read: ReadJwk): KeyObject | JwtRefusal => {
  const { kty, k } = jwk;
  if (kty === 'oct') return secretKeyFrom(typeof k === 'string' ? k : '', 'base64url');
  try {
    return read(jwk);
  } catch {
    return refusal('KeyParsingFailed');
  }
};

const keyOf = ({ key }: PublishedCase, readPem: ReadPem, readJwk: ReadJwk): KeyObject | JwtRefusal => {
  if (key.form === 'jwk') return keyOfJwk(key.value, readJwk);
  return key.form === 'pem' ? readPem(key.value) : secretKeyFrom(key.value, 'base64url');
};

/** The key as the engine is given it: to verify with, or to open with. */
export const publishedKey = (published: PublishedCase): KeyObject | JwtRefusal =>
  published.kind === 'JWS'
    ? keyOf(published, publicKeyFrom, (key) => createPublicKey({ key, format: 'jwk' }))
    : keyOf(published, privateKeyFrom, (key) => createPrivateKey({ key, format: 'jwk' }));

/** Whether the engine has the algorithms that the case is about. */
export const isOurs = ({ kind, alg, enc }: PublishedCase): boolean =>
  kind === 'JWS'
    ? isJwsAlgorithmName(alg)
    : isJweKeyAlgorithmName(alg) && (enc === undefined || isJweContentAlgorithmName(enc));

const judgeWith = async (
  published: PublishedCase,
  algorithm: JwsAlgorithmName | JweKeyAlgorithmName,
): Promise<VerifyResult> => {
  const { token = '', enc, verify = {} } = published;
  const key = publishedKey(published);
  if ('ok' in key) return key;
  const rules = rulesOf(verify);
  const nowSeconds = verify.now ?? PUBLISHED_NOW_SECONDS;
  if (isJwsAlgorithmName(algorithm))
    return compileVerifier({ ...rules, algorithms: [algorithm], key })(token, nowSeconds);
  const contentAlgorithm = enc !== undefined && isJweContentAlgorithmName(enc) ? { contentAlgorithm: enc } : {};
  const encryption = { keyAlgorithm: algorithm, ...contentAlgorithm };
  return compileEncryptedVerifier({ ...rules, encryption, key })(token, nowSeconds);
};

/** The verdict of a verifier for the case's own algorithm, which must be ours. */
export const judgePublished = (published: PublishedCase): Promise<VerifyResult> =>
  judgeWith(published, published.alg as JwsAlgorithmName | JweKeyAlgorithmName);

/** The verdicts of verifiers for every algorithm that we have. */
export const judgeByAllAlgorithms = (published: PublishedCase): Promise<VerifyResult[]> =>
  Promise.all(
    (published.kind === 'JWS' ? JWS_ALGORITHM_NAMES : JWE_KEY_ALGORITHM_NAMES).map((algorithm) =>
      judgeWith(published, algorithm),
    ),
  );
