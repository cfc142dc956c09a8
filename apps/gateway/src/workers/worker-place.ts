import { RestartPauses } from './restart-pauses.ts';
import type { FromWorker, Question, ToldMetric, ToWorker, WorkerAnswers } from './worker-protocol.ts';

/** How a process ended. */
export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A process that was started for a place. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  tell(message: ToWorker): void;
  /** At once, whatever it is doing. */
  kill(): void;
}

export interface WorkerListener {
  readonly onMessage: (message: FromWorker) => void;
  /** Once. */
  readonly onEnd: (end: WorkerEnd) => void;
}

export type StartWorker = (number: number, listener: WorkerListener) => WorkerProcess;

export interface EndedWorker extends WorkerEnd {
  readonly number: number;
  readonly pid: number | undefined;
  /** Why it said that it cannot start. */
  readonly reason: string | undefined;
  readonly livedMs: number;
}

export interface WorkerPlaceDeps {
  readonly startWorker: StartWorker;
  readonly onServing: () => void;
  /** After it the place is empty, until `start` or `startAgain`. */
  readonly onEnded: (ended: EndedWorker) => void;
  readonly onLastMetrics: (number: number, metrics: readonly ToldMetric[]) => void;
  /** Milliseconds of a clock that only goes forward. */
  readonly nowMs: () => number;
}

/** One place among the workers of a gateway, and the process that fills it now. */
export class WorkerPlace {
  readonly #pauses = new RestartPauses();
  readonly #questions = new Map<number, (content: unknown) => void>();
  #process: WorkerProcess | undefined;
  #startedAtMs = 0;
  #isServing = false;
  #reason: string | undefined;
  #restart: NodeJS.Timeout | undefined;
  #whenEmpty: (() => void) | undefined;
  #lastId = 0;

  constructor(
    /** From 1 on. */
    readonly number: number,
    private readonly deps: WorkerPlaceDeps,
  ) {}

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get isServing(): boolean {
    return this.#isServing;
  }

  start(): void {
    this.#startedAtMs = this.deps.nowMs();
    this.#reason = undefined;
    this.#process = this.deps.startWorker(this.number, {
      onMessage: (message) => this.#heard(message),
      onEnd: (end) => this.#ended(end),
    });
  }

  /** @returns how long the place stays empty before */
  startAgain(livedMs: number): number {
    const pauseMs = this.#pauses.next(livedMs);
    if (pauseMs === 0) this.start();
    else this.#restart = setTimeout(() => this.start(), pauseMs);
    return pauseMs;
  }

  /** undefined: there is nobody to ask, or no answer came in time. */
  async ask<Asked extends Question>(what: Asked, withinMs: number): Promise<WorkerAnswers[Asked] | undefined> {
    if (this.#process === undefined || !this.#isServing) return undefined;
    const id = (this.#lastId += 1);
    const answer = new Promise<unknown>((resolve) => this.#questions.set(id, resolve));
    const late = setTimeout(() => this.#answered(id, undefined), withinMs);
    this.#process.tell({ kind: 'ask', id, what });
    const content = await answer;
    clearTimeout(late);
    // The process is our own program: it answers what it was asked.
    return content as WorkerAnswers[Asked] | undefined;
  }

  /** Lets its process drain and fulfils when that has ended. After `killAfterMs` it is killed. */
  async stop(killAfterMs: number): Promise<void> {
    clearTimeout(this.#restart);
    const running = this.#process;
    if (running === undefined) return;
    const empty = new Promise<void>((resolve) => (this.#whenEmpty = resolve));
    const late = setTimeout(() => running.kill(), killAfterMs);
    running.tell({ kind: 'stop' });
    await empty;
    clearTimeout(late);
  }

  kill(): void {
    this.#process?.kill();
  }

  #heard(message: FromWorker): void {
    if (message.kind === 'serving') {
      this.#isServing = true;
      this.deps.onServing();
    } else if (message.kind === 'cannot-start') this.#reason = message.message;
    else if (message.kind === 'answer') this.#answered(message.id, message.content);
    else this.deps.onLastMetrics(this.number, message.metrics);
  }

  #answered(id: number, content: unknown): void {
    this.#questions.get(id)?.(content);
    this.#questions.delete(id);
  }

  #ended(end: WorkerEnd): void {
    const { number, pid } = this;
    const livedMs = this.deps.nowMs() - this.#startedAtMs;
    this.#process = undefined;
    this.#isServing = false;
    for (const id of [...this.#questions.keys()]) this.#answered(id, undefined);
    this.deps.onEnded({ ...end, number, pid, livedMs, reason: this.#reason });
    this.#whenEmpty?.();
  }
}
