import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import { ADVISORY_LOCKS } from '../src/advisory-locks.ts';
import { EventStoreUnavailable } from '../src/event-store-errors.ts';
import { EVENT_STORE_MIGRATIONS, isMigrated, migrate, type MigrationSet } from '../src/migrate.ts';
import { freshDatabase, type FreshDatabase } from '../src/testing/index.ts';

let database: FreshDatabase;
let own: MigrationSet;
beforeEach(async () => {
  database = await freshDatabase();
  own = { directory: await mkdtemp(path.join(os.tmpdir(), 'migrations-')), table: 'own_migrations' };
});
afterEach(async () => {
  await rm(own.directory, { recursive: true });
  await database.drop();
});

const addFile = (name: string, sql: string) => writeFile(path.join(own.directory, name), sql);
const tables = async () => {
  const { rows } = await database.pool.query<{ tablename: string }>(
    `SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename`,
  );
  return rows.map((row) => row.tablename);
};
const STORE_TABLES = [
  ...['event_store_epochs', 'event_store_migrations', 'events', 'history_checkpoint_heads', 'history_checkpoints'],
  ...['projection_checkpoints', 'stream_snapshots', 'streams'],
];

describe('migrate', () => {
  it('brings an empty database up, and finds nothing to do the second time', async () => {
    await migrate(database.url, EVENT_STORE_MIGRATIONS);
    await migrate(database.url, EVENT_STORE_MIGRATIONS);
    expect(await tables()).toEqual(STORE_TABLES);
  });

  it('lets several processes start at once', async () => {
    await Promise.all(Array.from({ length: 6 }, () => migrate(database.url, EVENT_STORE_MIGRATIONS)));
    expect(await tables()).toEqual(STORE_TABLES);
    expect((await database.pool.query('SELECT FROM event_store_epochs')).rowCount).toBe(1);
  });

  it('runs the files of other owners beside its own, and later only those that are new', async () => {
    await addFile('0001_things.sql', 'CREATE TABLE things (id integer)');
    await migrate(database.url, EVENT_STORE_MIGRATIONS, own);
    await addFile('0002_more.sql', 'CREATE TABLE more (id integer)');
    await migrate(database.url, EVENT_STORE_MIGRATIONS, own);
    expect(await tables()).toEqual([...STORE_TABLES, 'more', 'own_migrations', 'things'].sort());
  });

  it('tells whether there is anything to do, and does nothing for it', async () => {
    const isDone = async () => {
      const client = await database.pool.connect();
      try {
        return await isMigrated(client, EVENT_STORE_MIGRATIONS, own);
      } finally {
        client.release();
      }
    };
    expect(await isDone()).toBe(false);
    expect(await tables()).toEqual([]);
    await addFile('0001_things.sql', 'CREATE TABLE things (id integer)');
    await migrate(database.url, EVENT_STORE_MIGRATIONS, own);
    expect(await isDone()).toBe(true);
    await addFile('0002_more.sql', 'CREATE TABLE more (id integer)');
    expect(await isDone()).toBe(false);
  });

  it('takes a set back as a whole when one of its files fails, and can be run again', async () => {
    await addFile('0001_things.sql', 'CREATE TABLE things (id integer)');
    await addFile('0002_wrong.sql', 'CREATE TABLE things (id integer)');
    await expect(migrate(database.url, own)).rejects.toMatchObject({ code: '42P07' });
    expect(await tables()).not.toContain('things');
    await addFile('0002_wrong.sql', 'ALTER TABLE things ADD COLUMN name text');
    await migrate(database.url, own);
    expect(await tables()).toContain('things');
  });

  describe('beside another one that has the lock', () => {
    let holder: pg.PoolClient;
    let holderPid: number | undefined;
    beforeEach(async () => {
      holder = await database.pool.connect();
      await holder.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCKS.migration]);
      holderPid = (await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
    });
    afterEach(() => holder.release(true));

    it('waits and says again and again for whom, and goes on when that one has ended', async () => {
      const waits: (number | undefined)[] = [];
      const onWait = (pid: number | undefined): void => {
        waits.push(pid);
        if (waits.length === 2) void holder.query('SELECT pg_advisory_unlock_all()');
      };
      await migrate({ url: database.url, onWait, saidEveryMs: 20 }, EVENT_STORE_MIGRATIONS);
      expect(waits.slice(0, 2)).toEqual([holderPid, holderPid]);
      expect(await tables()).toEqual(STORE_TABLES);
    });

    it('does not wait where there is nothing to do', async () => {
      await holder.query('SELECT pg_advisory_unlock_all()');
      await migrate(database.url, EVENT_STORE_MIGRATIONS);
      await holder.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCKS.migration]);
      await migrate(database.url, EVENT_STORE_MIGRATIONS);
    });
  });

  it('says that the database cannot be reached when it takes connections and is silent', async () => {
    const connections: Socket[] = [];
    const server = createServer((connection) => void connections.push(connection)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const failed = migrate(`postgres://ada:hunter2@127.0.0.1:${port}/x`, EVENT_STORE_MIGRATIONS);
    await expect(failed).rejects.toBeInstanceOf(EventStoreUnavailable);
    for (const connection of connections) connection.destroy();
    server.close();
  });

  it('says that the database cannot be reached, without its password', async () => {
    const failed = migrate('postgres://ada:hunter2@127.0.0.1:1/x', EVENT_STORE_MIGRATIONS);
    await expect(failed).rejects.toBeInstanceOf(EventStoreUnavailable);
    expect(String(await failed.catch((error: unknown) => error))).not.toContain('hunter2');
  });
});
