import type { FetchWish } from './fetched-document.ts';
import { isWithin } from './time-span.ts';

/** After a fetch that failed, and after one for an unknown kid, the next one waits this long (verify-jwt.md, decisions). */
export const COOLDOWN_MS = 30_000;
/** After hearing that another gateway asks, or has asked lately, a wish for the same reason waits this long. */
export const PAUSE_MS = 1_000;

type Reason = FetchWish['reason'];

/** When a set may be fetched. */
export class FetchRestraint {
  #failedAtMs: number | undefined;
  #refetchedAtMs: number | undefined;
  readonly #heldBackAtMs = new Map<Reason, number>();

  mayFetch(reason: Reason, nowMs: number): boolean {
    if (isWithin(this.#failedAtMs, COOLDOWN_MS, nowMs)) return false;
    if (isWithin(this.#heldBackAtMs.get(reason), PAUSE_MS, nowMs)) return false;
    return reason !== 'unknown-key' || !isWithin(this.#refetchedAtMs, COOLDOWN_MS, nowMs);
  }

  failed(atMs: number): void {
    this.#failedAtMs = atMs;
  }

  /** @param atMs when the set was asked for that a token with an unknown kid waited for */
  refetched(atMs: number): void {
    this.#refetchedAtMs = atMs;
  }

  /** Nobody was asked: another gateway has done it, or does. Who needs the set for another reason may still wait for that. */
  heldBack(reason: Reason, atMs: number): void {
    this.#heldBackAtMs.set(reason, atMs);
  }
}
