import type { KnownRevocations, RevocableClaims } from '#libs/token-revocations';

/** How far ahead of the clock a login may say that it began, in seconds. */
const MOST_SECONDS_AHEAD = 5;
const MS_PER_SECOND = 1_000;

export type RevocationView = Pick<KnownRevocations, 'isRevoked' | 'changes' | 'size'>;

/** When a request came, epoch milliseconds, and `KnownRevocations.changes` of that moment. */
export interface Arrival {
  readonly nowMs: number;
  readonly revocationChanges: number;
}

/**
 * When a login begins, so that it is never born revoked: whole users, clients and environments are revoked up to and with a
 * second, and somebody may log in again within that very second. What is learnt while the login is under way is meant for
 * it: the password that it proved may be the old one.
 *
 * @returns epoch milliseconds: when the request came, or the start of the next second that no revocation means; undefined:
 * it is revoked
 */
export function unrevokedStartMs(
  { sub, client_id }: Pick<RevocableClaims, 'sub' | 'client_id'>,
  { nowMs, revocationChanges }: Arrival,
  revocations: RevocationView,
): number | undefined {
  const nowSeconds = Math.floor(nowMs / MS_PER_SECOND);
  const mostAhead = revocations.changes === revocationChanges ? MOST_SECONDS_AHEAD : 0;
  for (let ahead = 0; ahead <= mostAhead; ahead += 1) {
    const iat = nowSeconds + ahead;
    if (!revocations.isRevoked({ sub, client_id, iat })) return ahead === 0 ? nowMs : iat * MS_PER_SECOND;
  }
  return undefined;
}
