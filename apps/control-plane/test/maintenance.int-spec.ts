import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmbeddedPostgres, type RunningServer } from '#libs/embedded-servers';
import { freshDatabase, type FreshDatabase } from '#libs/event-store/testing';
import { openHistory } from '../src/maintenance/open-history.ts';
import { prepareDatabase } from '../src/persistence/prepare-database.ts';

const MASTER_KEY = Buffer.alloc(32, 5);
const masterKeyText = MASTER_KEY.toString('base64');

/** A command in a process of its own that says where its database is and waits there. */
const ENDLESS = `
  const files = ['run-command', 'open-history'].map((name) => import('./apps/control-plane/src/maintenance/' + name + '.ts'));
  Promise.all(files).then(([{ runCommand }, { openHistory: open }]) => {
    const run = async ({ databaseUrl, database }) => {
      process.stdout.write(databaseUrl);
      await database.query('SELECT pg_sleep(600)');
    };
    return runCommand({ name: 'endless', help: '', options: {}, open, run }, process.env);
  });`;

describe('the history that a command opens, where there is a database', () => {
  let database: FreshDatabase;
  beforeAll(async () => {
    database = await freshDatabase();
    await expect(openHistory(settings(MASTER_KEY))).rejects.toThrow(/start that once/);
    expect((await database.pool.query("SELECT FROM pg_tables WHERE schemaname = 'public'")).rowCount).toBe(0);
    await prepareDatabase(database.url, MASTER_KEY);
  });
  afterAll(() => database.drop());
  const settings = (masterKey: Buffer) => ({ DATABASE_URL: database.url, MASTER_KEY: masterKey.toString('base64') });

  it('is read', async () => {
    const history = await openHistory(settings(MASTER_KEY));
    expect(await history.store.readStream('nobody')).toEqual([]);
    await history.close();
  });

  it('is not opened under another master key than before, were it empty', async () => {
    await expect(openHistory(settings(Buffer.alloc(32, 6)))).rejects.toThrow(/MASTER_KEY is not the one/);
    await (await openHistory(settings(MASTER_KEY))).close();
  });

  it('gets its MACs from a process that keeps checkpoints, and from no other', async () => {
    for (const table of ['events', 'streams']) {
      await database.pool.query(`alter table ${table} alter column mac drop not null`);
    }
    await expect(prepareDatabase(database.url, MASTER_KEY, { checkpointFile: null })).rejects.toThrow(
      /start a process with the role api first/,
    );
    expect(await prepareDatabase(database.url, MASTER_KEY)).toMatchObject({ sealedEvents: 0 });
    expect((await prepareDatabase(database.url, MASTER_KEY, { checkpointFile: null })).sealedEvents).toBeUndefined();
  });

  it('needs a master key', async () => {
    await expect(openHistory({ DATABASE_URL: database.url })).rejects.toThrow(/MASTER_KEY is required/);
  });
});

describe('the history that a command opens in DATA_DIR', () => {
  let dataDir: string;
  let server: RunningServer | undefined;
  beforeAll(() => {
    dataDir = mkdtempSync(path.join(tmpdir(), 'gatewarden-maintenance-'));
    // As root PostgreSQL runs under another account, which has to get there.
    chmodSync(dataDir, 0o711);
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(dataDir, { recursive: true });
  });

  it('is not made where there is none, nor is a key', async () => {
    const nothing = path.join(dataDir, 'nothing');
    await expect(openHistory({ DATA_DIR: nothing, MASTER_KEY: masterKeyText })).rejects.toThrow(/there is no database/);
    await expect(openHistory({ DATA_DIR: nothing })).rejects.toThrow(/there is no master-key/);
    expect(existsSync(nothing)).toBe(false);
  });

  it('is that of the server which a control plane runs there, and is left running', async () => {
    server = await startEmbeddedPostgres({ dataDir, durable: false });
    writeFileSync(path.join(dataDir, 'master-key'), `${masterKeyText}\n`);
    await prepareDatabase(server.url, MASTER_KEY);
    const history = await openHistory({ DATA_DIR: dataDir });
    expect(new URL(history.databaseUrl).port).toBe(String(server.port));
    await history.close();
    await (await openHistory({ DATA_DIR: dataDir })).close();
  });

  it('is served while the command runs, where no control plane does', async () => {
    await server?.stop();
    const history = await openHistory({ DATA_DIR: dataDir });
    expect(await history.store.readStream('nobody')).toEqual([]);
    await history.close();
    await expect(prepareDatabase(history.databaseUrl, MASTER_KEY)).rejects.toThrow(/cannot be reached/);
  });

  it('is served no longer once the command is stopped in the middle', async () => {
    const command = spawn(process.execPath, ['--import', './test/support/import-typescript.mjs', '-e', ENDLESS], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { DATA_DIR: dataDir },
    });
    const ended = once(command, 'exit');
    let said = '';
    command.stderr.on('data', (data: Buffer) => (said += data.toString('utf8')));
    const [databaseUrl] = (await once(command.stdout, 'data')).map(String);
    command.kill('SIGINT');
    expect({ ended: await ended, said }).toEqual({ ended: [2, null], said: 'endless: stopped by SIGINT\n' });
    await expect(prepareDatabase(databaseUrl ?? '', MASTER_KEY)).rejects.toThrow(/cannot be reached/);
  });
});
