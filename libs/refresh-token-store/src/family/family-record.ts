import type { RefreshTokenRules, RefreshTokenSubject } from '../refresh-token-store.port.ts';

/**
 * Everything that decides about a family; replaced as a whole by every rotation. Times are epoch milliseconds. Gateways
 * of other versions read and replace these: members are only ever added, and optional.
 */
export interface FamilyRecord {
  readonly subject: RefreshTokenSubject;
  /** Time of the login; never changes. */
  readonly startedAtMs: number;
  /** Hash of the newest token. */
  readonly newestHash: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** Rotations since the login. */
  readonly uses: number;
  /** Hash of the token that the newest one replaced. */
  readonly previousHash: string | undefined;
  /** Until when the previous token may be presented again (exclusive). */
  readonly graceUntilMs: number;
  /** Gateway of the login. */
  readonly startedBy?: string | undefined;
  /** Gateway that gave the token after so many uses. An older gateway replaces the token but keeps this as it is. */
  readonly givenBy?: { readonly gateway: string; readonly uses: number } | undefined;
  /** When the last access token ends that was given beside a token: policies' lives change. */
  readonly accessEndsAtMs?: number | undefined;
}

/** A token that is being given. */
export interface GivenToken {
  readonly hash: string;
  readonly rules: RefreshTokenRules;
  readonly nowMs: number;
  readonly gatewayId: string | undefined;
}

/** From when on a login cannot be refreshed any more, epoch milliseconds. */
export const endOfLogin = (startedAtMs: number, { absoluteLifeMs = Infinity }: RefreshTokenRules): number =>
  startedAtMs + absoluteLifeMs;

const expiryOf = (startedAtMs: number, { rules, nowMs }: GivenToken): number =>
  Math.min(nowMs + rules.lifeMs, endOfLogin(startedAtMs, rules), Number.MAX_SAFE_INTEGER);

const giverOf = ({ gatewayId }: GivenToken, uses: number): FamilyRecord['givenBy'] =>
  gatewayId === undefined ? undefined : { gateway: gatewayId, uses };

const lastAccessEnd = (before: number | undefined, { rules, nowMs }: GivenToken): number | undefined =>
  rules.accessLifeMs === undefined ? before : Math.max(before ?? 0, nowMs + rules.accessLifeMs);

export const openFamily = (subject: RefreshTokenSubject, token: GivenToken): FamilyRecord => ({
  subject,
  startedAtMs: token.nowMs,
  newestHash: token.hash,
  issuedAtMs: token.nowMs,
  expiresAtMs: expiryOf(token.nowMs, token),
  uses: 0,
  previousHash: undefined,
  graceUntilMs: 0,
  startedBy: token.gatewayId,
  givenBy: giverOf(token, 0),
  accessEndsAtMs: lastAccessEnd(undefined, token),
});

export const advanceFamily = (family: FamilyRecord, successor: GivenToken): FamilyRecord => ({
  ...family,
  newestHash: successor.hash,
  issuedAtMs: successor.nowMs,
  expiresAtMs: expiryOf(family.startedAtMs, successor),
  uses: family.uses + 1,
  previousHash: family.newestHash,
  // No grace by any clock: another gateway's may be behind this one's.
  graceUntilMs: successor.rules.graceMs === 0 ? 0 : successor.nowMs + successor.rules.graceMs,
  givenBy: giverOf(successor, family.uses + 1),
  accessEndsAtMs: lastAccessEnd(family.accessEndsAtMs, successor),
});
