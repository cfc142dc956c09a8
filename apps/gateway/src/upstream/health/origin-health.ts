import type { HealthLimits } from './health-limits.ts';
import { RetryBudget } from './retry-budget.ts';

/** Hears when an origin begins or ceases to take no part. */
export interface HealthWatcher {
  ejected(origin: string, forMs: number): void;
  readmitted(origin: string): void;
}

/** An ejection is at most so many times as long as the first. */
const LONGEST_TIMES = 8;

/** What is known of one origin, for metrics. */
export interface OriginFacts {
  /** Attempts whose answers have not ended, conversations after an upgrade included. */
  readonly inFlight: number;
  readonly isEjected: boolean;
  readonly ejections: number;
  /** Further attempts that were made. */
  readonly retries: number;
  /** Further attempts that the budget did not allow. */
  readonly retriesRefused: number;
}

/**
 * What the attempts at one origin say about it. After failures in a row it is ejected: it takes no part until its time
 * is over, then one attempt at a time probes it, and an answer readmits it. Only attempts that began after an ejection
 * say anything about its end: what was under way before may still fail, or succeed, for a long time.
 *
 * Every attempt has a ticket, a number that grows. Times are milliseconds of one clock that never goes back.
 */
export class OriginHealth implements OriginFacts {
  inFlight = 0;
  ejections = 0;
  retries = 0;
  retriesRefused = 0;
  isEjected = false;
  #lastTicket = 0;
  #failuresInARow = 0;
  /** The last attempt before the last ejection. */
  #ejectedAtTicket = 0;
  #probeTicket = 0;
  /** When it may be probed, while it is ejected. */
  #probeAtMs = 0;
  #ejectMs = 0;
  #readmittedAtMs = 0;
  readonly #budget: RetryBudget;

  constructor(
    readonly origin: string,
    private readonly limits: HealthLimits,
    private readonly watcher: HealthWatcher,
  ) {
    this.#budget = new RetryBudget(limits.retryBudgetPercent);
  }

  /** Whether it takes its turn at new requests. */
  isOpen(nowMs: number): boolean {
    return !this.isEjected || nowMs >= this.#probeAtMs;
  }

  /** The first attempt of a request, or the repetition of one that was never seen. Gives its ticket. */
  begin(nowMs: number): number {
    this.#budget.noteRequest(nowMs);
    return this.#admit(nowMs);
  }

  /** A further attempt of a request that failed, here or elsewhere. Gives its ticket; 0: the budget does not allow it. */
  beginAgain(nowMs: number): number {
    if (!this.#budget.takeRetry(nowMs)) {
      this.retriesRefused += 1;
      return 0;
    }
    this.retries += 1;
    return this.#admit(nowMs);
  }

  /** The head of an answer came. */
  answered(ticket: number, status: number, nowMs: () => number): void {
    if (this.limits.countsErrorAnswers && status >= 502 && status <= 504) return this.failed(ticket, nowMs());
    if (ticket <= this.#ejectedAtTicket) return;
    this.#failuresInARow = 0;
    if (!this.isEjected) return;
    this.isEjected = false;
    this.#readmittedAtMs = nowMs();
    this.watcher.readmitted(this.origin);
  }

  /** No connection, no answer in time, or none that could be read. */
  failed(ticket: number, nowMs: number): void {
    if (ticket <= this.#ejectedAtTicket) return;
    if (this.isEjected) {
      if (ticket === this.#probeTicket) this.#eject(nowMs);
      return;
    }
    this.#failuresInARow += 1;
    if (this.#failuresInARow === this.limits.ejectAfterFailures) this.#eject(nowMs);
  }

  /** The attempt is over, however it ended. To be said once of each, last. */
  left(ticket: number): void {
    this.inFlight -= 1;
    // A probe that was given up has said nothing: another one may go at once.
    if (ticket === this.#probeTicket && this.isEjected) this.#probeAtMs = 0;
  }

  #admit(nowMs: number): number {
    this.inFlight += 1;
    this.#lastTicket += 1;
    if (this.isEjected && nowMs >= this.#probeAtMs) {
      this.#probeTicket = this.#lastTicket;
      // One that says nothing for long, as it may with a body that flows for an hour, is not waited for.
      this.#probeAtMs = nowMs + this.#ejectMs;
    }
    return this.#lastTicket;
  }

  #eject(nowMs: number): void {
    const { ejectMs } = this.limits;
    const wasGoodFor = this.isEjected ? 0 : nowMs - this.#readmittedAtMs;
    const isNew = this.#ejectMs === 0 || wasGoodFor >= LONGEST_TIMES * ejectMs;
    this.#ejectMs = isNew ? ejectMs : Math.min(2 * this.#ejectMs, LONGEST_TIMES * ejectMs);
    this.isEjected = true;
    this.ejections += 1;
    this.#failuresInARow = 0;
    this.#ejectedAtTicket = this.#lastTicket;
    this.#probeTicket = 0;
    this.#probeAtMs = nowMs + this.#ejectMs;
    this.watcher.ejected(this.origin, this.#ejectMs);
  }
}
