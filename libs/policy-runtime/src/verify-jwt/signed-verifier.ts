import { compileVerifier } from '#libs/jwt-engine';
import type { LinkContext } from '../linking/link-context.ts';
import { compileFetchedKeyVerifier } from './fetched-key-verifier.ts';
import { linkKeySetAddress } from './key-set-address.ts';
import type { VerifyRules } from './link-verifier.ts';
import { memoryOf } from './token-memory.ts';
import { linkVerificationKey } from './verification-key.ts';
import type { SignedVerifyJwt, Verify, VerifyContext } from './verify-context.ts';

/** How a policy verifies signed tokens; undefined: it names no key. */
export function compileSigned(
  contract: SignedVerifyJwt,
  context: LinkContext,
): ((rules: VerifyRules) => Verify) | undefined {
  const address = linkKeySetAddress(contract, context);
  if (address !== undefined) return compileFetchedKeyVerifier(contract, address, context);
  const key = linkVerificationKey(contract, context);
  if (key === undefined) return undefined;
  const verifiedTokens = memoryOf(contract, context);
  return (rules) => compileVerifier<VerifyContext>({ ...rules, algorithms: contract.algorithm, key, verifiedTokens });
}
