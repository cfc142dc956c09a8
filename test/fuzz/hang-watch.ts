import { Worker } from 'node:worker_threads';

/** Nothing that is judged takes this long, on any machine. */
const LONGEST_MS = 60_000;

/** What the worker reads: the target that runs (-1: none), its case, and how many texts were judged. */
const PLACES = { target: 0, caseNumber: 1, judged: 2 } as const;

/**
 * Watches from another thread, so that an endless loop is seen too: when one text is judged for longer than any may be, it
 * says which, and ends the process.
 */
export class HangWatch {
  private readonly state = new Int32Array(new SharedArrayBuffer(12));
  private readonly worker: Worker;

  /** @param targets names, by number */
  constructor(targets: readonly string[], seed: number) {
    this.idle();
    this.worker = new Worker(new URL('./hang-watch.worker.mjs', import.meta.url), {
      workerData: { state: this.state, targets, seed, longestMs: LONGEST_MS },
      execArgv: [],
    });
    this.worker.unref();
  }

  judging(target: number, caseNumber: number): void {
    Atomics.store(this.state, PLACES.caseNumber, caseNumber);
    Atomics.store(this.state, PLACES.target, target);
    Atomics.add(this.state, PLACES.judged, 1);
  }

  /** Nothing is judged: servers start or stop. */
  idle(): void {
    Atomics.store(this.state, PLACES.target, -1);
  }
}
