import type pg from 'pg';
import {
  EventStoreUnavailable,
  HistoryUnsealed,
  SessionEnded,
  SnapshotMisplaced,
  StreamVersionConflict,
} from './event-store-errors.ts';
import {
  type AppendContext,
  type EventMetadata,
  type EventSession,
  type LoadedStream,
  type RecordedEvent,
  type StreamAppend,
  type StreamRange,
  type StreamSnapshot,
} from './event-store.port.ts';
import { type HistoryKeys } from './history-keys.ts';
import { asRecorded, type PendingAppend, prepareAppend } from './pending-append.ts';
import { isConnectionFailure, isOfAbortedTransaction } from './connection-failure.ts';
import { type EventRow, readEventRow } from './recorded-event-row.ts';
import {
  HIGHEST_VERSION,
  LOAD,
  loadParameters,
  type LoadRow,
  NO_STREAM,
  readLoadRows,
  type StreamHead,
  VERSION_AT,
} from './stream-load.ts';
import { type StreamHeads } from './stream-heads.ts';
import { type Upcasters } from './upcasting.ts';

/** What a unit of work may do with its database transaction: run statements. */
export interface PostgresTransaction {
  /** @throws EventStoreUnavailable when the connection is lost; other errors as `pg` throws them */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    statement: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>>;
  /**
   * A statement that reads or locks and changes nothing. It is sent at once, with `BEGIN` where that is still on its way:
   * a round trip less. Should there be no transaction after all, whatever is done with the answer is refused.
   *
   * @throws as `query` does
   */
  ask<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    statement: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>>;
}

