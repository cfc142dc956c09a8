import type { KeySetAttempt } from '#libs/config-distribution';
import { COOLDOWN_MS } from './fetch-restraint.ts';
import type { FetchWish } from './fetched-document.ts';
import { FETCH_LIMITS } from './key-set-fetcher.ts';
import { isWithin } from './time-span.ts';

/** Whoever has not ended an attempt after this time is gone: a fetch takes no longer, a second for telling the others. */
export const ATTEMPT_LASTS_MS = FETCH_LIMITS.timeoutMs + 1_000;

/** Clocks of gateways may be so far apart. What is said to be later than that is not believed. */
export const CLOCKS_APART_MS = 10_000;

/** What an attempt of another gateway means for a wish. */
export type Standing =
  /** Nothing: whoever has the wish may ask. */
  | 'free'
  | 'under-way'
  /** Nobody may ask yet. */
  | 'too-soon';

/** undefined: too far in the future to be true. */
export const believedTime = (ms: number, nowMs: number): number | undefined =>
  ms - nowMs > CLOCKS_APART_MS ? undefined : Math.min(ms, nowMs);

const isLately = (ms: number | null, lengthMs: number, nowMs: number): boolean =>
  ms !== null && isWithin(believedTime(ms, nowMs), lengthMs, nowMs);

type Wished = Pick<FetchWish, 'reason' | 'flush'>;

/** What was asked for before a flush does not count after it, nor do its cooldowns. */
export function standingOf(attempt: KeySetAttempt | undefined, { reason, flush }: Wished, nowMs: number): Standing {
  if (attempt === undefined || attempt.flush < flush) return 'free';
  const { beganAtMs, unknownKeyAtMs, result } = attempt;
  if (result === null) return isLately(beganAtMs, ATTEMPT_LASTS_MS, nowMs) ? 'under-way' : 'free';
  if (result.kind === 'nothing') return 'free';
  if (result.kind === 'failed') return isLately(result.atMs, COOLDOWN_MS, nowMs) ? 'too-soon' : 'free';
  return reason === 'unknown-key' && isLately(unknownKeyAtMs, COOLDOWN_MS, nowMs) ? 'too-soon' : 'free';
}

/**
 * The attempt that a wish makes after another one. It began later than that, whatever the clocks say: what it brings shall
 * count as newer.
 */
export function attemptAfter(last: KeySetAttempt | undefined, { reason, flush }: Wished, nowMs: number): KeySetAttempt {
  const isBelieved = last !== undefined && believedTime(last.beganAtMs, nowMs) !== undefined;
  const lastUnknownMs = isBelieved && last.flush >= flush ? last.unknownKeyAtMs : null;
  return {
    beganAtMs: isBelieved ? Math.max(nowMs, last.beganAtMs + 1) : nowMs,
    flush: isBelieved ? Math.max(flush, last.flush) : flush,
    unknownKeyAtMs: reason === 'unknown-key' ? nowMs : lastUnknownMs,
    result: null,
  };
}
