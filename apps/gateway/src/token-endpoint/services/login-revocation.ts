import { accessTokenLifeMs, loginLifeMs, refreshTokenLifeMs, type AuthJwtContract } from '#libs/policy-contracts';
import { endOf, REVOCATION_LEDGER_LIMITS, type TokenRevocation } from '#libs/token-revocations';

/** A refresh that is on its way while its login is revoked still gives an access token: a moment later, rounded up. */
const LATEST_ISSUE_MS = 60_000;

export interface RevokedLogin {
  readonly familyId: string;
  /** When its last access token ends, as its record says, epoch milliseconds; undefined: it does not. */
  readonly accessEndsAtMs?: number | undefined;
  /** When its newest refresh token ends, as its record says, epoch milliseconds; undefined: not known. */
  readonly expiresAtMs?: number | undefined;
}

/** Logins come and go: they are remembered beyond their access tokens while there is plenty of room only. */
const hasRoom = ({ size }: { readonly size: number }): boolean => size < REVOCATION_LEDGER_LIMITS.remembered;

const refreshEndMs = (expiresAtMs: number, rules: AuthJwtContract, nowMs: number): number =>
  Math.max(expiresAtMs, nowMs + Math.min(refreshTokenLifeMs(rules), loginLifeMs(rules) ?? Infinity));

/**
 * The access tokens of one login: those that it was given, which may live longer than today's would, and one on its way. Its
 * store has ended the login, or is about to; the revocation lasts as long as its refresh token would, in case that comes back:
 * a server may lose its last writes, and somebody may put an older copy there.
 *
 * @param rules what they are given by; undefined: not known any more, so that nobody can say how long they live
 * @param known every revocation that this gateway knows
 */
export function loginRevocation(
  { familyId, accessEndsAtMs = 0, expiresAtMs = 0 }: RevokedLogin,
  rules: AuthJwtContract | undefined,
  { nowMs, known }: { readonly nowMs: number; readonly known: { readonly size: number } },
): TokenRevocation {
  const lifeMs = rules && accessTokenLifeMs(rules);
  const end = (lifeMs: number, rules: AuthJwtContract): number | null => {
    const rememberedUntilMs = hasRoom(known) ? refreshEndMs(expiresAtMs, rules, nowMs) : 0;
    return endOf(Math.max(nowMs + lifeMs, accessEndsAtMs, rememberedUntilMs) + LATEST_ISSUE_MS);
  };
  const endsAtMs = rules === undefined || lifeMs === undefined ? null : end(lifeMs, rules);
  return { by: 'family', value: familyId, issuedUntilSeconds: null, endsAtMs };
}
