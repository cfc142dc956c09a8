import { EventStoreUnavailable } from './event-store-errors.ts';
import { comparePositions, type GlobalPosition, START } from './global-position.ts';
import { PositionWaiters } from './position-waiters.ts';
import { type PostgresEventStore } from './postgres-event-store.ts';
import { type PostgresTransaction } from './postgres-session.ts';
import { moveCheckpoint, readNextWindow } from './projection-checkpoints.ts';
import { type Window } from './projection-window.ts';
import { type Projection } from './projection.port.ts';

export interface ProjectionLoopOptions {
  readonly pollMs: number;
  readonly batchSize: number;
  readonly maxBackoffMs: number;
  readonly onError: (projection: string, error: unknown) => void;
  readonly onRecovered: (projection: string) => void;
}

/** Longest pause while the database is away, in milliseconds: it is nobody's fault, and it comes back. */
const UNAVAILABLE_PAUSE_MS = 1_000;
/** Pause while somebody waits for an event that is held back by an older transaction, in milliseconds. */
const AWAITED_PAUSE_MS = 5;
/** Longest wait after one as long was in vain and nothing has moved since, in milliseconds: enough for a few looks. */
const VAIN_WAIT_MS = 100;

type StepOutcome = 'advanced' | 'idle';

/** How far a projection is. */
interface Place {
  /** As last seen in the database, whoever moved it. */
  readonly checkpoint: GlobalPosition;
  /** Everything up to here has been looked at: after the checkpoint there were only events of other types. */
  readonly position: GlobalPosition;
}

/** Keeps one projection up with the log, on its own: what fails here stops no other. */
export class ProjectionLoop {
  isFailing = false;
  private place: Place = { checkpoint: START, position: START };
  /** Events of other types since the checkpoint. */
  private passedBy = 0;
  private limit: number;
  private failures = 0;
  private stopping = false;
  private woken = false;
  private endPause: (() => void) | undefined;
  private running: Promise<void> | undefined;
  private readonly waiters = new PositionWaiters();
  /** The last wait that was in vain, and where it left the projection. */
  private vain: { readonly position: GlobalPosition; readonly timeoutMs: number } | undefined;

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

  /**
   * True once everything up to the position has been applied; false when `timeoutMs` pass before that, and sooner while
   * nothing has moved since another wait was in vain: whoever asks of a projection that is stuck, or of a log that a long
   * transaction holds back, need not wait as long each time.
   *
   * @param checkpoint as just seen in the database: what this loop takes for applied counts only if it is from there on
   */
  async waitUntil(position: GlobalPosition, timeoutMs: number, checkpoint = this.place.checkpoint): Promise<boolean> {
    const moved = comparePositions(checkpoint, this.place.checkpoint);
    // Earlier than it was: the database crashed, and lost the last batches together with their checkpoints.
    if (moved < 0) this.place = { checkpoint, position: checkpoint };
    if (comparePositions(this.place.position, position) >= 0) return true;
    const isVain = this.vain?.position === this.place.position && this.vain.timeoutMs >= timeoutMs;
    const reached = this.waiters.wait(position, isVain ? Math.min(timeoutMs, VAIN_WAIT_MS) : timeoutMs);
    this.wake();
    // Somebody else got past what this one backs off from.
    if (moved > 0) this.endPause?.();
    const isReached = await reached;
    if (!isReached && !isVain) this.vain = { position: this.place.position, timeoutMs };
    return isReached;
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
      const outcome = await this.advance();
      this.succeeded();
      this.limit = Math.min(this.options.batchSize, this.limit * 2);
      if (outcome === 'advanced') return 0;
      return this.waiters.isEmpty ? this.options.pollMs : Math.min(AWAITED_PAUSE_MS, this.options.pollMs);
    } catch (error) {
      return this.pauseAfter(error);
    }
  }

  private succeeded(): void {
    if (this.isFailing) this.options.onRecovered(this.projection.name);
    this.isFailing = false;
    this.failures = 0;
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

  private async advance(): Promise<StepOutcome> {
    const { place, limit } = this;
    const { name, eventTypes } = this.projection;
    const wanted = { after: place.position, eventTypes, limit };
    const { checkpoint, window } = await readNextWindow(this.store, name, wanted);
    if (comparePositions(checkpoint, place.checkpoint) !== 0) {
      // Somebody else was here; what was read begins in the wrong place.
      this.arrive({ checkpoint, position: checkpoint }, 0);
      return 'advanced';
    }
    if (window.end === undefined) return 'idle';
    await this.pass(place, window, window.end);
    return window.count < limit ? 'idle' : 'advanced';
  }

  /** Events of other types are worth no transaction, until there are many. */
  private async pass(place: Place, window: Window, end: GlobalPosition): Promise<void> {
    const passedBy = this.passedBy + window.count;
    if (window.events.length === 0 && passedBy < this.options.batchSize) {
      this.arrive({ checkpoint: place.checkpoint, position: end }, passedBy);
    } else if (await this.record(place, window, end)) {
      this.arrive({ checkpoint: end, position: end }, 0);
    } else {
      this.woken = true;
    }
  }

  private async record(place: Place, { events }: Window, end: GlobalPosition): Promise<boolean> {
    const { value } = await this.store.transact(async ({ transaction }) => {
      if (!(await moveCheckpoint(transaction, this.projection.name, place.checkpoint, end))) return false;
      if (events.length > 0) await this.projection.apply(transaction, events);
      return true;
    });
    return value;
  }

  private arrive(place: Place, passedBy: number): void {
    this.place = place;
    this.passedBy = passedBy;
    this.waiters.reached(place.position);
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
