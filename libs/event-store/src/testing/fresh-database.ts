import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { migrate, type MigrationSet } from '../migrate.ts';

/** A database that only one suite uses. */
export interface FreshDatabase {
  readonly url: string;
  readonly pool: pg.Pool;
  /** Ends the pool and removes the database, with whatever is still connected to it. */
  drop(): Promise<void>;
}

/**
 * Creates an empty database on the test run's PostgreSQL server and brings it up to date with `sets`.
 *
 * @throws Error when `TEST_DATABASE_URL` (address of the server, with the right to create databases) is not set
 */
export async function freshDatabase(...sets: readonly MigrationSet[]): Promise<FreshDatabase> {
  // eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
  const adminUrl = process.env['TEST_DATABASE_URL'];
  if (adminUrl === undefined) throw new Error('TEST_DATABASE_URL is not set: run the integration project of the tests');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await asAdmin(adminUrl, `CREATE DATABASE ${name}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  await migrate(url.href, ...sets);
  const pool = new pg.Pool({ connectionString: url.href, max: 20, pipeline: true });
  // Dropping the database, and tests that break connections on purpose, must not end the test process.
  pool.on('error', () => undefined);
  const drop = async (): Promise<void> => {
    await pool.end();
    await asAdmin(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  };
  return { url: url.href, pool, drop };
}

async function asAdmin(adminUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
