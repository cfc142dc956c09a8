import { afterEach, describe, expect, it } from '@jest/globals';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { Client, type QueryResultRow } from 'pg';
import { EmbeddedServerError } from '../embedded-server-error.ts';
import { identifyProcess } from '../process/process-identity.ts';
import { type RunningServer } from '../running-server.ts';
import { killChildScripts, runChildScript } from '../testing/child-script.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../testing/temporary-directory.ts';
import { startEmbeddedPostgres } from './start-embedded-postgres.ts';

const running: RunningServer[] = [];

async function start(dataDir: string, databaseName?: string): Promise<RunningServer> {
  const server = await startEmbeddedPostgres({ dataDir, durable: false, ...(databaseName && { databaseName }) });
  running.push(server);
  return server;
}

async function query(url: string, sql: string): Promise<QueryResultRow[]> {
  const client = new Client({ connectionString: url });
  // A server that is killed in a test takes the connection with it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<QueryResultRow>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function failureOf(starting: Promise<RunningServer>): Promise<EmbeddedServerError> {
  try {
    running.push(await starting);
  } catch (error) {
    if (error instanceof EmbeddedServerError) return error;
    throw error;
  }
  throw new Error('it started');
}

const passwordFile = (dataDir: string): string => path.join(dataDir, 'postgres.password');

const START_AND_HOLD = (dataDir: string): string => `
  import { startEmbeddedPostgres } from '#libs/embedded-servers';
  const server = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} });
  console.log(JSON.stringify({ url: server.url, pid: server.pid }));`;

