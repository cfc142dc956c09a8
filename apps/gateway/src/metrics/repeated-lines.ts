/** How long lines that say the same are counted instead of written. */
export const SUMMED_UP_MS = 60_000;
/** What is counted at once; more different lines within that time are counted as one. */
const MOST_COUNTED = 1_000;

/** What was said again since it was written. */
export interface RepeatedLine<Facts> {
  readonly facts: Facts;
  /** Lines that were not written. */
  readonly count: number;
}

interface Counted<Facts> {
  readonly facts: Facts;
  readonly sinceMs: number;
  count: number;
}

/**
 * Keeps a flood of equal lines out of a log: the first is written, those of the minute after it are counted, and their
 * number is written when the minute is over. Of many that differ only `rest` is kept of each: memory stays bounded, and
 * so does what is written in a minute.
 */
export class RepeatedLines<Facts extends object> {
  /** Oldest first. */
  private readonly counted = new Map<string, Counted<Facts>>();

  /** @param rest the part of a line's facts that few lines differ in */
  constructor(private readonly rest: (facts: Facts) => Facts) {}

  /** Whether a line is to be written now. */
  isNews(facts: Facts, nowMs: number): boolean {
    const isRoom = this.counted.size < MOST_COUNTED || this.counted.has(JSON.stringify(facts));
    const kept = isRoom ? facts : this.rest(facts);
    const key = JSON.stringify(kept);
    const known = this.counted.get(key);
    if (known === undefined) {
      this.counted.set(key, { facts: kept, sinceMs: nowMs, count: 0 });
      return true;
    }
    known.count += 1;
    return false;
  }

  /** Takes what was counted for a minute. @param isLast take everything */
  takeDue(nowMs: number, isLast = false): readonly RepeatedLine<Facts>[] {
    const due: RepeatedLine<Facts>[] = [];
    for (const [key, { facts, sinceMs, count }] of this.counted) {
      if (!isLast && nowMs - sinceMs < SUMMED_UP_MS) continue;
      this.counted.delete(key);
      if (count > 0) due.push({ facts, count });
    }
    return due;
  }
}
