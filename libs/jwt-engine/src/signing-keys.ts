import {
  createHash,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPair,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
  randomUUID,
} from 'node:crypto';
import { promisify } from 'node:util';
import { checkKeyFor } from './check-key.ts';
import { isJwsAlgorithmName, type JwsAlgorithmName, jwsRules } from './jws-algorithms.ts';
import { type JsonObject } from './json-value.ts';
import { decodeBase64Url } from './strict-base64url.ts';

/** A new key as it is stored: secret, whole. */
export interface GeneratedKey {
  readonly algorithm: JwsAlgorithmName;
  readonly keyId: string;
  /** Private or `oct` JWK with `kid`, `alg` and `use: 'sig'`. */
  readonly jwk: JsonObject;
}

/** A stored key made ready: the two halves of a pair, or the same secret twice. */
export interface SigningKey {
  readonly signing: KeyObject;
  readonly verification: KeyObject;
  readonly algorithm: JwsAlgorithmName;
  readonly keyId: string;
}

/** A stored JWK cannot be used. `member` says where the fault is; no value and no cause is kept, both may be secret. */
export class BrokenSigningKey extends Error {
  readonly code = 'BROKEN_SIGNING_KEY';
  constructor(readonly member: 'alg' | 'kid' | 'kty' | 'key') {
    super(`the signing key's JWK is broken: ${member}`);
    this.name = 'BrokenSigningKey';
  }
}

const RSA_MODULUS_BITS = 2048;

/** The members that RFC 7638 section 3.2 hashes, in its order; also all that is public of a key. */
const PUBLIC_MEMBERS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['RSA', ['e', 'kty', 'n']],
  ['EC', ['crv', 'kty', 'x', 'y']],
]);

const pick = (jwk: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(names.flatMap((name) => (jwk[name] === undefined ? [] : [[name, jwk[name]]])));

const thumbprint = (jwk: JsonObject): string =>
  createHash('sha256')
    .update(JSON.stringify(pick(jwk, PUBLIC_MEMBERS.get(jwk['kty']) ?? [])))
    .digest('base64url');

/** RFC 7638, SHA-256; undefined for a secret (its hash would tell of it) and for unknown kinds. */
export const jwkThumbprint = (jwk: JsonObject): string | undefined =>
  PUBLIC_MEMBERS.has(jwk['kty']) ? thumbprint(jwk) : undefined;

const exported = (key: KeyObject): JsonObject => key.export({ format: 'jwk' }) as JsonObject;

const generateMaterial = (algorithm: JwsAlgorithmName): JsonObject => {
  const rules = jwsRules(algorithm);
  switch (rules.family) {
    case 'HS':
      return { kty: 'oct', k: randomBytes(rules.digestBytes).toString('base64url') };
    case 'RS':
    case 'PS':
      return exported(generateKeyPairSync('rsa', { modulusLength: RSA_MODULUS_BITS }).privateKey);
    case 'ES':
      return exported(generateKeyPairSync('ec', { namedCurve: rules.curve }).privateKey);
  }
};

const named = (algorithm: JwsAlgorithmName, material: JsonObject): GeneratedKey => {
  const keyId = material['kty'] === 'oct' ? randomUUID() : thumbprint(material);
  return { algorithm, keyId, jwk: { ...material, kid: keyId, alg: algorithm, use: 'sig' } };
};

/**
 * Makes a key: RSA of 2048 bits (takes some hundred milliseconds, and blocks), the algorithm's curve, or a random
 * secret as long as the digest. The key id is the RFC 7638 thumbprint; for a secret that would be a hash of the secret,
 * so there it is a random UUID.
 */
export const generateSigningKey = (algorithm: JwsAlgorithmName): GeneratedKey =>
  named(algorithm, generateMaterial(algorithm));

const generateRsaPair = promisify(generateKeyPair);

/** The same, away from the event loop. */
export const generateSigningKeyAside = async (algorithm: JwsAlgorithmName): Promise<GeneratedKey> => {
  const { family } = jwsRules(algorithm);
  if (family !== 'RS' && family !== 'PS') return generateSigningKey(algorithm);
  const { privateKey } = await generateRsaPair('rsa', { modulusLength: RSA_MODULUS_BITS });
  return named(algorithm, exported(privateKey));
};

const secretFrom = (jwk: JsonObject): KeyObject => {
  const text = jwk['k'];
  const bytes = typeof text === 'string' ? decodeBase64Url(text) : undefined;
  if (bytes === undefined) throw new BrokenSigningKey('key');
  return createSecretKey(bytes);
};

const privateKeyOf = (jwk: JsonObject): KeyObject => {
  try {
    return createPrivateKey({ key: { ...jwk } as JsonWebKey, format: 'jwk' });
  } catch {
    throw new BrokenSigningKey('key');
  }
};

const requireText = (jwk: JsonObject, member: 'alg' | 'kid'): string => {
  const value = jwk[member];
  if (typeof value !== 'string' || value === '') throw new BrokenSigningKey(member);
  return value;
};

/**
 * Makes a stored JWK (as `generateSigningKey` gives it) ready to sign and verify.
 *
 * @throws BrokenSigningKey when `alg` or `kid` is missing or unknown, `kty` is another kind of key than `alg` wants, or
 * the material is broken, too weak or not private.
 */
export const signingKeyFromJwk = (jwk: JsonObject): SigningKey => {
  const algorithm = requireText(jwk, 'alg');
  if (!isJwsAlgorithmName(algorithm)) throw new BrokenSigningKey('alg');
  const keyId = requireText(jwk, 'kid');
  const isSecret = jwk['kty'] === 'oct';
  if (!isSecret && !PUBLIC_MEMBERS.has(jwk['kty'])) throw new BrokenSigningKey('kty');
  const signing = isSecret ? secretFrom(jwk) : privateKeyOf(jwk);
  const fault = checkKeyFor(algorithm, signing);
  if (fault !== undefined) throw new BrokenSigningKey(fault.code === 'WrongKeyType' ? 'kty' : 'key');
  return { signing, verification: isSecret ? signing : createPublicKey(signing), algorithm, keyId };
};

/** The public half of a JWK with its `kid`, `alg` and `use`, for publishing; undefined for a secret or an unknown kind. */
export const publicJwk = (jwk: JsonObject): JsonObject | undefined => {
  const members = PUBLIC_MEMBERS.get(jwk['kty']);
  return members === undefined ? undefined : pick(jwk, [...members, 'kid', 'alg', 'use']);
};
