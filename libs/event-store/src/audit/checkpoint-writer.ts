import { ADVISORY_LOCKS } from '../advisory-locks.ts';
import { comparePositions, type GlobalPosition, START } from '../global-position.ts';
import { type HistoryKeys } from '../history-keys.ts';
import { type PostgresEventStore } from '../postgres-event-store.ts';
import { type PostgresTransaction } from '../postgres-session.ts';
import { AUDITED_COLUMNS, type AuditedRow } from './audited-row.ts';
import { checkLink, type Link, NO_LINK } from './check-link.ts';
import {
  type AnchoredHead,
  type Checkpoint,
  CHECKPOINT_KIND,
  checkpointDigest,
  CheckpointSeal,
  nextDigest,
  NO_EVENTS_DIGEST,
} from './checkpoint.ts';
import { insertCheckpoint, type Query, readAnchoredHeads, readNewestCheckpoint } from './checkpoint-rows.ts';
import { type HistoryFault, positionOf } from './history-fault.ts';

/** Bounds what one checkpoint lists, to some 400 kB of JSON: an existing log of any length is anchored in several. */
const EVENTS_PER_CHECKPOINT = 2_000;
/** Verified in one go, some 10 ms in which the process does nothing else. */
const EVENTS_PER_READ = 250;

export interface CheckpointTaken {
  /** Undefined: nothing new that could be signed for, or another process is at it. */
  readonly checkpoint: Checkpoint | undefined;
  /** What stands right behind the last checkpoint and is not as it was recorded: nothing from there on is signed for. */
  readonly fault: HistoryFault | undefined;
  /** There may be events left for another one. */
  readonly isBehind: boolean;
}

const NOTHING: CheckpointTaken = { checkpoint: undefined, fault: undefined, isBehind: false };

/** Follows events from one checkpoint to the next. */
class Interval {
  readonly heads = new Map<string, { version: number; mac: string; places: number[] }>();
  digest: Buffer;
  upTo: GlobalPosition;
  eventCount: number;
  fault: HistoryFault | undefined;

  constructor(
    private readonly keys: HistoryKeys,
    before: Checkpoint | undefined,
  ) {
    this.digest = before === undefined ? NO_EVENTS_DIGEST : Buffer.from(before.digest, 'hex');
    this.upTo = before?.upTo ?? START;
    this.eventCount = before?.eventCount ?? 0;
  }

  /** @param anchored where checkpoints saw the streams end that did not go on in this interval yet */
  follow(rows: readonly AuditedRow[], anchored: ReadonlyMap<string, Link>): void {
    for (const row of rows) {
      const head = this.heads.get(row.stream_id);
      this.fault = checkLink(head ?? anchored.get(row.stream_id) ?? NO_LINK, row, this.keys);
      if (this.fault !== undefined || row.mac === null) return;
      this.eventCount += 1;
      this.upTo = positionOf(row);
      this.digest = nextDigest(this.digest, row.mac, this.upTo);
      const places = head?.places ?? [];
      places.push(this.eventCount);
      this.heads.set(row.stream_id, { version: row.version, mac: row.mac.toString('hex'), places });
    }
  }

  sortedHeads(): readonly AnchoredHead[] {
    const heads = [...this.heads].map(([streamId, head]) => ({ streamId, ...head }));
    return heads.sort((one, other) => (one.streamId < other.streamId ? -1 : 1));
  }
}

/** Takes signed checkpoints of the log. Any number of processes may do so at the same log at once. */
export class CheckpointWriter {
  private readonly seal: CheckpointSeal;

  constructor(
    private readonly store: PostgresEventStore,
    private readonly keys: HistoryKeys,
  ) {
    this.seal = new CheckpointSeal(keys);
  }

  /**
   * Verifies events after the last checkpoint, in the order of the log, and signs for them up to the first that is not
   * as it was recorded. Repeated until `isBehind` is false it covers all that was committed before.
   *
   * @param nowMs milliseconds since the epoch
   * @throws EventStoreUnavailable
   */
  async take(nowMs: number): Promise<CheckpointTaken> {
    const { value } = await this.store.transact(({ transaction }) => this.takeIn(transaction, nowMs));
    return value;
  }

  private async takeIn(transaction: PostgresTransaction, nowMs: number): Promise<CheckpointTaken> {
    const query: Query = async (text, values) => (await transaction.query<never>(text, values)).rows;
    const [lock] = await query<{ held: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS held', [
      ADVISORY_LOCKS.checkpoint,
    ]);
    if (lock?.held !== true) return NOTHING;
    const before = await readNewestCheckpoint(query);
    if (before !== undefined && !this.seal.isGenuine(before)) return { ...NOTHING, fault: notGenuine(before.number) };
    const { interval, isBehind } = await this.readOn(query, before);
    const { fault } = interval;
    if (comparePositions(interval.upTo, before?.upTo ?? START) === 0) return { ...NOTHING, fault };
    const checkpoint = this.seal.sign({
      kind: CHECKPOINT_KIND,
      number: (before?.number ?? 0) + 1,
      takenAt: new Date(nowMs).toISOString(),
      ...{ upTo: interval.upTo, eventCount: interval.eventCount, digest: interval.digest.toString('hex') },
      heads: interval.sortedHeads(),
      previous: before === undefined ? null : checkpointDigest(before),
    });
    await insertCheckpoint(transaction, checkpoint);
    return { checkpoint, fault, isBehind };
  }

  private async readOn(
    query: Query,
    before: Checkpoint | undefined,
  ): Promise<{ interval: Interval; isBehind: boolean }> {
    const interval = new Interval(this.keys, before);
    for (let read = 0; read < EVENTS_PER_CHECKPOINT; read += EVENTS_PER_READ) {
      const { epoch, transactionId, sequence } = interval.upTo;
      const rows = await query<AuditedRow>(
        `SELECT ${AUDITED_COLUMNS} FROM event_store_events_after($1, $2, $3, $4) e
         ORDER BY e.epoch, e.transaction_id, e.sequence`,
        [epoch, transactionId, sequence, EVENTS_PER_READ],
      );
      const unmet = new Set(rows.map((row) => row.stream_id).filter((streamId) => !interval.heads.has(streamId)));
      interval.follow(rows, await readAnchoredHeads(query, [...unmet]));
      if (interval.fault !== undefined || rows.length < EVENTS_PER_READ) return { interval, isBehind: false };
    }
    return { interval, isBehind: true };
  }
}

export const notGenuine = (checkpoint: number): HistoryFault => ({
  ...{ kind: 'checkpoint-not-genuine', checkpoint },
  problem: `checkpoint ${checkpoint} was changed, or was not signed by this program`,
});
