import type { Logger } from '#libs/program-shell';
import type { ToldMetric } from './worker-protocol.ts';
import { WorkerPlace, type EndedWorker, type StartWorker } from './worker-place.ts';

/** No worker ever served: trying on would not change that. */
export class WorkersCannotStart extends Error {
  readonly code = 'WORKERS_CANNOT_START';
  /** @param reason what the first worker that knew said; undefined: they ended without a word */
  constructor(reason: string | undefined) {
    super(reason ?? 'every worker process ended before it served');
    this.name = 'WorkersCannotStart';
  }
}

export interface SupervisorDeps {
  readonly count: number;
  readonly startWorker: StartWorker;
  readonly logger: Logger;
  readonly onRestart: () => void;
  readonly onEnded: (number: number) => void;
  readonly onLastMetrics: (number: number, metrics: readonly ToldMetric[]) => void;
  /** Fulfils when no more connections come and all that came have been taken by workers. */
  readonly closePort: () => Promise<void>;
  /** Milliseconds of a clock that only goes forward. */
  readonly nowMs: () => number;
}

/** Keeps as many workers running as are wanted, and stops them together. */
export class WorkerSupervisor {
  readonly places: readonly WorkerPlace[];
  readonly #firstServes: Promise<void>;
  #resolveFirst: () => void = () => undefined;
  #rejectFirst: (error: WorkersCannotStart) => void = () => undefined;
  #hasServed = false;
  #isStopping = false;
  /** Those that ended before any worker had served, by number. */
  readonly #heldBack = new Map<number, EndedWorker>();

  constructor(private readonly deps: SupervisorDeps) {
    const { startWorker, onLastMetrics, nowMs } = deps;
    const onServing = (): void => this.#served();
    const onEnded = (ended: EndedWorker): void => this.#ended(ended);
    const placeDeps = { startWorker, onServing, onEnded, onLastMetrics, nowMs };
    this.places = Array.from({ length: deps.count }, (_, index) => new WorkerPlace(index + 1, placeDeps));
    this.#firstServes = new Promise((resolve, reject) => {
      this.#resolveFirst = resolve;
      this.#rejectFirst = reject;
    });
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /**
   * Starts every worker and ends when the first of them serves.
   *
   * @throws WorkersCannotStart
   */
  async start(): Promise<void> {
    for (const place of this.places) place.start();
    await this.#firstServes;
  }

  /** Closes the port, and drains all workers at the same time then. One that has not ended after `killAfterMs` is killed. */
  async stop(killAfterMs: number): Promise<void> {
    this.#isStopping = true;
    await this.deps.closePort();
    await Promise.all(this.places.map((place) => place.stop(killAfterMs)));
  }

  kill(): void {
    this.#isStopping = true;
    for (const place of this.places) place.kill();
  }

  #served(): void {
    if (this.#hasServed) return;
    this.#hasServed = true;
    for (const ended of this.#heldBack.values()) this.#replace(ended);
    this.#heldBack.clear();
    this.#resolveFirst();
  }

  #ended(ended: EndedWorker): void {
    this.deps.onEnded(ended.number);
    if (this.#isStopping) return;
    if (this.#hasServed) return this.#replace(ended);
    this.#heldBack.set(ended.number, ended);
    if (this.#heldBack.size < this.places.length) return;
    this.#isStopping = true;
    const known = [...this.#heldBack.values()].find(({ reason }) => reason !== undefined);
    this.#rejectFirst(new WorkersCannotStart(known?.reason));
  }

  #replace({ number: worker, pid, code, signal, reason, livedMs }: EndedWorker): void {
    if (this.#isStopping) return;
    const pauseMs = this.places[worker - 1]?.startAgain(livedMs);
    this.deps.onRestart();
    const facts = { worker, pid, code, signal, pauseMs, ...(reason === undefined ? {} : { reason }) };
    if (code === 0) this.deps.logger.info(facts, 'a worker was stopped: another takes its place');
    else this.deps.logger.error(facts, 'a worker ended: another takes its place');
  }
}
