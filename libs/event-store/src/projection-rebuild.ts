import { RebuildUnderWay } from './event-store-errors.ts';
import { comparePositions, type GlobalPosition, START } from './global-position.ts';
import { type HeldConnection } from './held-connection.ts';
import { type PostgresEventStore } from './postgres-event-store.ts';
import { type PostgresTransaction } from './postgres-session.ts';
import { holdCheckpoint, setCheckpoint } from './projection-checkpoints.ts';
import { ProjectionGeneration } from './projection-generation.ts';
import { readWindow, type RunStatement, type Wanted } from './projection-window.ts';
import { type Projection } from './projection.port.ts';

/** How far a rebuild is, in events of all types. */
export interface RebuildProgress {
  readonly eventsDone: number;
  /** As many as there were when it began. */
  readonly eventsTotal: number;
}

export interface RebuildOptions {
  /** Events looked at in one go, at most. */
  readonly batchSize: number;
  readonly onProgress: (progress: RebuildProgress) => void;
}

const ignore = (): void => undefined;

/**
 * Makes a read model anew from the whole log, beside the live one, which goes on being read and fed until the new rows
 * take the place of the old ones in one transaction. Where the live one was behind or stuck, it no longer is. Whatever
 * ends this before that transaction leaves the live one as it is, and nothing else behind.
 *
 * @throws RebuildUnderWay when another process is at it; EventStoreUnavailable; what the projection itself throws
 */
export async function rebuildProjection(
  store: PostgresEventStore,
  projection: Projection<PostgresTransaction>,
  options: RebuildOptions,
): Promise<void> {
  await store.hold(async (connection) => {
    await claimRebuild(connection, projection.name);
    const generation = await ProjectionGeneration.begin(connection, projection.tables);
    const wanted = { eventTypes: projection.eventTypes, upcasters: store.upcasters };
    const rebuild = new Rebuild(projection, wanted, options);
    await rebuild.replay(connection, (text, values) => store.query(text, values));
    await generation.analyze(connection);
    await connection.transact((transaction) => rebuild.switchOver(transaction, generation));
  });
}

/** Held until the connection ends. */
async function claimRebuild(connection: HeldConnection, name: string): Promise<void> {
  const { rows } = await connection.query<{ claimed: boolean }>(
    'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS claimed',
    [`projection rebuild of ${name}`],
  );
  if (rows[0]?.claimed !== true) throw new RebuildUnderWay(name);
}

class Rebuild {
  /** Up to where the new tables are; they and this are lost together. */
  private position: GlobalPosition = START;

  constructor(
    private readonly projection: Projection<PostgresTransaction>,
    private readonly wanted: Wanted,
    private readonly options: RebuildOptions,
  ) {}

  /** Fills the new tables with nearly all there is. The next batch is read while one is applied. */
  async replay(connection: HeldConnection, read: RunStatement): Promise<void> {
    const { batchSize, onProgress } = this.options;
    const { rows } = await connection.query<{ events: string }>('SELECT count(*) AS events FROM events');
    const eventsTotal = Number(rows[0]?.events);
    const next = () => readWindow(read, this.position, this.wanted, batchSize);
    let eventsDone = 0;
    let reading = next();
    for (;;) {
      const { events, end, count } = await reading;
      if (end === undefined) return;
      this.position = end;
      reading = next();
      // Should applying fail, nobody asks any more.
      reading.catch(ignore);
      if (events.length > 0) await connection.transact((transaction) => this.projection.apply(transaction, events));
      eventsDone += count;
      onProgress({ eventsDone, eventsTotal });
      if (count < batchSize) return;
    }
  }

  /** The end: the live projection waits while the new tables get the rest and take its place. */
  async switchOver(transaction: PostgresTransaction, generation: ProjectionGeneration): Promise<void> {
    const { name } = this.projection;
    // Whoever this waits for keeps the live projection waiting as well.
    await transaction.query(`SET LOCAL lock_timeout = '30s'`);
    const live = await holdCheckpoint(transaction, name);
    await this.applyRest(transaction);
    if (comparePositions(this.position, live) < 0) throw new Error(`projection ${name} is ahead of the log`);
    await generation.replaceLive(transaction);
    await setCheckpoint(transaction, name, this.position);
  }

  /** Ends by itself: events of transactions that are younger than this one are held back. */
  private async applyRest(transaction: PostgresTransaction): Promise<void> {
    const read: RunStatement = async (text, values) => (await transaction.query(text, values)).rows as never;
    for (;;) {
      const { events, end } = await readWindow(read, this.position, this.wanted, this.options.batchSize);
      if (end === undefined) return;
      if (events.length > 0) await this.projection.apply(transaction, events);
      this.position = end;
    }
  }
}
