import type pg from 'pg';
import { EventStoreUnavailable, SessionEnded, StreamVersionConflict } from './event-store-errors.ts';
import {
  type AppendContext,
  type EventSession,
  type RecordedEvent,
  type StreamAppend,
  type StreamRange,
} from './event-store.port.ts';
import { asRecorded, type PendingAppend, prepareAppend } from './pending-append.ts';
import { isConnectionFailure } from './postgres-connections.ts';
import { type EventRow, readEventRow } from './recorded-event-row.ts';
import { type Upcasters } from './upcasting.ts';

/** What a unit of work may do with its database transaction: run statements. */
export interface PostgresTransaction {
  /** @throws EventStoreUnavailable when the connection is lost; other errors as `pg` throws them */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    statement: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>>;
}

const APPEND: pg.QueryConfig = {
  name: 'event_store_append_1',
  text: 'SELECT * FROM event_store_append($1, $2, $3, $4, $5, $6, $7, $8)',
};

interface AppendRow {
  readonly appended: boolean;
  readonly head_version: number;
  readonly current_epoch: number;
  readonly transaction_id: string;
  readonly sequences: readonly string[];
}

export const SELECT_STREAM =
  'SELECT * FROM events WHERE stream_id = $1 AND version >= $2 AND version <= $3 ORDER BY version';

/** Versions are 32-bit integers in the database. */
const HIGHEST_VERSION = 2_147_483_647;

export const streamParameters = (streamId: string, { fromVersion, toVersion }: StreamRange = {}): unknown[] => [
  streamId,
  fromVersion ?? 1,
  Math.min(toVersion ?? HIGHEST_VERSION, HIGHEST_VERSION),
];

export class PostgresSession implements EventSession<PostgresTransaction>, PostgresTransaction {
  readonly transaction: PostgresTransaction = this;
  /** The last event appended. */
  last: RecordedEvent | undefined;
  private ended = false;

  constructor(
    private readonly client: pg.PoolClient,
    private readonly upcasters: Upcasters,
  ) {}

  async query<Row extends pg.QueryResultRow>(
    statement: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>> {
    if (this.ended) throw new SessionEnded();
    try {
      return await this.client.query<Row>(statement, values);
    } catch (cause) {
      // Before COMMIT was sent, a lost connection means that PostgreSQL rolls back.
      throw isConnectionFailure(cause) ? new EventStoreUnavailable('nothing-recorded', { cause }) : cause;
    }
  }

  async append(append: StreamAppend, context: AppendContext): Promise<readonly RecordedEvent[]> {
    const pending = prepareAppend(append, context);
    if (pending.events.length === 0) return [];
    const { rows } = await this.query<AppendRow>(APPEND, appendParameters(pending));
    const [row] = rows;
    if (row?.appended !== true) {
      throw new StreamVersionConflict(append.streamId, append.expectedVersion, row?.head_version ?? 0);
    }
    const before = row.head_version - pending.events.length;
    const recorded = row.sequences.map((sequence, index) => {
      const position = { epoch: row.current_epoch, transactionId: row.transaction_id, sequence };
      return asRecorded(pending, pending.events[index]!, { streamVersion: before + index + 1, position });
    });
    this.last = recorded.at(-1);
    return recorded;
  }

  async readStream(streamId: string, range?: StreamRange): Promise<readonly RecordedEvent[]> {
    const { rows } = await this.query<EventRow>(SELECT_STREAM, streamParameters(streamId, range));
    return rows.map((row) => readEventRow(row, this.upcasters));
  }

  end(): void {
    this.ended = true;
  }
}

const appendParameters = (pending: PendingAppend): unknown[] => [
  pending.streamId,
  pending.expectedVersion ?? null,
  pending.recordedAt,
  pending.metadataJson,
  pending.events.map((event) => event.eventId),
  pending.events.map((event) => event.type),
  pending.events.map((event) => event.schemaVersion),
  pending.events.map((event) => event.dataJson),
];
