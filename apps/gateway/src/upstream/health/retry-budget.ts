const WINDOW_MS = 10_000;
/** Granted to every origin, so that one with few requests can be tried again at all: 3 a second. */
const FLOOR_PER_WINDOW = 30;
const PERCENT = 100;

/**
 * How many further attempts one origin is worth, by the requests of the last 10 s: where everything fails, attempts must
 * not multiply the load. Counts this window and the one before; of the latter that part which the last 10 s still reach.
 */
export class RetryBudget {
  #windowStartMs = 0;
  #requests = 0;
  #requestsBefore = 0;
  #retries = 0;
  #retriesBefore = 0;

  constructor(private readonly percent: number) {}

  /** A request was sent to the origin for the first time. */
  noteRequest(nowMs: number): void {
    if (nowMs - this.#windowStartMs >= WINDOW_MS) this.#turn(nowMs);
    this.#requests += 1;
  }

  /** Takes one further attempt out of the budget; false when none is left. */
  takeRetry(nowMs: number): boolean {
    if (nowMs - this.#windowStartMs >= WINDOW_MS) this.#turn(nowMs);
    const reached = 1 - (nowMs - this.#windowStartMs) / WINDOW_MS;
    const requests = this.#requests + this.#requestsBefore * reached;
    const retries = this.#retries + this.#retriesBefore * reached;
    if (retries + 1 > FLOOR_PER_WINDOW + (requests * this.percent) / PERCENT) return false;
    this.#retries += 1;
    return true;
  }

  #turn(nowMs: number): void {
    const isNext = nowMs - this.#windowStartMs < 2 * WINDOW_MS;
    this.#requestsBefore = isNext ? this.#requests : 0;
    this.#retriesBefore = isNext ? this.#retries : 0;
    this.#requests = 0;
    this.#retries = 0;
    this.#windowStartMs = isNext ? this.#windowStartMs + WINDOW_MS : nowMs;
  }
}
