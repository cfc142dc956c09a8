import type pg from 'pg';

/** Runs some work on a connection in one transaction: all of it is kept, or nothing where it throws. */
export async function inTransaction<Value>(client: pg.ClientBase, work: () => Promise<Value>): Promise<Value> {
  await client.query('begin');
  try {
    const value = await work();
    await client.query('commit');
    return value;
  } catch (error) {
    // On a connection that was lost there is nothing to roll back.
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}
