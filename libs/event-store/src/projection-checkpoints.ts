import { comparePositions, type GlobalPosition, START } from './global-position.ts';
import { type PostgresEventStore } from './postgres-event-store.ts';
import { type PostgresTransaction } from './postgres-session.ts';
import { type Wanted, type Window, windowOf, windowParameters, type WindowRow } from './projection-window.ts';
import { storedTypes } from './upcasting.ts';

/** What is next for a projection, and where its checkpoint stands at that moment. */
export interface NextWindow {
  readonly checkpoint: GlobalPosition;
  readonly window: Window;
}

interface PositionRow {
  readonly epoch: number;
  readonly transaction_id: string;
  readonly sequence: string;
}

/** All null: the projection has not begun. */
interface CheckpointColumns {
  readonly checkpoint_epoch: number | null;
  readonly checkpoint_transaction_id: string | null;
  readonly checkpoint_sequence: string | null;
}

const CHECKPOINT_COLUMNS = `c.epoch AS checkpoint_epoch, c.transaction_id AS checkpoint_transaction_id,
  c.sequence AS checkpoint_sequence`;

/** One row in any case: without events, and without a checkpoint. */
const NEXT_WINDOW = `SELECT ${CHECKPOINT_COLUMNS}, w.*
  FROM (VALUES (1)) AS one
  LEFT JOIN projection_checkpoints c ON c.name = $6
  LEFT JOIN event_store_window_after($1, $2, $3, $4, $5) w ON true
  ORDER BY w.place`;

const NEWEST = `SELECT e.epoch, e.transaction_id, e.sequence, ${CHECKPOINT_COLUMNS}
  FROM (SELECT epoch, transaction_id, sequence FROM events
        ORDER BY epoch DESC, transaction_id DESC, sequence DESC LIMIT 1) e
  LEFT JOIN projection_checkpoints c ON c.name = $1`;

const parameters = (position: GlobalPosition) => [position.epoch, position.transactionId, position.sequence];

const asPosition = (row: PositionRow): GlobalPosition => ({
  epoch: row.epoch,
  transactionId: row.transaction_id,
  sequence: row.sequence,
});

const asCheckpoint = (row: CheckpointColumns | undefined): GlobalPosition => ({
  epoch: row?.checkpoint_epoch ?? START.epoch,
  transactionId: row?.checkpoint_transaction_id ?? START.transactionId,
  sequence: row?.checkpoint_sequence ?? START.sequence,
});

/** Of the log, for one projection. */
export interface WindowRequest {
  readonly after: GlobalPosition;
  readonly eventTypes: ReadonlySet<string>;
  /** Events of all types, at most. */
  readonly limit: number;
}

/** The checkpoint of projection `name` and the window that is asked for, in one look. */
export async function readNextWindow(
  store: PostgresEventStore,
  name: string,
  { after, eventTypes, limit }: WindowRequest,
): Promise<NextWindow> {
  const wanted: Wanted = { eventTypes, upcasters: store.upcasters };
  const values = [...windowParameters(after, wanted, limit), name];
  const rows = await store.query<WindowRow & CheckpointColumns>(NEXT_WINDOW, values);
  // A left join without events gives nulls.
  const found = rows.filter((row) => (row.place as string | null) !== null);
  return { checkpoint: asCheckpoint(rows[0]), window: windowOf(found, wanted) };
}

/** Where projection `name` stands, and where the newest committed event; undefined when there is none it has to show. */
export async function readWhatIsMissing(
  store: PostgresEventStore,
  name: string,
): Promise<{ readonly checkpoint: GlobalPosition; readonly newest: GlobalPosition } | undefined> {
  const [row] = await store.query<PositionRow & CheckpointColumns>(NEWEST, [name]);
  if (row === undefined) return undefined;
  const [checkpoint, newest] = [asCheckpoint(row), asPosition(row)];
  return comparePositions(checkpoint, newest) >= 0 ? undefined : { checkpoint, newest };
}

/**
 * Moves a checkpoint from `from` to `to` by compare-and-set and holds it until the transaction ends. The transaction
 * need not wait for the disk: should it be lost, its checkpoint is lost with it, and it is done again.
 *
 * @returns false when somebody else has moved it: then nothing was done, and what was read for `from` is void
 */
export async function moveCheckpoint(
  transaction: PostgresTransaction,
  name: string,
  from: GlobalPosition,
  to: GlobalPosition,
): Promise<boolean> {
  if (from.epoch === START.epoch) await createCheckpoint(transaction, name);
  const { rowCount } = await transaction.query(
    `UPDATE projection_checkpoints SET epoch = $5, transaction_id = $6, sequence = $7
     WHERE name = $1 AND epoch = $2 AND transaction_id = $3 AND sequence = $4
     RETURNING set_config('synchronous_commit', 'off', true)`,
    [name, ...parameters(from), ...parameters(to)],
  );
  return rowCount === 1;
}

async function createCheckpoint(transaction: PostgresTransaction, name: string): Promise<void> {
  await transaction.query(
    'INSERT INTO projection_checkpoints (name, epoch, transaction_id, sequence) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
    [name, ...parameters(START)],
  );
}

/** Keeps a projection where it is until the transaction ends; waits for a batch in hand. */
export async function holdCheckpoint(transaction: PostgresTransaction, name: string): Promise<GlobalPosition> {
  await createCheckpoint(transaction, name);
  const { rows } = await transaction.query<PositionRow>(
    'SELECT epoch, transaction_id, sequence FROM projection_checkpoints WHERE name = $1 FOR UPDATE',
    [name],
  );
  return asPosition(rows[0]!);
}

/** Moves a checkpoint that the transaction holds. */
export async function setCheckpoint(
  transaction: PostgresTransaction,
  name: string,
  { epoch, transactionId, sequence }: GlobalPosition,
): Promise<void> {
  await transaction.query(
    'UPDATE projection_checkpoints SET epoch = $2, transaction_id = $3, sequence = $4 WHERE name = $1',
    [name, epoch, transactionId, sequence],
  );
}

export interface Backlog {
  readonly checkpoint: GlobalPosition;
  readonly eventsBehind: number;
}

/** By name; a projection that has not begun stands at {@link START}. */
export async function readBacklogs(
  store: PostgresEventStore,
  projections: readonly { readonly name: string; readonly eventTypes: ReadonlySet<string> }[],
): Promise<ReadonlyMap<string, Backlog>> {
  const asked = projections.map(({ name, eventTypes }) => ({ name, types: storedTypes(eventTypes, store.upcasters) }));
  const rows = await store.query<PositionRow & { name: string; behind: string }>(
    `SELECT p.name, p.epoch, p.transaction_id, p.sequence,
            (SELECT count(*) FROM events e WHERE e.type = ANY (p.types)
               AND (e.epoch, e.transaction_id, e.sequence) > (p.epoch, p.transaction_id, p.sequence)) AS behind
     FROM (SELECT n.name, n.types, coalesce(c.epoch, 0) AS epoch, coalesce(c.transaction_id, '0') AS transaction_id,
                  coalesce(c.sequence, 0) AS sequence
           FROM jsonb_to_recordset($1::jsonb) AS n (name text, types text[])
           LEFT JOIN projection_checkpoints c USING (name)) p`,
    [JSON.stringify(asked)],
  );
  return new Map(rows.map((row) => [row.name, { checkpoint: asPosition(row), eventsBehind: Number(row.behind) }]));
}
