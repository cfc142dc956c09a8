import { EventStoreUnavailable } from './event-store-errors.ts';
import { type GlobalPosition, START } from './global-position.ts';
import { type PostgresEventStore } from './postgres-event-store.ts';
import { type PostgresTransaction } from './postgres-session.ts';
import { type Batch, moveCheckpoint, readBatch, resetCheckpoint } from './projection-checkpoints.ts';
import { type Projection } from './projection.port.ts';

export interface ProjectionLoopOptions {
  readonly pollMs: number;
  readonly batchSize: number;
  readonly maxBackoffMs: number;
  readonly onError: (projection: string, error: unknown) => void;
  readonly onAdvance: () => void;
}

/** Longest pause while the database is away, in milliseconds: it is nobody's fault, and it comes back. */
const UNAVAILABLE_PAUSE_MS = 1_000;

type StepOutcome = 'advanced' | 'idle';

/** Keeps one projection up with the log, on its own: what fails here stops no other. */
export class ProjectionLoop {
  /** As last seen in the database, whoever moved it. */
  checkpoint: GlobalPosition = START;
  isFailing = false;
  private limit: number;
  private failures = 0;
  private stopping = false;
  private woken = false;
  private endPause: (() => void) | undefined;
  private running: Promise<void> | undefined;
  private workInHand: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: PostgresEventStore,
    readonly projection: Projection<PostgresTransaction>,
    private readonly options: ProjectionLoopOptions,
  ) {
    this.limit = options.batchSize;
  }

  start(): void {
    if (this.running !== undefined) return;
    this.stopping = false;
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.endPause?.();
    await this.running;
    this.running = undefined;
  }

  /** Looks at once, unless it is backing off from a failure. */
  wake(): void {
    this.woken = true;
    if (!this.isFailing) this.endPause?.();
  }

  /** Empties the read model and begins again, in one transaction. */
  reset(): Promise<void> {
    return this.inTurn(async () => {
      await this.store.transact(async ({ transaction }) => {
        await resetCheckpoint(transaction, this.projection.name);
        await this.projection.reset(transaction);
      });
      this.checkpoint = START;
    });
  }

  /** Applies what there is until nothing is left. @throws what the projection or the store throws */
  async catchUp(): Promise<void> {
    while ((await this.step()) === 'advanced');
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      this.woken = false;
      const pauseMs = await this.stepOrPause();
      if (pauseMs > 0) await this.pause(pauseMs);
    }
  }

  /** How long to pause after one step, in milliseconds. */
  private async stepOrPause(): Promise<number> {
    try {
      const outcome = await this.step();
      this.isFailing = false;
      this.failures = 0;
      this.limit = Math.min(this.options.batchSize, this.limit * 2);
      return outcome === 'advanced' ? 0 : this.options.pollMs;
    } catch (error) {
      return this.pauseAfter(error);
    }
  }

  /** A failed batch is tried again event by event, so that everything before the one refused gets through. */
  private pauseAfter(error: unknown): number {
    const isUnavailable = error instanceof EventStoreUnavailable;
    if (this.limit > 1 && !isUnavailable) {
      this.limit = 1;
      return 0;
    }
    this.isFailing = true;
    this.failures += 1;
    this.options.onError(this.projection.name, error);
    const longestMs = isUnavailable ? UNAVAILABLE_PAUSE_MS : this.options.maxBackoffMs;
    return Math.min(longestMs, this.options.pollMs * 2 ** Math.min(this.failures - 1, 20));
  }

  private step(): Promise<StepOutcome> {
    return this.inTurn(() => this.advance());
  }

  /** What one process does to a projection goes one after the other; several processes meet at the checkpoint. */
  private inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = this.workInHand.then(work);
    this.workInHand = done.catch(() => undefined);
    return done;
  }

  private async advance(): Promise<StepOutcome> {
    const batch = await readBatch(this.store, this.projection.name, this.limit);
    this.sawCheckpoint(batch.checkpoint);
    const last = batch.events.at(-1);
    if (last === undefined) return 'idle';
    if (await this.applyBatch(batch, last.position)) this.sawCheckpoint(last.position);
    return 'advanced';
  }

  private async applyBatch(batch: Batch, to: GlobalPosition): Promise<boolean> {
    const { name, eventTypes } = this.projection;
    const { value } = await this.store.transact(async ({ transaction }) => {
      if (!(await moveCheckpoint(transaction, name, batch.checkpoint, to))) return false;
      for (const event of batch.events) {
        if (eventTypes.has(event.type)) await this.projection.apply(transaction, event);
      }
      return true;
    });
    return value;
  }

  private sawCheckpoint(position: GlobalPosition): void {
    this.checkpoint = position;
    this.options.onAdvance();
  }

  private async pause(pauseMs: number): Promise<void> {
    if (this.stopping || (this.woken && !this.isFailing)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      this.endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.endPause = undefined;
  }
}
