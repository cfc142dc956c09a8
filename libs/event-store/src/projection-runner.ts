import { ProjectionUnknown } from './event-store-errors.ts';
import { type GlobalPosition, START } from './global-position.ts';
import { type PostgresEventStore } from './postgres-event-store.ts';
import { type PostgresTransaction } from './postgres-session.ts';
import { readBacklogs, readWhatIsMissing } from './projection-checkpoints.ts';
import { ProjectionLoop } from './projection-loop.ts';
import { type RebuildProgress, rebuildProjection } from './projection-rebuild.ts';
import { type Projection, type ProjectionLag } from './projection.port.ts';

export const PROJECTION_RUNNER_DEFAULTS = { pollMs: 250, batchSize: 1_000, maxBackoffMs: 30_000 } as const;

export interface ProjectionRunnerOptions {
  /** How often the log is looked at without being told to, and the first pause after a failure, in milliseconds. Default 250. */
  readonly pollMs?: number;
  /** Events looked at in one go, at most; those among them that a projection wants are applied in one transaction. Default 1,000. */
  readonly batchSize?: number;
  /** Longest pause after repeated failures of a projection, in milliseconds. Default 30,000. */
  readonly maxBackoffMs?: number;
  /** Told of every failed attempt. Must not throw. Default: nothing is reported. */
  readonly onError?: (projection: string, error: unknown) => void;
  /** Told of the first attempt that succeeds after failed ones. Must not throw. */
  readonly onRecovered?: (projection: string) => void;
}

/**
 * Keeps read models up with the log. Any number of processes may run the same projections: each event is applied by
 * one of them, once. A projection that throws is retried from the same event with growing pauses; the others go on.
 */
export class ProjectionRunner {
  private readonly loops: readonly ProjectionLoop[];
  private readonly batchSize: number;

  constructor(
    private readonly store: PostgresEventStore,
    projections: readonly Projection<PostgresTransaction>[],
    options: ProjectionRunnerOptions = {},
  ) {
    this.batchSize = options.batchSize ?? PROJECTION_RUNNER_DEFAULTS.batchSize;
    const loopOptions = {
      pollMs: options.pollMs ?? PROJECTION_RUNNER_DEFAULTS.pollMs,
      batchSize: this.batchSize,
      maxBackoffMs: options.maxBackoffMs ?? PROJECTION_RUNNER_DEFAULTS.maxBackoffMs,
      onError: options.onError ?? (() => undefined),
      onRecovered: options.onRecovered ?? (() => undefined),
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

  /** Looks now instead of at the next poll. */
  wake(): void {
    for (const loop of this.loops) loop.wake();
  }

  /** True once every projection is at or past the position; false when `timeoutMs` pass before that. */
  async waitUntil(position: GlobalPosition, timeoutMs: number): Promise<boolean> {
    const reached = await Promise.all(this.loops.map((loop) => loop.waitUntil(position, timeoutMs)));
    return reached.every(Boolean);
  }

  /**
   * True once a read model shows everything that was committed before the call, by whatever process; false when
   * `timeoutMs` pass before that. Costs one small query when there is nothing to wait for. The runner must be started.
   *
   * @throws ProjectionUnknown when this runner has no projection of that name; EventStoreUnavailable
   */
  async showsAll(name: string, timeoutMs: number): Promise<boolean> {
    const loop = this.loopOf(name);
    const missing = await readWhatIsMissing(this.store, name);
    return missing === undefined || loop.waitUntil(missing.newest, timeoutMs, missing.checkpoint);
  }

  /**
   * Makes a read model anew while the old one serves; see {@link rebuildProjection}. Works with the runner started or not.
   *
   * @throws ProjectionUnknown when this runner has no projection of that name; RebuildUnderWay; EventStoreUnavailable;
   * what the projection itself throws
   */
  async rebuild(name: string, onProgress: (progress: RebuildProgress) => void = () => undefined): Promise<void> {
    const loop = this.loopOf(name);
    await rebuildProjection(this.store, loop.projection, { batchSize: this.batchSize, onProgress });
    loop.wake();
  }

  /** How far each projection is behind, in the order they were given. */
  async lag(): Promise<readonly ProjectionLag[]> {
    const projections = this.loops.map(({ projection }) => projection);
    const backlogs = await readBacklogs(this.store, projections);
    return this.loops.map(({ projection: { name }, isFailing }) => {
      const { checkpoint, eventsBehind } = backlogs.get(name) ?? { checkpoint: START, eventsBehind: 0 };
      return { projection: name, checkpoint, eventsBehind, isFailing };
    });
  }

  private loopOf(name: string): ProjectionLoop {
    const loop = this.loops.find(({ projection }) => projection.name === name);
    if (loop === undefined) throw new ProjectionUnknown(name);
    return loop;
  }
}
