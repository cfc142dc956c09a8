import type pg from 'pg';
import { readUntil } from './read-until.ts';

/**
 * Ends when global reading holds back none of the events that are committed now: tests of other databases run on the same
 * server, and their transactions hold it back as well.
 */
export async function wholeLogReadable(pool: pg.Pool): Promise<void> {
  const heldBack = async () => {
    const { rows } = await pool.query<{ sequence: string }>(
      'SELECT sequence FROM events WHERE transaction_id >= pg_snapshot_xmin(pg_current_snapshot()) LIMIT 1',
    );
    return rows;
  };
  await readUntil(heldBack, (rows) => rows.length === 0);
}
