/** A process that lived this long did not die of its start. */
const STEADY_AFTER_MS = 10_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/**
 * How long to wait before a process that ended is started again: not at all, unless it ended soon after its start
 * repeatedly; then twice as long each time.
 */
export class RestartPauses {
  #quickEnds = 0;

  /** @param livedMs from its start to its end */
  next(livedMs: number): number {
    this.#quickEnds = livedMs >= STEADY_AFTER_MS ? 0 : this.#quickEnds + 1;
    if (this.#quickEnds <= 1) return 0;
    return Math.min(FIRST_PAUSE_MS * 2 ** (this.#quickEnds - 2), LONGEST_PAUSE_MS);
  }
}
