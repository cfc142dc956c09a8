import type pg from 'pg';
import { type PostgresTransaction } from '../postgres-session.ts';
import { type Link } from './check-link.ts';
import { type AnchoredHead, type Checkpoint, CHECKPOINT_KIND } from './checkpoint.ts';
import { instantText } from './history-fault.ts';

/** Runs one statement. */
export type Query = <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<readonly Row[]>;

export interface CheckpointRow {
  readonly number: number;
  readonly taken_at: unknown;
  readonly epoch: number;
  readonly transaction_id: string;
  readonly sequence: string;
  readonly event_count: string;
  readonly digest: Buffer;
  readonly previous: Buffer | null;
  readonly signature: Buffer;
  readonly heads: readonly AnchoredHead[] | null;
}

/** To be followed by a condition on `c` and an order. */
export const SELECT_CHECKPOINTS = `
  SELECT c.*, (SELECT json_agg(json_build_object('streamId', h.stream_id, 'version', h.version,
                                                 'mac', encode(h.mac, 'hex'), 'places', h.places))
               FROM history_checkpoint_heads h WHERE h.number = c.number) AS heads
  FROM history_checkpoints c`;

const byStreamId = (one: AnchoredHead, other: AnchoredHead): number => (one.streamId < other.streamId ? -1 : 1);

/** As it was signed, if it was not changed since. */
export const readCheckpointRow = (row: CheckpointRow): Checkpoint => ({
  kind: CHECKPOINT_KIND,
  number: row.number,
  takenAt: instantText(row.taken_at),
  upTo: { epoch: row.epoch, transactionId: row.transaction_id, sequence: row.sequence },
  eventCount: Number(row.event_count),
  digest: row.digest.toString('hex'),
  heads: [...(row.heads ?? [])].sort(byStreamId),
  previous: row.previous?.toString('hex') ?? null,
  signature: row.signature.toString('hex'),
});

export async function readNewestCheckpoint(query: Query): Promise<Checkpoint | undefined> {
  const [row] = await query<CheckpointRow>(`${SELECT_CHECKPOINTS} ORDER BY c.number DESC LIMIT 1`);
  return row === undefined ? undefined : readCheckpointRow(row);
}

/**
 * Checkpoints as the table holds them, in the order of their numbers; not verified.
 *
 * @param limit from 1
 */
export async function readCheckpoints(query: Query, after: number, limit: number): Promise<readonly Checkpoint[]> {
  const rows = await query<CheckpointRow>(`${SELECT_CHECKPOINTS} WHERE c.number > $1 ORDER BY c.number LIMIT $2`, [
    after,
    limit,
  ]);
  return rows.map(readCheckpointRow);
}

/** Signatures by number, hexadecimal, of those of the numbers that the table holds. */
export async function readSignatures(query: Query, numbers: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const rows = await query<{ number: number; signature: Buffer }>(
    'SELECT number, signature FROM history_checkpoints WHERE number = ANY($1::integer[])',
    [numbers],
  );
  return new Map(rows.map((row) => [row.number, row.signature.toString('hex')]));
}

/** Where the newest checkpoint that names a stream saw it end; streams that none names are left out. */
export async function readAnchoredHeads(
  query: Query,
  streamIds: readonly string[],
): Promise<ReadonlyMap<string, Link>> {
  const rows = await query<{ stream_id: string; version: number; mac: string }>(
    `SELECT s.stream_id, h.version, encode(h.mac, 'hex') AS mac
     FROM unnest($1::text[]) AS s (stream_id)
     CROSS JOIN LATERAL (SELECT version, mac FROM history_checkpoint_heads
                         WHERE stream_id = s.stream_id ORDER BY number DESC LIMIT 1) h`,
    [streamIds],
  );
  return new Map(rows.map(({ stream_id, version, mac }) => [stream_id, { version, mac }]));
}

export async function insertCheckpoint(transaction: PostgresTransaction, checkpoint: Checkpoint): Promise<void> {
  const { number, takenAt, upTo, eventCount, digest, heads, previous, signature } = checkpoint;
  const bytes = (hex: string | null) => (hex === null ? null : Buffer.from(hex, 'hex'));
  await transaction.query(
    `INSERT INTO history_checkpoints
       (number, taken_at, epoch, transaction_id, sequence, event_count, digest, previous, signature)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      ...[number, takenAt, upTo.epoch, upTo.transactionId, upTo.sequence, eventCount],
      ...[bytes(digest), bytes(previous), bytes(signature)],
    ],
  );
  await transaction.query(
    `INSERT INTO history_checkpoint_heads (number, stream_id, version, mac, places)
     SELECT $1, h."streamId", h.version, decode(h.mac, 'hex'), h.places
     FROM jsonb_to_recordset($2) AS h ("streamId" text, version integer, mac text, places bigint[])`,
    [number, JSON.stringify(heads)],
  );
}
