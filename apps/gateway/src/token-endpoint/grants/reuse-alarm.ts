import { accessTokenLifeMs, type AuthJwtContract } from '#libs/policy-contracts';
import type { OAuthRefusal } from '../protocol/oauth-refusal.ts';
import { badRefreshToken, REFRESH_TOKEN_REASON } from '../protocol/refresh-token-refusals.ts';
import { loginRevocation, type RevokedLogin } from '../services/login-revocation.ts';
import { givesRefreshTokens, type GrantServices } from './grant.ts';

/**
 * A used token came again, so somebody else has it too (RFC 9700 section 4.14.2). The store has ended the family; its
 * access tokens end here. When that fails the answer is 503, and whoever repeats the request comes here again.
 *
 * @param rules by what the login was given tokens
 * @throws RevocationLedgerUnavailable
 */
export async function raiseReuseAlarm(
  login: RevokedLogin,
  rules: AuthJwtContract | undefined,
  nowMs: number,
  { revocationWriter, revocations: known }: Pick<GrantServices, 'revocationWriter' | 'revocations'>,
): Promise<OAuthRefusal> {
  await revocationWriter.revoke([loginRevocation(login, rules, { nowMs, known })], 'urgent');
  return { ...badRefreshToken(REFRESH_TOKEN_REASON.reused), about: { familyId: login.familyId } };
}

/** The rules by which access tokens beside a refresh token live longest; undefined: nothing gives refresh tokens. */
export const longestLived = (rules: readonly AuthJwtContract[]): AuthJwtContract | undefined =>
  rules
    .filter(givesRefreshTokens)
    .sort((one, other) => (accessTokenLifeMs(other) ?? 0) - (accessTokenLifeMs(one) ?? 0))[0];
