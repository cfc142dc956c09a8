import { jwksSelectorFrom, type KeySelector } from '#libs/jwt-engine';
import { type SignedTokens, signedTokens } from './signed-tokens.ts';

/** Other keys of a set, as after some rotations. */
const OTHERS = 4;

/**
 * The selector of a set that holds the tokens' keys among others.
 *
 * @throws Error when the set cannot be read.
 */
export const keySetOf = (held: readonly SignedTokens[]): KeySelector<unknown> => {
  const others = Array.from({ length: OTHERS }, () => signedTokens('ES256'));
  const keys = [...others, ...held].map(({ key, keyId }) => ({ ...key.export({ format: 'jwk' }), kid: keyId }));
  const selector = jwksSelectorFrom(JSON.stringify({ keys }));
  if (typeof selector !== 'function') throw new Error(`broken assumption: the key set is no good: ${selector.code}`);
  return selector;
};
