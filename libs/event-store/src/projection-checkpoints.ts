import { type RecordedEvent } from './event-store.port.ts';
import { type GlobalPosition, START } from './global-position.ts';
import { type PostgresEventStore } from './postgres-event-store.ts';
import { type PostgresTransaction } from './postgres-session.ts';

export interface Batch {
  readonly checkpoint: GlobalPosition;
  /** Every event after the checkpoint, of all types, oldest first; empty when there is none yet. */
  readonly events: readonly RecordedEvent[];
}

interface CheckpointRow {
  readonly name: string;
  readonly epoch: number;
  readonly transaction_id: string;
  readonly sequence: string;
}

const parameters = (position: GlobalPosition) => [position.epoch, position.transactionId, position.sequence];

const asPosition = (row: CheckpointRow): GlobalPosition => ({
  epoch: row.epoch,
  transactionId: row.transaction_id,
  sequence: row.sequence,
});

/** What projection `name` has to do next. */
export async function readBatch(store: PostgresEventStore, name: string, limit: number): Promise<Batch> {
  const [row] = await store.query<CheckpointRow>('SELECT * FROM projection_checkpoints WHERE name = $1', [name]);
  const checkpoint = row === undefined ? START : asPosition(row);
  return { checkpoint, events: await store.readAll(checkpoint, limit) };
}

/**
 * Moves a checkpoint from `from` to `to` by compare-and-set and holds it until the transaction ends.
 *
 * @returns false when somebody else has moved it: then nothing was done, and what was read for `from` is void
 */
export async function moveCheckpoint(
  transaction: PostgresTransaction,
  name: string,
  from: GlobalPosition,
  to: GlobalPosition,
): Promise<boolean> {
  await createCheckpoint(transaction, name, from);
  const { rowCount } = await transaction.query(
    `UPDATE projection_checkpoints SET epoch = $5, transaction_id = $6, sequence = $7
     WHERE name = $1 AND epoch = $2 AND transaction_id = $3 AND sequence = $4`,
    [name, ...parameters(from), ...parameters(to)],
  );
  return rowCount === 1;
}

async function createCheckpoint(transaction: PostgresTransaction, name: string, from: GlobalPosition): Promise<void> {
  if (from.epoch !== START.epoch) return;
  await transaction.query(
    'INSERT INTO projection_checkpoints (name, epoch, transaction_id, sequence) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
    [name, ...parameters(START)],
  );
}

/** Puts a checkpoint back to the beginning, whatever it is; waits for a batch in hand. */
export async function resetCheckpoint(transaction: PostgresTransaction, name: string): Promise<void> {
  await transaction.query(
    `INSERT INTO projection_checkpoints (name, epoch, transaction_id, sequence) VALUES ($1, $2, $3, $4)
     ON CONFLICT (name) DO UPDATE SET epoch = $2, transaction_id = $3, sequence = $4`,
    [name, ...parameters(START)],
  );
}

export interface Backlog {
  readonly checkpoint: GlobalPosition;
  readonly eventsBehind: number;
}

/** By name; a projection that has not begun stands at {@link START}. */
export async function readBacklogs(
  store: PostgresEventStore,
  names: readonly string[],
): Promise<ReadonlyMap<string, Backlog>> {
  const rows = await store.query<CheckpointRow & { behind: string }>(
    `SELECT p.*, (SELECT count(*) FROM events e
                  WHERE (e.epoch, e.transaction_id, e.sequence) > (p.epoch, p.transaction_id, p.sequence)) AS behind
     FROM (SELECT n.name, coalesce(c.epoch, 0) AS epoch, coalesce(c.transaction_id, '0') AS transaction_id,
                  coalesce(c.sequence, 0) AS sequence
           FROM unnest($1::text[]) AS n (name) LEFT JOIN projection_checkpoints c USING (name)) p`,
    [names],
  );
  return new Map(rows.map((row) => [row.name, { checkpoint: asPosition(row), eventsBehind: Number(row.behind) }]));
}
