import type { VerifiedTokens } from '#libs/jwt-engine';
import type { SignedTokens, VerifyJwtContract } from '#libs/policy-contracts';
import { isBuiltInVariable } from '../exchange/compile-variable.ts';
import type { LinkContext } from '../linking/link-context.ts';
import type { SignedVerifyJwt } from './verify-context.ts';

/** Every variable that says which key a policy verifies with. */
function keyReferences({ secretKey, publicKey }: SignedTokens): string[] {
  const { value, certificate, jwks } = publicKey ?? {};
  return [secretKey?.ref, value?.ref, certificate?.ref, jwks?.ref, jwks?.uriRef].filter((ref) => ref !== undefined);
}

/**
 * Where a policy's good tokens are remembered; undefined: nowhere. A key that comes with the request is never remembered with
 * a token: whoever sends both would fill the memory with what nobody else can use.
 */
export function memoryOf(
  contract: SignedVerifyJwt & Pick<VerifyJwtContract, 'cacheVerifiedTokens'>,
  { options }: Pick<LinkContext, 'options'>,
): VerifiedTokens | undefined {
  const isOff = contract.cacheVerifiedTokens === false || keyReferences(contract).some(isBuiltInVariable);
  return isOff ? undefined : options.verifiedTokens;
}
