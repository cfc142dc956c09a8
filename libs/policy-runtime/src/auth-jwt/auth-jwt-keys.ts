import { createPublicKey, KeyObject, type JsonWebKey } from 'node:crypto';
import {
  checkKeyFor,
  secretKeyFrom,
  signingKeyFromJwk,
  type JsonObject,
  type JwsAlgorithmName,
} from '#libs/jwt-engine';
import type { AuthJwtContract } from '#libs/policy-contracts';
import type { LinkContext } from '../linking/link-context.ts';

/** Keys of one policy, ready to use. */
export interface AuthJwtKeys {
  readonly algorithm: JwsAlgorithmName;
  readonly keyId: string;
  readonly signing: KeyObject;
  /** By key id: the key that signs and those that still verify beside it. */
  readonly verification: ReadonlyMap<string, KeyObject>;
}

function verificationKeyFrom(jwk: JsonObject, algorithm: JwsAlgorithmName): KeyObject | undefined {
  try {
    const secret = jwk['k'];
    const key =
      jwk['kty'] === 'oct' && typeof secret === 'string'
        ? secretKeyFrom(secret, 'base64url')
        : createPublicKey({ key: { ...jwk } as JsonWebKey, format: 'jwk' });
    return key instanceof KeyObject && checkKeyFor(algorithm, key) === undefined ? key : undefined;
  } catch {
    return undefined;
  }
}

function signingKeyOf(jwk: JsonObject, context: LinkContext) {
  try {
    return signingKeyFromJwk(jwk);
  } catch {
    // The cause may speak of key material.
    context.refuse({
      field: 'signingKeys.signing',
      code: 'broken_signing_key',
      message: 'the signing key cannot be used',
    });
    return undefined;
  }
}

/** A key of another algorithm is from before the policy's algorithm changed; a policy takes one only. */
export const isFor = (jwk: JsonObject, algorithm: string): boolean =>
  jwk['alg'] === undefined || jwk['alg'] === algorithm;

function addVerificationKeys(
  jwks: readonly JsonObject[],
  keys: Map<string, KeyObject>,
  algorithm: JwsAlgorithmName,
  context: LinkContext,
): void {
  jwks.forEach((jwk, index) => {
    const keyId = jwk['kid'];
    if (!isFor(jwk, algorithm)) return;
    const key = verificationKeyFrom(jwk, algorithm);
    if (key !== undefined && typeof keyId === 'string') {
      if (!keys.has(keyId)) keys.set(keyId, key);
      return;
    }
    const field = `signingKeys.verification[${index}]`;
    context.refuse({ field, code: 'broken_verification_key', message: 'the verification key cannot be used' });
  });
}

export function signingKeysOf({ artifact, policyName }: Pick<LinkContext, 'artifact' | 'policyName'>) {
  return Object.hasOwn(artifact.signingKeys, policyName) ? artifact.signingKeys[policyName] : undefined;
}

/** The policy's keys from its artifact; undefined when they cannot be used: each reason is a link fault. */
export function linkAuthJwtKeys(contract: AuthJwtContract, context: LinkContext): AuthJwtKeys | undefined {
  const jwks = signingKeysOf(context);
  if (jwks === undefined) {
    const message = 'the artifact holds no signing key for this policy';
    context.refuse({ field: 'signingKeys', code: 'missing_signing_key', message });
    return undefined;
  }
  const key = signingKeyOf(jwks.signing as JsonObject, context);
  if (key === undefined) return undefined;
  if (key.algorithm !== contract.jwtSignatureAlgorithm) {
    const message = `the signing key is not for ${contract.jwtSignatureAlgorithm}`;
    context.refuse({ field: 'signingKeys.signing', code: 'wrong_algorithm', message });
    return undefined;
  }
  const verification = new Map([[key.keyId, key.verification]]);
  addVerificationKeys(jwks.verification as readonly JsonObject[], verification, key.algorithm, context);
  return { algorithm: key.algorithm, keyId: key.keyId, signing: key.signing, verification };
}
