import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmbeddedPostgres, type RunningServer } from '#libs/embedded-servers';
import { freshDatabase, type FreshDatabase } from '#libs/event-store/testing';
import { openHistory } from '../src/maintenance/open-history.ts';
import { prepareDatabase } from '../src/persistence/prepare-database.ts';

const MASTER_KEY = Buffer.alloc(32, 5);
const masterKeyText = MASTER_KEY.toString('base64');

describe('the history that a command opens, where there is a database', () => {
  let database: FreshDatabase;
  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterAll(() => database.drop());
  const settings = (masterKey: Buffer) => ({ DATABASE_URL: database.url, MASTER_KEY: masterKey.toString('base64') });

  it('is brought up to date and read', async () => {
    const history = await openHistory(settings(MASTER_KEY));
    expect(await history.store.readStream('nobody')).toEqual([]);
    await history.close();
  });

  it('is not opened under another master key than before, were it empty', async () => {
    await expect(openHistory(settings(Buffer.alloc(32, 6)))).rejects.toThrow(/MASTER_KEY is not the one/);
    await (await openHistory(settings(MASTER_KEY))).close();
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
});
