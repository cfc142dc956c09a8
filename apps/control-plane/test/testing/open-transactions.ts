import type pg from 'pg';
import { until } from './test-servers.ts';

/**
 * What happens while a transaction is open, which is committed then. Also after a failure: one that stays open holds the read
 * models of everybody on that server back.
 */
export async function whileOpen<Value>(
  pool: pg.Pool,
  happen: (transaction: pg.PoolClient) => Promise<Value>,
): Promise<Value> {
  const transaction = await pool.connect();
  try {
    await transaction.query('begin');
    return await happen(transaction);
  } finally {
    await transaction.query('commit').finally(() => transaction.release());
  }
}

/**
 * Ends when so many others wait for what a transaction holds, those included that wait behind one another. By `pg_locks`:
 * within a transaction `pg_stat_activity` goes on showing who was there at the first look.
 */
export const waitedFor = (transaction: pg.ClientBase, count = 1): Promise<boolean> =>
  until(`${count} wait`, async () => {
    const behind = await transaction.query(
      `with recursive behind (pid) as (
         select pg_backend_pid()
         union
         select other.pid from pg_locks other join behind on behind.pid = any(pg_blocking_pids(other.pid))
         where not other.granted
       ) select from behind where pid <> pg_backend_pid()`,
    );
    return (behind.rowCount ?? 0) >= count;
  });
