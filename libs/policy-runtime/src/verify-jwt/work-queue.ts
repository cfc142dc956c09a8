export interface WorkQueueLimits {
  readonly atOnce: number;
  /** In line beside those that run. */
  readonly waiting: number;
}

/** Expensive work in the order of arrival: so much at once, so much in line, and nothing beyond. */
export class WorkQueue {
  private readonly limits: WorkQueueLimits;
  private running = 0;
  private readonly line: (() => void)[] = [];

  constructor(limits: WorkQueueLimits) {
    this.limits = limits;
  }

  /** What the work answers; undefined: no place in line, and the work is never started. */
  run<Result>(work: () => Promise<Result>): Promise<Result> | undefined {
    if (this.running < this.limits.atOnce) return this.start(work);
    if (this.line.length >= this.limits.waiting) return undefined;
    return new Promise((resolve) => {
      this.line.push(() => {
        resolve(this.start(work));
      });
    });
  }

  private async start<Result>(work: () => Promise<Result>): Promise<Result> {
    this.running += 1;
    try {
      return await work();
    } finally {
      this.running -= 1;
      this.line.shift()?.();
    }
  }
}
