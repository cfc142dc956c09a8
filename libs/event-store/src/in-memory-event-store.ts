import { SessionEnded, SnapshotMisplaced, StreamVersionConflict } from './event-store-errors.ts';
import {
  type AppendContext,
  type EventSession,
  type EventStore,
  type LoadedStream,
  type RecordedEvent,
  type StreamAppend,
  type StreamRange,
  type StreamSnapshot,
  type Transacted,
} from './event-store.port.ts';
import { comparePositions, type GlobalPosition } from './global-position.ts';
import { asRecorded, prepareAppend } from './pending-append.ts';
import { NO_UPCASTERS, upcast, type Upcasters } from './upcasting.ts';

/** For tests and trials without a database. Transactions run one after the other. */
export class InMemoryEventStore implements EventStore<undefined> {
  private readonly upcasters: Upcasters;
  private log: readonly RecordedEvent[] = [];
  private snapshots: readonly KeptSnapshot[] = [];
  private transactions = 0;
  private running: Promise<unknown> = Promise.resolve();

  constructor(options: { readonly upcasters?: Upcasters } = {}) {
    this.upcasters = options.upcasters ?? NO_UPCASTERS;
  }

  transact<Value>(work: (session: EventSession<undefined>) => Promise<Value>): Promise<Transacted<Value>> {
    const transacted = this.running.then(() => this.runAlone(work));
    this.running = transacted.catch(() => undefined);
    return transacted;
  }

  async readStream(streamId: string, range?: StreamRange): Promise<readonly RecordedEvent[]> {
    return this.copy(ofStream(this.log, streamId, range));
  }

  async loadStream(streamId: string, shape: string, toVersion?: number): Promise<LoadedStream> {
    return loadFrom(this.snapshots, { streamId, shape, toVersion }, await this.readStream(streamId, { toVersion }));
  }

  async versionAt(streamId: string, moment: string): Promise<number> {
    return versionIn(this.log, streamId, moment);
  }

  async readAll(after: GlobalPosition, limit: number): Promise<readonly RecordedEvent[]> {
    return this.copy(this.log.filter((event) => comparePositions(event.position, after) > 0).slice(0, limit));
  }

  private async runAlone<Value>(
    work: (session: EventSession<undefined>) => Promise<Value>,
  ): Promise<Transacted<Value>> {
    this.transactions += 1;
    const kept = { log: this.log, snapshots: this.snapshots };
    const session = new InMemorySession(kept, String(this.transactions), (events) => this.copy(events));
    try {
      const value = await work(session);
      ({ log: this.log, snapshots: this.snapshots } = session.kept);
      return { value, position: session.position };
    } finally {
      session.end();
    }
  }

  /** What is handed out may be changed by its reader; the log may not. */
  private copy(events: readonly RecordedEvent[]): readonly RecordedEvent[] {
    return events.map((event) => upcast(structuredClone(event), this.upcasters));
  }
}

interface KeptSnapshot {
  readonly streamId: string;
  readonly shape: string;
  readonly version: number;
  /** As JSON: nobody may change what is kept. */
  readonly stateJson: string;
}

interface Kept {
  readonly log: readonly RecordedEvent[];
  readonly snapshots: readonly KeptSnapshot[];
}

function loadFrom(
  snapshots: readonly KeptSnapshot[],
  wanted: { readonly streamId: string; readonly shape: string; readonly toVersion: number | undefined },
  events: readonly RecordedEvent[],
): LoadedStream {
  const { streamId, shape, toVersion = Number.POSITIVE_INFINITY } = wanted;
  const [newest] = snapshots
    .filter((one) => one.streamId === streamId && one.shape === shape && one.version <= toVersion)
    .sort((one, other) => other.version - one.version);
  if (newest === undefined) return { snapshot: undefined, events };
  const { version, stateJson } = newest;
  const later = events.filter(({ streamVersion }) => streamVersion > version);
  return { snapshot: { version, state: JSON.parse(stateJson) as unknown }, events: later };
}

class InMemorySession implements EventSession<undefined> {
  readonly transaction = undefined;
  position: GlobalPosition | undefined;
  private ended = false;

  constructor(
    public kept: Kept,
    private readonly transactionId: string,
    private readonly copy: (events: readonly RecordedEvent[]) => readonly RecordedEvent[],
  ) {}

  async append(append: StreamAppend, context: AppendContext): Promise<readonly RecordedEvent[]> {
    if (this.ended) throw new SessionEnded();
    const pending = prepareAppend(append, context);
    if (pending.events.length === 0) return [];
    const { log } = this.kept;
    const version = ofStream(log, append.streamId).length;
    if (pending.expectedVersion !== undefined && pending.expectedVersion !== version) {
      throw new StreamVersionConflict(append.streamId, pending.expectedVersion, version);
    }
    const recorded = pending.events.map((event, index) =>
      asRecorded(pending, event, {
        streamVersion: version + index + 1,
        position: { epoch: 1, transactionId: this.transactionId, sequence: String(log.length + index + 1) },
      }),
    );
    this.kept = { ...this.kept, log: [...log, ...recorded] };
    this.position = recorded.at(-1)?.position;
    return structuredClone(recorded);
  }

  async readStream(streamId: string, range?: StreamRange): Promise<readonly RecordedEvent[]> {
    if (this.ended) throw new SessionEnded();
    return this.copy(ofStream(this.kept.log, streamId, range));
  }

  async loadStream(streamId: string, shape: string, toVersion?: number): Promise<LoadedStream> {
    const events = await this.readStream(streamId, { toVersion });
    return loadFrom(this.kept.snapshots, { streamId, shape, toVersion }, events);
  }

  async saveSnapshot(streamId: string, shape: string, { version, state }: StreamSnapshot): Promise<void> {
    if (this.ended) throw new SessionEnded();
    const isThere = ofStream(this.kept.log, streamId).some(({ streamVersion }) => streamVersion === version);
    if (!isThere) throw new SnapshotMisplaced(streamId, version);
    const snapshot = { streamId, shape, version, stateJson: JSON.stringify(state) };
    const others = this.kept.snapshots.filter(
      (one) => one.streamId !== streamId || one.shape !== shape || one.version !== version,
    );
    this.kept = { ...this.kept, snapshots: [...others, snapshot] };
  }

  async versionAt(streamId: string, moment: string): Promise<number> {
    if (this.ended) throw new SessionEnded();
    return versionIn(this.kept.log, streamId, moment);
  }

  end(): void {
    this.ended = true;
  }
}

function versionIn(log: readonly RecordedEvent[], streamId: string, moment: string): number {
  const until = Date.parse(moment);
  return ofStream(log, streamId).findLast((event) => Date.parse(event.recordedAt) <= until)?.streamVersion ?? 0;
}

function ofStream(log: readonly RecordedEvent[], streamId: string, range: StreamRange = {}): readonly RecordedEvent[] {
  const { fromVersion = 1, toVersion = Number.POSITIVE_INFINITY } = range;
  return log.filter(
    (event) => event.streamId === streamId && event.streamVersion >= fromVersion && event.streamVersion <= toVersion,
  );
}
