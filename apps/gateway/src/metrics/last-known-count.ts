/** How old a count may be before it is asked for again. */
export const COUNT_AGE_MS = 15_000;

/**
 * A count that is asked for elsewhere. Who reads it never waits: it gets what was last known, and an old count is asked
 * for again meanwhile.
 */
export class LastKnownCount {
  private count: number | undefined;
  private askedAtMs = -Infinity;
  private isAsking = false;

  /**
   * @param ask undefined and errors: not known now
   * @param nowMs never set back
   */
  constructor(
    private readonly ask: () => Promise<number>,
    private readonly nowMs: () => number,
  ) {}

  /** undefined: not known. */
  read(): number | undefined {
    if (!this.isAsking && this.nowMs() - this.askedAtMs >= COUNT_AGE_MS) void this.askAgain();
    return this.count;
  }

  private async askAgain(): Promise<void> {
    this.isAsking = true;
    this.askedAtMs = this.nowMs();
    try {
      this.count = await this.ask();
    } catch {
      this.count = undefined;
    } finally {
      this.isAsking = false;
    }
  }
}
