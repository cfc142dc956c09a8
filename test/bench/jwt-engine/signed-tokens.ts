import { type KeyObject } from 'node:crypto';
import { compileSigner, generateSigningKey, type JwsAlgorithmName, signingKeyFromJwk } from '#libs/jwt-engine';

export const NOW_SECONDS = 1_700_000_000;
export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'urn:gatewarden:demo/orders';
/** Tokens of a set: enough that no memory of one token helps. */
export const TOKENS = 200;

/** The four algorithms that targets are set for. */
export const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'HS256'] as const satisfies readonly JwsAlgorithmName[];

export interface SignedTokens {
  readonly algorithm: JwsAlgorithmName;
  readonly key: KeyObject;
  readonly keyId: string;
  readonly at: (index: number) => string;
}

/** As a header of a request gives it: one flat text, not the pieces that a signer put together. */
export const flat = (token: string): string => Buffer.from(token, 'latin1').toString('latin1');

export const claimsOf = (index: number) => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: `user-${index}`,
  jti: `token-${index}`,
  scope: 'read write',
  iat: NOW_SECONDS - 10,
  nbf: NOW_SECONDS - 10,
  exp: NOW_SECONDS + 300,
});

/** Gives the text at a place of the list, which goes round. */
export const atOf =
  <Item>(items: readonly Item[]) =>
  (index: number): Item => {
    const item = items[index % items.length];
    if (item === undefined) throw new RangeError('an empty list');
    return item;
  };

export const signedTokens = (algorithm: JwsAlgorithmName): SignedTokens => {
  const { signing, verification, keyId } = signingKeyFromJwk(generateSigningKey(algorithm).jwk);
  const sign = compileSigner({ algorithm, key: signing, keyId, type: 'at+jwt' });
  const tokens = Array.from({ length: TOKENS }, (_, index) => flat(sign(claimsOf(index))));
  return { algorithm, key: verification, keyId, at: atOf(tokens) };
};
