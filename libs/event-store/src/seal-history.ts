import type pg from 'pg';
import { checkpointFileSize, readCheckpointLines } from './audit/checkpoint-file.ts';
import { isCheckpointLike } from './audit/checkpoint.ts';
import { SealRefused } from './event-store-errors.ts';
import { type HistoryKeys } from './history-keys.ts';
import { type EventRow, readStoredEvent } from './recorded-event-row.ts';

/** Rows in memory at once. */
const BATCH = 1_000;

const NEXT_BATCH = `SELECT * FROM events WHERE (stream_id, version) > ($1, $2) ORDER BY stream_id, version LIMIT ${BATCH}`;

/**
 * Gives events from before events were authenticated their MACs, as they are now, all of them or none, and from then on
 * lets no event be without one. Happens once in the life of a database; later calls find nothing to do. Where a single
 * MAC or a checkpoint is there already, a MAC that is missing was taken away: no event is given a new one, also when
 * somebody has allowed them to be missing again. Whoever has the database can take all of that away as well: then only a
 * file of checkpoints outside shows it.
 *
 * @param client a connection of its own, outside any transaction
 * @param checkpointFile where checkpoints are kept outside the database; it need not be there
 * @returns how many events were given a MAC; undefined when it had been done before
 * @throws SealRefused when the file holds a checkpoint, whoever signed it: where the keys in the database were taken away as
 * well, the one that signed it is not known any more; as `node:fs` throws
 */
export async function sealHistory(
  client: pg.ClientBase,
  keys: HistoryKeys,
  checkpointFile?: string,
): Promise<number | undefined> {
  if (!(await awaitsSeal(client))) return undefined;
  if (checkpointFile !== undefined && (await holdsCheckpoint(checkpointFile))) {
    throw new SealRefused(checkpointFile);
  }
  await client.query('BEGIN');
  try {
    await client.query('LOCK TABLE events, streams IN ACCESS EXCLUSIVE MODE');
    const sealed = (await awaitsSeal(client)) ? await sealAll(client, keys) : undefined;
    await client.query('COMMIT');
    return sealed;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

async function holdsCheckpoint(file: string): Promise<boolean> {
  for await (const { value } of readCheckpointLines(file, (await checkpointFileSize(file)) ?? 0)) {
    if (isCheckpointLike(value)) return true;
  }
  return false;
}

/** Whether there may be events from before events were authenticated, and none of them has a MAC yet. */
export async function awaitsSeal(client: pg.ClientBase): Promise<boolean> {
  const { rowCount: allowsUnsealed } = await client.query(
    `SELECT FROM pg_attribute WHERE attrelid = 'events'::regclass AND attname = 'mac' AND NOT attnotnull`,
  );
  if (allowsUnsealed !== 1) return false;
  const { rowCount: traces } = await client.query(
    `(SELECT FROM events WHERE mac IS NOT NULL LIMIT 1)
     UNION ALL (SELECT FROM streams WHERE mac IS NOT NULL LIMIT 1)
     UNION ALL (SELECT FROM history_checkpoints LIMIT 1)`,
  );
  return traces === 0;
}

async function sealAll(client: pg.ClientBase, keys: HistoryKeys): Promise<number> {
  let sealed = 0;
  let last: { streamId: string; version: number; mac: Buffer | null } = { streamId: '', version: 0, mac: null };
  for (;;) {
    const { rows } = await client.query<EventRow>(NEXT_BATCH, [last.streamId, last.version]);
    if (rows.length === 0) break;
    const macs = rows.map((row) => {
      const previous = row.stream_id === last.streamId ? last.mac : null;
      last = { streamId: row.stream_id, version: row.version, mac: keys.eventMac(previous, readStoredEvent(row)) };
      return last.mac;
    });
    await client.query(
      `UPDATE events e SET mac = n.mac FROM unnest($1::text[], $2::integer[], $3::bytea[]) AS n (stream_id, version, mac)
       WHERE e.stream_id = n.stream_id AND e.version = n.version`,
      [rows.map((row) => row.stream_id), rows.map((row) => row.version), macs],
    );
    sealed += rows.length;
  }
  await client.query(
    `UPDATE streams s SET mac = e.mac FROM events e WHERE e.stream_id = s.stream_id AND e.version = s.version`,
  );
  await client.query('ALTER TABLE events ALTER COLUMN mac SET NOT NULL');
  await client.query('ALTER TABLE streams ALTER COLUMN mac SET NOT NULL');
  return sealed;
}
