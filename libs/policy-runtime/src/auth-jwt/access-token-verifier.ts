import { compileVerifier, refusal, type KeySelector, type VerifiedTokens, type Verifier } from '#libs/jwt-engine';
import type { AuthJwtContract } from '#libs/policy-contracts';
import type { LinkContext } from '../linking/link-context.ts';
import { audienceOf } from './audience.ts';
import type { AuthJwtKeys } from './auth-jwt-keys.ts';
import { checkTokenService } from './token-service-mark.ts';

/**
 * Access tokens of this environment for this proxy, of the policy's kind and signed with its own keys (contract 5).
 *
 * @param verifiedTokens where good ones are remembered; left out: nowhere
 */
export function compileAccessTokenVerifier(
  { managedFromThisPolicy }: Pick<AuthJwtContract, 'managedFromThisPolicy'>,
  { artifact }: Pick<LinkContext, 'artifact'>,
  { algorithm, verification }: AuthJwtKeys,
  verifiedTokens?: VerifiedTokens,
): Verifier<undefined> {
  const key: KeySelector<undefined> = ({ kid }) => {
    if (typeof kid !== 'string' || kid === '') return refusal('KeyIdMissing');
    return verification.get(kid) ?? refusal('NoMatchingPublicKey');
  };
  return compileVerifier<undefined>({
    algorithms: [algorithm],
    key,
    verifiedTokens,
    type: 'at+jwt',
    issuer: artifact.environment.tokenIssuer,
    audience: audienceOf(artifact.project, artifact.proxy),
    // Another gateway's clock may be a moment ahead of this one's.
    ignoreIssuedAt: true,
    checks: [checkTokenService(managedFromThisPolicy)],
  });
}
