interface Tried {
  readonly times: number;
  readonly nextAtMs: number;
}

/** Beyond this many the memory starts again. */
const REMEMBERED = 10_000;

/** What helps at once is done at once; what does not help is done again later and later. */
export class Backoff {
  private readonly tried = new Map<string, Tried>();

  /** @param firstMs after the first time, doubled each time, @param longestMs and never longer than that */
  constructor(
    private readonly firstMs: number,
    private readonly longestMs: number,
  ) {}

  /** @param nowMs of a clock that never goes back. */
  allows(key: string, nowMs: number): boolean {
    return nowMs >= (this.tried.get(key)?.nextAtMs ?? -Infinity);
  }

  note(key: string, nowMs: number): void {
    if (this.tried.size >= REMEMBERED) this.tried.clear();
    const before = this.tried.get(key);
    // Quiet for as long as the longest pause: whatever it was is over.
    const times = before === undefined || nowMs > before.nextAtMs + this.longestMs ? 0 : before.times;
    const pauseMs = Math.min(this.longestMs, this.firstMs * 2 ** times);
    this.tried.set(key, { times: times + 1, nextAtMs: nowMs + pauseMs });
  }
}
