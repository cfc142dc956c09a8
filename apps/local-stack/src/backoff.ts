const FIRST_MS = 500;
const LONGEST_MS = 10_000;
/** Who ran so long had come up well: the next restart is quick again. */
const STABLE_MS = 30_000;

/** How long to wait before the next restart: doubles from half a second to ten. */
export class Backoff {
  private nextMs = FIRST_MS;

  /** @param ranMs how long the process had run */
  delayMs(ranMs: number): number {
    if (ranMs >= STABLE_MS) this.nextMs = FIRST_MS;
    const current = this.nextMs;
    this.nextMs = Math.min(this.nextMs * 2, LONGEST_MS);
    return current;
  }
}
