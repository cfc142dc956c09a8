import type { RefreshTokenRules, RefreshTokenSubject } from '../refresh-token-store.port.ts';

/** Everything that decides about a family; replaced as a whole by every rotation. Times are epoch milliseconds. */
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
}

const expiryOf = (rules: RefreshTokenRules, nowMs: number): number =>
  Math.min(nowMs + rules.lifeMs, Number.MAX_SAFE_INTEGER);

export const openFamily = (
  subject: RefreshTokenSubject,
  tokenHash: string,
  rules: RefreshTokenRules,
  nowMs: number,
): FamilyRecord => ({
  subject,
  startedAtMs: nowMs,
  newestHash: tokenHash,
  issuedAtMs: nowMs,
  expiresAtMs: expiryOf(rules, nowMs),
  uses: 0,
  previousHash: undefined,
  graceUntilMs: 0,
});

export const advanceFamily = (
  family: FamilyRecord,
  successorHash: string,
  rules: RefreshTokenRules,
  nowMs: number,
): FamilyRecord => ({
  ...family,
  newestHash: successorHash,
  issuedAtMs: nowMs,
  expiresAtMs: expiryOf(rules, nowMs),
  uses: family.uses + 1,
  previousHash: family.newestHash,
  graceUntilMs: nowMs + rules.graceMs,
});
