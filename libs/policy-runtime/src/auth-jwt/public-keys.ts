import { publicJwk, type JsonObject } from '#libs/jwt-engine';
import type { AuthJwtContract } from '#libs/policy-contracts';
import type { LinkContext } from '../linking/link-context.ts';
import { isFor, signingKeysOf } from './auth-jwt-keys.ts';

/** What the public may know of a key that a `policy-auth-jwt` signs with, or verifies beside that one. */
export interface PublicKey {
  /** Of the policy: which of the two token services publishes the key (contract 6). */
  readonly managedFromThisPolicy: boolean;
  /** A JWK for a key set (RFC 7517): the members that are public, `kid`, `alg` and `use`. */
  readonly jwk: JsonObject;
}

/** Of a policy that could be linked. A secret has no public part; of several keys with one `kid` the first is used. */
export function publicKeysOf(
  { jwtSignatureAlgorithm, managedFromThisPolicy }: AuthJwtContract,
  place: Pick<LinkContext, 'artifact' | 'policyName'>,
): PublicKey[] {
  const keys = signingKeysOf(place);
  if (keys === undefined) return [];
  const accepted = new Map<unknown, JsonObject>();
  for (const jwk of [keys.signing, ...keys.verification] as readonly JsonObject[]) {
    if (isFor(jwk, jwtSignatureAlgorithm) && !accepted.has(jwk['kid'])) accepted.set(jwk['kid'], jwk);
  }
  return [...accepted.values()].flatMap((whole) => {
    const jwk = publicJwk({ ...whole, alg: jwtSignatureAlgorithm, use: 'sig' });
    return jwk === undefined ? [] : [{ managedFromThisPolicy, jwk }];
  });
}
