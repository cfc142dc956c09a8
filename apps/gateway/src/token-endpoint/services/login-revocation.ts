import { accessTokenLifeMs, type AuthJwtContract } from '#libs/policy-contracts';
import { endOf, type TokenRevocation } from '#libs/token-revocations';

/** A refresh that is on its way while its login is revoked still gives an access token: a moment later, rounded up. */
const LATEST_ISSUE_MS = 60_000;

export interface RevokedLogin {
  readonly familyId: string;
  /** When its last access token ends, as its record says, epoch milliseconds; undefined: it does not. */
  readonly accessEndsAtMs?: number | undefined;
}

/**
 * The access tokens of one login: those that it was given, which may live longer than today's would, and one on its way.
 *
 * @param rules what they are given by; undefined: not known any more, so that nobody can say how long they live
 */
export function loginRevocation(
  { familyId, accessEndsAtMs = 0 }: RevokedLogin,
  rules: AuthJwtContract | undefined,
  nowMs: number,
): TokenRevocation {
  const lifeMs = rules && accessTokenLifeMs(rules);
  const endsAtMs = lifeMs === undefined ? null : endOf(Math.max(nowMs + lifeMs, accessEndsAtMs) + LATEST_ISSUE_MS);
  return { by: 'family', value: familyId, issuedUntilSeconds: null, endsAtMs };
}