describe('the embedded PostgreSQL', () => {
  afterEach(async () => {
    await killChildScripts();
    await Promise.all(running.splice(0).map((server) => server.stop()));
    removeTemporaryDirectories();
  });

  it('comes up with a database of our own, in UTF-8 and locale C, on loopback only', async () => {
    const server = await start(temporaryDirectory());
    expect(server.url).toMatch(
      new RegExp(`^postgres://gatewarden:[\\w-]{32}@127\\.0\\.0\\.1:${server.port}/gatewarden$`),
    );
    const rows = await query(
      server.url,
      `SELECT current_setting('server_encoding') AS encoding, current_setting('listen_addresses') AS addresses,
        current_setting('unix_socket_directories') AS sockets, current_setting('password_encryption') AS password,
        (SELECT datcollate FROM pg_database WHERE datname = current_database()) AS collation`,
    );
    expect(rows).toEqual([
      { encoding: 'UTF8', addresses: '127.0.0.1', sockets: '', password: 'scram-sha-256', collation: 'C' },
    ]);
  });

  it('keeps its data and its password from one start to the next', async () => {
    const dataDir = temporaryDirectory();
    const first = await start(dataDir, 'some "name"');
    await query(first.url, 'CREATE TABLE kept AS SELECT 7 AS number');
    await first.stop();
    await first.exited;
    const second = await start(dataDir, 'some "name"');
    expect(await query(second.url, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
    expect(new URL(second.url).password).toBe(new URL(first.url).password);
  });

  it('keeps the password in a file that only its owner can read, and nowhere else', async () => {
    const dataDir = temporaryDirectory();
    const server = await start(dataDir);
    const { password } = new URL(server.url);
    expect(statSync(passwordFile(dataDir)).mode & 0o777).toBe(0o600);
    expect(readFileSync(passwordFile(dataDir), 'utf8').trim()).toBe(password);
    expect(readFileSync(path.join(dataDir, 'postgres.log'), 'utf8')).not.toContain(password);
    await expect(query(server.url.replace(password, 'guessed'), 'SELECT 1')).rejects.toThrow('password authentication');
  });

  it('refuses a second start on the same directory and goes on serving', async () => {
    const dataDir = temporaryDirectory();
    const server = await start(dataDir);
    const refusal = await failureOf(startEmbeddedPostgres({ dataDir, durable: false }));
    expect(refusal).toMatchObject({ code: 'DIRECTORY_IN_USE', pid: process.pid });
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('starts again, with its data, after its parent was killed with -9 and left it running', async () => {
    const dataDir = temporaryDirectory();
    const parent = runChildScript(START_AND_HOLD(dataDir));
    const orphan = JSON.parse(await parent.nextLine()) as { url: string; pid: number };
    await query(orphan.url, 'CREATE TABLE kept AS SELECT 7 AS number');
    await parent.killHard();
    expect(identifyProcess(orphan.pid)).not.toBeNull();
    const server = await start(dataDir);
    expect(identifyProcess(orphan.pid)).toBeNull();
    expect(await query(server.url, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
  });

  it('is stopped when its parent ends without stopping it', async () => {
    const dataDir = temporaryDirectory();
    const parent = runChildScript(`${START_AND_HOLD(dataDir)} process.exit(0);`);
    const { pid } = JSON.parse(await parent.nextLine()) as { pid: number };
    await parent.ended;
    await start(dataDir);
    expect(identifyProcess(pid)).toBeNull();
  });

  it('reports that it was killed, and recovers at the next start', async () => {
    const dataDir = temporaryDirectory();
    const first = await startEmbeddedPostgres({ dataDir, durable: true });
    await query(first.url, 'CREATE TABLE kept AS SELECT 7 AS number');
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    const second = await start(dataDir);
    expect(await query(second.url, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
  });

  it('does not touch a stranger that got the number in an old postmaster.pid', async () => {
    const dataDir = temporaryDirectory();
    await (await start(dataDir)).stop();
    const stranger = runChildScript('process.stdin.resume(); console.log("here")');
    await stranger.nextLine();
    writeFileSync(path.join(dataDir, 'postgres', 'postmaster.pid'), `${stranger.child.pid}\n/elsewhere\n0\n5432\n`);
    await expect(start(dataDir)).resolves.toMatchObject({ pid: expect.any(Number) });
    expect(stranger.child.signalCode).toBeNull();
    await stranger.killHard();
  });

  it('is not poisoned by an initdb that was killed half-way', async () => {
    const dataDir = temporaryDirectory();
    const halfWay = new Promise<void>((resolve) => {
      const watcher = watch(dataDir, (_event, name) => {
        if (!name?.includes('initialising')) return;
        watcher.close();
        resolve();
      });
    });
    const parent = runChildScript(START_AND_HOLD(dataDir));
    await halfWay;
    await parent.killHard();
    const server = await start(dataDir);
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await server.stop();
    expect(readdirSync(dataDir).toSorted()).toEqual(['postgres', 'postgres.log', 'postgres.password']);
  });

  it('sets a new password when the file with the old one was deleted', async () => {
    const dataDir = temporaryDirectory();
    const first = await start(dataDir);
    await query(first.url, 'CREATE TABLE kept AS SELECT 7 AS number');
    await first.stop();
    rmSync(passwordFile(dataDir));
    const second = await start(dataDir);
    expect(new URL(second.url).password).not.toBe(new URL(first.url).password);
    expect(await query(second.url, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
  });

  it('says what to do when the password file is of another database', async () => {
    const dataDir = temporaryDirectory();
    await (await start(dataDir)).stop();
    writeFileSync(passwordFile(dataDir), 'of-another-database\n');
    const failure = await failureOf(startEmbeddedPostgres({ dataDir, durable: false }));
    expect(failure.code).toBe('POSTGRES_DATA_NOT_USABLE');
    expect(failure.remedies).toEqual(['delete that file: the next start sets a new password']);
    rmSync(passwordFile(dataDir));
    await start(dataDir);
  });

  it('shows the last lines of its log when it does not start', async () => {
    const dataDir = temporaryDirectory();
    await (await start(dataDir)).stop();
    writeFileSync(path.join(dataDir, 'postgres', 'PG_VERSION'), '9.6\n');
    const failure = await failureOf(startEmbeddedPostgres({ dataDir, durable: false }));
    expect(failure.code).toBe('POSTGRES_START_FAILED');
    expect(failure.message).toContain('database files are incompatible with server');
  });

  it('does not initialise a directory that holds something else', async () => {
    const dataDir = temporaryDirectory();
    mkdirSync(path.join(dataDir, 'postgres'));
    writeFileSync(path.join(dataDir, 'postgres', 'letter.txt'), 'mine');
    const failure = await failureOf(startEmbeddedPostgres({ dataDir, durable: false }));
    expect(failure.code).toBe('POSTGRES_DATA_NOT_USABLE');
    expect(readFileSync(path.join(dataDir, 'postgres', 'letter.txt'), 'utf8')).toBe('mine');
  });

  if (process.getuid?.() === 0) {
    it('runs for root under another account, which owns the cluster', async () => {
      const dataDir = temporaryDirectory();
      chmodSync(dataDir, 0o711);
      const server = await start(dataDir);
      const owner = statSync(path.join(dataDir, 'postgres')).uid;
      expect(owner).not.toBe(0);
      expect(statSync(`/proc/${server.pid}`).uid).toBe(owner);
    });

    it('puts the cluster elsewhere, and finds it again, where that account cannot enter the directory', async () => {
      const closed = temporaryDirectory();
      chmodSync(closed, 0o700);
      const dataDir = path.join(closed, 'data');
      const first = await start(dataDir);
      const link = path.join(dataDir, 'postgres');
      const cluster = realpathSync(link);
      try {
        expect(lstatSync(link).isSymbolicLink()).toBe(true);
        expect(cluster).toMatch(/^\/var\/lib\/gatewarden\/postgres-[0-9a-f]{12}$/);
        await query(first.url, 'CREATE TABLE kept AS SELECT 7 AS number');
        await first.stop();
        const second = await start(dataDir);
        expect(await query(second.url, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
        await second.stop();
      } finally {
        rmSync(cluster, { recursive: true, force: true });
      }
    });
  }
});
