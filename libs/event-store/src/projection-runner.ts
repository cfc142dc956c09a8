import { ProjectionUnknown } from './event-store-errors.ts';
import { comparePositions, type GlobalPosition, START } from './global-position.ts';
import { type PostgresEventStore } from './postgres-event-store.ts';
import { type PostgresTransaction } from './postgres-session.ts';
import { readBacklogs } from './projection-checkpoints.ts';
import { ProjectionLoop } from './projection-loop.ts';
import { type Projection, type ProjectionLag } from './projection.port.ts';

export const PROJECTION_RUNNER_DEFAULTS = { pollMs: 250, batchSize: 500, maxBackoffMs: 30_000 } as const;

export interface ProjectionRunnerOptions {
  /** How often the log is looked at without being told to, and the first pause after a failure, in milliseconds. Default 250. */
  readonly pollMs?: number;
  /** Events applied in one transaction, at most. Default 500. */
  readonly batchSize?: number;
  /** Longest pause after repeated failures of a projection, in milliseconds. Default 30,000. */
  readonly maxBackoffMs?: number;
  /** Told of every failed attempt. Must not throw. Default: nothing is reported. */
  readonly onError?: (projection: string, error: unknown) => void;
}

interface Waiter {
  readonly position: GlobalPosition;
  readonly settle: (isReached: boolean) => void;
}

/**
 * Keeps read models up with the log. Any number of processes may run the same projections: each event is applied by
 * one of them, once. A projection that throws is retried from the same event with growing pauses; the others go on.
 */
export class ProjectionRunner {
  private readonly loops: readonly ProjectionLoop[];
  private readonly waiters = new Set<Waiter>();

  constructor(
    private readonly store: PostgresEventStore,
    projections: readonly Projection<PostgresTransaction>[],
    options: ProjectionRunnerOptions = {},
  ) {
    const loopOptions = {
      pollMs: options.pollMs ?? PROJECTION_RUNNER_DEFAULTS.pollMs,
      batchSize: options.batchSize ?? PROJECTION_RUNNER_DEFAULTS.batchSize,
      maxBackoffMs: options.maxBackoffMs ?? PROJECTION_RUNNER_DEFAULTS.maxBackoffMs,
      onError: options.onError ?? (() => undefined),
      onAdvance: () => this.settleWaiters(),
    };
    this.loops = projections.map((projection) => new ProjectionLoop(store, projection, loopOptions));
  }

  start(): void {
    for (const loop of this.loops) loop.start();
  }

  /** Ends after the batches in hand. */
  async stop(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }

  /** Looks now instead of at the next poll; called after an append in this process. */
  wake(): void {
    for (const loop of this.loops) loop.wake();
  }

  /** True once every projection's checkpoint is at or past the position; false when `timeoutMs` pass before that. */
  async waitUntil(position: GlobalPosition, timeoutMs: number): Promise<boolean> {
    if (this.haveAllReached(position)) return true;
    const reached = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => waiter.settle(false), timeoutMs);
      const waiter: Waiter = {
        position,
        settle: (isReached) => {
          clearTimeout(timer);
          this.waiters.delete(waiter);
          resolve(isReached);
        },
      };
      this.waiters.add(waiter);
    });
    this.wake();
    return reached;
  }

  /**
   * Empties a read model, puts its checkpoint to the beginning in the same transaction, and ends when it has caught up.
   * Works with the runner started or not.
   *
   * @throws ProjectionUnknown when this runner has no projection of that name; what the projection itself throws
   */
  async rebuild(name: string): Promise<void> {
    const loop = this.loops.find(({ projection }) => projection.name === name);
    if (loop === undefined) throw new ProjectionUnknown(name);
    await loop.reset();
    await loop.catchUp();
  }

  /** How far each projection is behind, in the order they were given. */
  async lag(): Promise<readonly ProjectionLag[]> {
    const names = this.loops.map(({ projection }) => projection.name);
    const backlogs = await readBacklogs(this.store, names);
    return this.loops.map(({ projection: { name }, isFailing }) => {
      const { checkpoint, eventsBehind } = backlogs.get(name) ?? { checkpoint: START, eventsBehind: 0 };
      return { projection: name, checkpoint, eventsBehind, isFailing };
    });
  }

  private haveAllReached(position: GlobalPosition): boolean {
    return this.loops.every((loop) => comparePositions(loop.checkpoint, position) >= 0);
  }

  private settleWaiters(): void {
    for (const waiter of this.waiters) {
      if (this.haveAllReached(waiter.position)) waiter.settle(true);
    }
  }
}
