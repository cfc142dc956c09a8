import type pg from 'pg';
import { EventStoreUnavailable } from '../event-store-errors.ts';
import { comparePositions } from '../global-position.ts';
import { type HistoryKeys } from '../history-keys.ts';
import { isConnectionFailure } from '../connection-failure.ts';
import { AUDITED_COLUMNS, type AuditedRow } from './audited-row.ts';
import { EndsCheck } from './check-ends.ts';
import { checkpointFileSize } from './checkpoint-file.ts';
import { type Query } from './checkpoint-rows.ts';
import { CheckpointSeal } from './checkpoint.ts';
import { type ComparedFile, compareFile } from './compare-file.ts';
import { FaultLog } from './fault-log.ts';
import { type HistoryFault, positionOf } from './history-fault.ts';
import { IntervalCheck } from './interval-check.ts';
import { type Anchor, StreamTraces } from './stream-traces.ts';
import { TableCheckpoints } from './table-checkpoints.ts';

/** An event may have a megabyte; two fetches are in memory at once. */
const ROWS_PER_FETCH = 500;

export interface VerificationOptions {
  /** Checkpoints kept outside the database. @throws as `node:fs` when one cannot be read */
  readonly files: readonly string[];
  /** How many faults are listed, from 1; all are counted. */
  readonly faultLimit: number;
  /** Told how many events have been read, every few thousand. */
  readonly onProgress?: (events: number) => void;
}

export interface HistoryReport {
  readonly events: number;
  readonly streams: number;
  /** The newest genuine checkpoint of the table; undefined without one. */
  readonly anchor: { readonly checkpoint: number; readonly takenAt: string; readonly events: number } | undefined;
  /** Events behind it: an end of them, cut off together with its rows in `streams`, would not be noticed. */
  readonly onlyChained: number;
  readonly files: readonly ComparedFile[];
  readonly faultCount: number;
  /** At most one of each stream; those of events first, in the order of the log. */
  readonly faults: readonly HistoryFault[];
}

/**
 * Reads the whole log as it is at one moment and compares it with its MACs, its checkpoints, and checkpoints kept
 * outside. Changes nothing; events may be appended meanwhile. Memory is bounded by the number of streams.
 *
 * @throws EventStoreUnavailable; as `node:fs` throws when a file cannot be read
 */
export async function verifyHistory(
  pool: pg.Pool,
  keys: HistoryKeys,
  options: VerificationOptions,
): Promise<HistoryReport> {
  // Before the database is looked at: what is in a file by then must be in the table.
  const sizes = await Promise.all(options.files.map(checkpointFileSize));
  let client: pg.PoolClient;
  try {
    client = await pool.connect();
  } catch (cause) {
    throw new EventStoreUnavailable('nothing-recorded', { cause });
  }
  try {
    await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    return await new Verification(client, keys, options).run(sizes);
  } catch (cause) {
    throw isConnectionFailure(cause) && !isFileFailure(cause)
      ? new EventStoreUnavailable('nothing-recorded', { cause })
      : cause;
  } finally {
    // Ends the transaction as well.
    client.release(true);
  }
}

const isFileFailure = (error: unknown): boolean => typeof error === 'object' && error !== null && 'path' in error;

class Verification {
  private readonly faults: FaultLog;
  private readonly seal: CheckpointSeal;
  private readonly query: Query;
  private readonly lost = new Map<string, Anchor>();
  private readonly traces: StreamTraces;
  private events = 0;

  constructor(
    private readonly client: pg.PoolClient,
    keys: HistoryKeys,
    private readonly options: VerificationOptions,
  ) {
    this.faults = new FaultLog(options.faultLimit);
    this.seal = new CheckpointSeal(keys);
    this.traces = new StreamTraces(keys, this.lost, this.faults);
    this.query = async (text, values) => (await client.query<never>(text, values)).rows;
  }

  async run(sizes: readonly (number | undefined)[]): Promise<HistoryReport> {
    const { query, seal, faults, lost } = this;
    const files: ComparedFile[] = [];
    for (const [index, file] of this.options.files.entries()) {
      files.push(await compareFile(file, sizes[index] ?? 0, { query, seal, faults, lost }));
    }
    const table = new TableCheckpoints(query, seal, faults);
    await this.followEvents(table);
    const ends = new EndsCheck(query, this.traces);
    await ends.checkAnchors(lost);
    await ends.checkHeads(this.pages('SELECT stream_id, version, mac FROM streams ORDER BY stream_id'));
    return this.report(table, files);
  }

  private async followEvents(table: TableCheckpoints): Promise<void> {
    const interval = new IntervalCheck(this.traces, this.faults);
    let awaited = await table.next();
    const pages = this.pages<AuditedRow>(
      `SELECT ${AUDITED_COLUMNS} FROM events e ORDER BY e.epoch, e.transaction_id, e.sequence`,
    );
    for await (const page of pages) {
      for (const row of page) {
        while (awaited !== undefined && comparePositions(positionOf(row), awaited.upTo) > 0) {
          interval.close(awaited);
          awaited = await table.next();
        }
        this.traces.follow(row);
        interval.follow(row, awaited !== undefined);
      }
      this.events += page.length;
      this.options.onProgress?.(this.events);
    }
    for (; awaited !== undefined; awaited = await table.next()) interval.close(awaited);
  }

  private async *pages<Row extends pg.QueryResultRow>(statement: string): AsyncGenerator<readonly Row[]> {
    await this.client.query(`DECLARE audited NO SCROLL CURSOR FOR ${statement}`);
    for (let next = this.fetch<Row>(); ;) {
      const { rows } = await next;
      if (rows.length === 0) break;
      // The database reads on while these are looked at.
      next = this.fetch<Row>();
      yield rows;
    }
    await this.client.query('CLOSE audited');
  }

  private fetch<Row extends pg.QueryResultRow>(): Promise<pg.QueryResult<Row>> {
    const fetched = this.client.query<Row>(`FETCH ${ROWS_PER_FETCH} FROM audited`);
    // Whoever asks for it is told; unheard until then, or when nobody asks any more, it would end the process.
    fetched.catch(() => undefined);
    return fetched;
  }

  private report({ newest }: TableCheckpoints, files: readonly ComparedFile[]): HistoryReport {
    const anchor =
      newest === undefined
        ? undefined
        : { checkpoint: newest.number, takenAt: newest.takenAt, events: newest.eventCount };
    return {
      ...{ events: this.events, streams: this.traces.size, anchor, files },
      onlyChained: Math.max(0, this.events - (anchor?.events ?? 0)),
      ...{ faultCount: this.faults.count, faults: this.faults.inOrder() },
    };
  }
}