const APPEND: pg.QueryConfig = {
  name: 'event_store_append_3',
  text: `SELECT *, pg_current_xact_id_if_assigned() AS own_transaction_id
         FROM event_store_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
};

const SAVE_SNAPSHOT: pg.QueryConfig = {
  name: 'event_store_save_snapshot_2',
  text: `INSERT INTO stream_snapshots (stream_id, shape, version, head_mac, state, mac) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (stream_id, shape, version) DO UPDATE
           SET head_mac = excluded.head_mac, state = excluded.state, mac = excluded.mac
           WHERE (stream_snapshots.head_mac, stream_snapshots.state, stream_snapshots.mac)
             IS DISTINCT FROM (excluded.head_mac, excluded.state, excluded.mac)`,
};

interface AppendRow {
  readonly appended: boolean;
  readonly head_version: number;
  /** Where the stream is when nothing was appended. */
  readonly head_mac: Buffer | null;
  readonly current_epoch: number;
  /** Where in the log. */
  readonly transaction_id: string;
  readonly sequences: readonly string[];
  readonly own_transaction_id: string;
}

/** By what the outcome of a transaction can be told. */
export interface LastAppend {
  /** The last event: it stands behind all others of the transaction. */
  readonly event: RecordedEvent;
  /** Of the transaction that appends; the event may stand under a later one. */
  readonly transactionId: string;
}

export const SELECT_STREAM =
  'SELECT * FROM events WHERE stream_id = $1 AND version >= $2 AND version <= $3 ORDER BY version';

export const streamParameters = (streamId: string, { fromVersion, toVersion }: StreamRange = {}): unknown[] => [
  streamId,
  fromVersion ?? 1,
  Math.min(toVersion ?? HIGHEST_VERSION, HIGHEST_VERSION),
];

/** A connection whose `BEGIN` may still be on its way. */
export interface BegunConnection {
  readonly client: pg.PoolClient;
  /** Rejects when there is no transaction. */
  readonly begun: Promise<unknown>;
}

export interface SessionContext {
  readonly keys: HistoryKeys;
  readonly upcasters: Upcasters;
  /** Shared by all sessions of a store. */
  readonly knownHeads: StreamHeads;
  readonly onUntrustedSnapshot: (streamId: string, version: number) => void;
}

export class PostgresSession implements EventSession<PostgresTransaction>, PostgresTransaction {
  readonly transaction: PostgresTransaction = this;
  last: LastAppend | undefined;
  private ended = false;
  /** Of the first statement that failed. */
  private failure: unknown;
  /** Where streams ended when this session last looked. */
  private readonly heads = new Map<string, StreamHead>();
  /** By stream, the MACs of the events that were loaded last, by version. */
  private readonly loadedMacs = new Map<string, ReadonlyMap<number, Buffer>>();

  constructor(
    private readonly connection: BegunConnection,
    private readonly context: SessionContext,
  ) {}

  async query<Row extends pg.QueryResultRow>(
    statement: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>> {
    await this.isOpen();
    return this.send<Row>(statement, values);
  }

  ask<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    statement: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>> {
    return this.send<Row>(statement, values);
  }

  async append(append: StreamAppend, context: AppendContext): Promise<readonly RecordedEvent[]> {
    const pending = prepareAppend(append, context);
    if (pending.events.length === 0) return [];
    const { streamId, expectedVersion } = pending;
    for (let head = this.guessedHead(pending); ;) {
      const macs = macsAfter(head, pending, this.context.keys);
      // Refused outside a transaction by the function itself: need not wait for BEGIN.
      const { rows } = await this.send<AppendRow>(APPEND, appendParameters(pending, head, macs));
      const row = rows[0]!;
      if (row.appended) {
        this.appended(streamId, { version: row.head_version, mac: macs.at(-1) ?? null });
        return this.recorded(pending, row);
      }
      head = { version: row.head_version, mac: row.head_mac };
      this.heads.set(streamId, head);
      if (expectedVersion !== undefined && expectedVersion !== head.version) {
        throw new StreamVersionConflict(streamId, expectedVersion, head.version);
      }
      if (head.version > 0 && head.mac === null) throw new HistoryUnsealed(streamId);
    }
  }

  async readStream(streamId: string, range?: StreamRange): Promise<readonly RecordedEvent[]> {
    const rows = await this.readRows(streamId, range);
    return rows.map((row) => readEventRow(row, this.context.upcasters));
  }

  async loadStream(streamId: string, shape: string, toVersion?: number): Promise<LoadedStream> {
    const request = { streamId, shape };
    const { rows } = await this.send<LoadRow>(LOAD, loadParameters(request, toVersion));
    const read = readLoadRows(rows, request, this.context);
    if (read === undefined) {
      this.context.onUntrustedSnapshot(streamId, rows[0]?.version ?? 0);
      const stored = await this.readRows(streamId, { toVersion });
      this.loadedMacs.set(streamId, macsByVersion(stored));
      return { snapshot: undefined, events: stored.map((row) => readEventRow(row, this.context.upcasters)) };
    }
    if (toVersion === undefined) this.heads.set(streamId, read.head);
    this.loadedMacs.set(streamId, macsByVersion(rows.filter((row) => !row.is_snapshot)));
    return read.loaded;
  }

  async versionAt(streamId: string, moment: string): Promise<number> {
    const { rows } = await this.send<{ version: number }>(VERSION_AT, [streamId, new Date(moment)]);
    return rows[0]?.version ?? 0;
  }

  async saveSnapshot(streamId: string, shape: string, { version, state }: StreamSnapshot): Promise<void> {
    const head = this.heads.get(streamId);
    const headMac = head?.version === version ? head.mac : this.loadedMacs.get(streamId)?.get(version);
    if (headMac === null || headMac === undefined) throw new SnapshotMisplaced(streamId, version);
    const mac = this.context.keys.snapshotMac({ streamId, shape, version, headMac, state });
    await this.query(SAVE_SNAPSHOT, [streamId, shape, version, headMac, JSON.stringify(state), mac]);
  }

  end(): void {
    this.ended = true;
  }

  private async readRows(streamId: string, range?: StreamRange): Promise<readonly EventRow[]> {
    const { rows } = await this.send<EventRow>(SELECT_STREAM, streamParameters(streamId, range));
    if (range?.toVersion === undefined) this.sawEnd(streamId, rows.at(-1), range?.fromVersion ?? 1);
    return rows;
  }

  private async isOpen(): Promise<void> {
    try {
      await this.connection.begun;
    } catch (cause) {
      throw isConnectionFailure(cause) ? new EventStoreUnavailable('nothing-recorded', { cause }) : cause;
    }
  }

  private async send<Row extends pg.QueryResultRow>(
    statement: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>> {
    if (this.ended) throw new SessionEnded();
    try {
      return await this.connection.client.query<Row>(statement, values);
    } catch (error) {
      this.failure ??= error;
      // What was sent behind a statement that failed says no more than that one did: it is that one that tells why.
      const cause = isOfAbortedTransaction(error) ? this.failure : error;
      // Before COMMIT was sent, a lost connection means that PostgreSQL rolls back.
      throw isConnectionFailure(cause) ? new EventStoreUnavailable('nothing-recorded', { cause }) : cause;
    }
  }

  /** Where the stream most likely ends; the database says so when it does not. */
  private guessedHead({ streamId, expectedVersion }: PendingAppend): StreamHead {
    const seen = this.heads.get(streamId) ?? this.context.knownHeads.get(streamId) ?? NO_STREAM;
    return expectedVersion === undefined || expectedVersion === seen.version
      ? seen
      : { version: expectedVersion, mac: null };
  }

  private appended(streamId: string, head: StreamHead): void {
    this.heads.set(streamId, head);
    this.context.knownHeads.remember(streamId, head);
  }

  private sawEnd(streamId: string, last: EventRow | undefined, fromVersion: number): void {
    if (last !== undefined) this.heads.set(streamId, last);
    else if (fromVersion === 1) this.heads.set(streamId, NO_STREAM);
  }

  private recorded(pending: PendingAppend, row: AppendRow): readonly RecordedEvent[] {
    const before = row.head_version - pending.events.length;
    const recorded = row.sequences.map((sequence, index) => {
      const position = { epoch: row.current_epoch, transactionId: row.transaction_id, sequence };
      return asRecorded(pending, pending.events[index]!, { streamVersion: before + index + 1, position });
    });
    this.last = { event: recorded.at(-1)!, transactionId: row.own_transaction_id };
    return recorded;
  }
}

const macsByVersion = (rows: readonly EventRow[]): ReadonlyMap<number, Buffer> =>
  new Map(rows.map(({ version, mac }) => [version, mac]));

/** The MACs of the events when they come right after `head`, in their order. */
function macsAfter(head: StreamHead, pending: PendingAppend, keys: HistoryKeys): readonly Buffer[] {
  const { streamId, recordedAt } = pending;
  const metadata = JSON.parse(pending.metadataJson) as EventMetadata;
  let previous = head.mac;
  return pending.events.map(({ eventId, type, schemaVersion, data }, index) => {
    const streamVersion = head.version + index + 1;
    const event = { eventId, streamId, streamVersion, type, schemaVersion, recordedAt, metadata, data };
    previous = keys.eventMac(previous, event);
    return previous;
  });
}

const appendParameters = (pending: PendingAppend, head: StreamHead, macs: readonly Buffer[]): unknown[] => [
  pending.streamId,
  head.version,
  head.mac,
  pending.recordedAt,
  pending.metadataJson,
  pending.events.map((event) => event.eventId),
  pending.events.map((event) => event.type),
  pending.events.map((event) => event.schemaVersion),
  pending.events.map((event) => event.dataJson),
  macs,
];
