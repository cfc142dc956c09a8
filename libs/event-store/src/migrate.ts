import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { ADVISORY_LOCKS } from './advisory-locks.ts';
import { EventStoreUnavailable } from './event-store-errors.ts';

/** SQL files of one owner and the table that remembers which of them have run. */
export interface MigrationSet {
  /** Absolute path; files are named `NNNN_what.sql` and run in that order. */
  readonly directory: string;
  /** Its own for each set. */
  readonly table: string;
}

/** The tables of the event store. */
export const EVENT_STORE_MIGRATIONS: MigrationSet = {
  directory: fileURLToPath(new URL('./migrations', import.meta.url)),
  table: 'event_store_migrations',
};

const silent = (): void => undefined;

/**
 * Brings a database up to date, set after set, each in one transaction. Safe when several processes start at once:
 * the later ones wait and find nothing left to do.
 *
 * @throws EventStoreUnavailable when the database cannot be reached
 */
export async function migrate(databaseUrl: string, ...sets: readonly MigrationSet[]): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  // A lost connection fails the statement in hand; unheard, it would also end the process.
  client.on('error', silent);
  try {
    await client.connect();
  } catch (cause) {
    throw new EventStoreUnavailable('nothing-recorded', { cause });
  }
  try {
    await client.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCKS.migration]);
    for (const { directory, table } of sets) {
      await runner({
        dbClient: client,
        dir: directory,
        migrationsTable: table,
        direction: 'up',
        singleTransaction: true,
        noLock: true,
        logger: { info: silent, warn: silent, error: silent },
      });
    }
  } finally {
    // Also gives the lock back.
    await client.end();
  }
}

/** Whether `migrate` would find nothing to do; changes nothing. */
export async function isMigrated(client: pg.ClientBase, ...sets: readonly MigrationSet[]): Promise<boolean> {
  for (const { directory, table } of sets) {
    const { rows: tables } = await client.query<{ exists: boolean }>('SELECT to_regclass($1) IS NOT NULL AS exists', [
      table,
    ]);
    if (tables[0]?.exists !== true) return false;
    const { rows } = await client.query<{ name: string }>(`SELECT name FROM ${table}`);
    const run = new Set(rows.map(({ name }) => name));
    const files = readdirSync(directory).map((file) => path.parse(file).name);
    if (files.some((name) => !run.has(name))) return false;
  }
  return true;
}
