/** Failures before the first one whose answer is slowed. */
const UNSLOWED_FAILURES = 2;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4_000;
/** Answers held back at once; each is a connection and a timer. Beyond, failures are only counted. */
const MOST_HELD = 256;

/** For how long the answer of the n-th failure is held back: 250 ms from the third on, doubled each time up to 4 s. */
export const pauseAfterMs = (failures: number): number =>
  failures <= UNSLOWED_FAILURES
    ? 0
    : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - UNSLOWED_FAILURES - 1));

/** Holds answers of failed logins back, a bounded number at once. */
export class SlowedAnswers {
  private held = 0;

  /** @param pause fulfils after so many milliseconds */
  constructor(
    private readonly pause: (ms: number) => Promise<void>,
    private readonly mostHeld = MOST_HELD,
  ) {}

  /** Fulfils when the answer of the n-th failure may be given. */
  async slow(failures: number): Promise<void> {
    const ms = pauseAfterMs(failures);
    if (ms === 0 || this.held >= this.mostHeld) return;
    this.held += 1;
    try {
      await this.pause(ms);
    } finally {
      this.held -= 1;
    }
  }
}
