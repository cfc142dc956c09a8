import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import type pg from 'pg';
import { ADVISORY_LOCKS } from './advisory-locks.ts';
import { EventStoreUnavailable } from './event-store-errors.ts';
import { openClient } from './open-client.ts';

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

/** Of a statement that only looks. */
const ANSWERS_WITHIN_MS = 30_000;
const SAID_EVERY_MS = 10_000;
/** PostgreSQL's `lock_not_available`. */
const WAITED_LONG = '55P03';

export interface MigratedDatabase {
  readonly url: string;
  /**
   * Told again and again while another process migrates.
   *
   * @param holder its `pid` in `pg_stat_activity`; undefined when it has just ended
   */
  readonly onWait: (holder: number | undefined) => void;
  /** In milliseconds. */
  readonly saidEveryMs?: number;
}

const HOLDER = `SELECT pid FROM pg_locks
  WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32) + objid::bigint = $1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** The lock is given back with the connection. */
async function holdMigrationLock(client: pg.Client, { onWait, saidEveryMs = SAID_EVERY_MS }: MigratedDatabase) {
  await client.query(`SET lock_timeout = ${saidEveryMs}`);
  for (let isMine = false; !isMine;) {
    try {
      await client.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCKS.migration]);
      isMine = true;
    } catch (error) {
      if ((error as { code?: unknown }).code !== WAITED_LONG) throw error;
      onWait((await client.query<{ pid: number }>(HOLDER, [ADVISORY_LOCKS.migration])).rows[0]?.pid);
    }
  }
  await client.query('SET lock_timeout = DEFAULT');
}

/** Without waiting for whoever migrates, or did and was never heard of again. */
async function hasNothingToDo(url: string, sets: readonly MigrationSet[]): Promise<boolean> {
  const client = await openClient(url, ANSWERS_WITHIN_MS);
  try {
    return await isMigrated(client, ...sets);
  } catch (cause) {
    if (cause instanceof Error && cause.message === 'Query read timeout') {
      throw new EventStoreUnavailable('nothing-recorded', { cause });
    }
    throw cause;
  } finally {
    await client.end();
  }
}

/**
 * Brings a database up to date, set after set, each in one transaction. Safe when several processes start at once:
 * the later ones wait and find nothing left to do.
 *
 * @throws EventStoreUnavailable when the database cannot be reached
 */
export async function migrate(target: string | MigratedDatabase, ...sets: readonly MigrationSet[]): Promise<void> {
  const database = typeof target === 'string' ? { url: target, onWait: silent } : target;
  if (await hasNothingToDo(database.url, sets)) return;
  const client = await openClient(database.url);
  try {
    await holdMigrationLock(client, database);
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
