import { spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { acquireLockFile } from '../directory-lock.ts';
import { EmbeddedServerError, systemCode } from '../embedded-server-error.ts';
import { findFreePort } from '../free-port.ts';
import { ownProcess, type OwnedProcess } from '../process/owned-process.ts';
import { openServerLog, type ServerLog } from '../process/server-log.ts';
import { type RunningServer } from '../running-server.ts';
import { findPostgresBinaries, type PostgresBinaries } from './binaries.ts';
import { ensureCluster, placeCluster, POSTGRES_ENVIRONMENT, ROLE, type ClusterPlace } from './cluster.ts';
import { isPostmasterReady, STOP_POSTGRES, stopLeftoverPostmaster } from './postmaster.ts';

export interface EmbeddedPostgresOptions {
  /** The cluster lives in `<dataDir>/postgres`, beside it `postgres.password` (0600), `postgres.log`, `postgres.lock`. */
  readonly dataDir: string;
  /** Created if need be. Default `gatewarden`. */
  readonly databaseName?: string;
  readonly onProgress?: (message: string) => void;
  /** False switches fsync off: for tests only, a power cut may then corrupt the data. Default true. */
  readonly durable?: boolean;
}

const START_ATTEMPTS = 8;
/** Recovery after a crash can take long. */
const START_LIMIT_MS = 180_000;
const LOOK_AGAIN_MS = 20;
const RETRY_AFTER_MS = 500;
/** Somebody took the port in between; processes of a killed postmaster are still on their way out. */
const WORTH_A_RETRY = /Address already in use|pre-existing shared memory block/;

/** SQLSTATE invalid_password. */
const WRONG_PASSWORD = '28P01';

interface StartContext {
  readonly place: ClusterPlace;
  readonly binaries: PostgresBinaries;
  readonly log: ServerLog;
  readonly durable: boolean;
}

/**
 * Starts the embedded PostgreSQL of a data directory on a free port of 127.0.0.1, creating cluster and database the
 * first time. The url is `postgres://gatewarden:<password>@127.0.0.1:<port>/<databaseName>`.
 *
 * @throws DirectoryInUse when another process has it running
 * @throws EmbeddedServerError with what to do about it
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<RunningServer> {
  const dataDir = path.resolve(options.dataDir);
  const onProgress = options.onProgress ?? (() => undefined);
  const lock = acquireLockFile(dataDir, 'postgres.lock', 'the embedded PostgreSQL');
  let log: ServerLog | undefined;
  try {
    log = openServerLog(path.join(dataDir, 'postgres.log'));
    const place = await placeCluster(dataDir);
    const binaries = await findPostgresBinaries(place.account, onProgress);
    const durable = options.durable ?? true;
    await stopLeftoverPostmaster(place.directory, onProgress);
    const password = await ensureCluster(place, { dataDir, binaries, durable });
    const { owned, port } = await startPostmaster({ place, binaries, log, durable });
    void owned.exited.then(() => lock.release());
    const stop = (): Promise<void> => owned.stop(STOP_POSTGRES);
    const url = await openDatabase(port, password, options.databaseName ?? 'gatewarden').catch(
      async (error: unknown) => {
        await stop();
        throw error;
      },
    );
    return { url, port, pid: owned.child.pid ?? 0, exited: owned.exited, stop };
  } catch (error) {
    lock.release();
    throw error;
  } finally {
    log?.release();
  }
}

async function startPostmaster(context: StartContext): Promise<{ owned: OwnedProcess; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort();
    const owned = await spawnPostmaster(context, port);
    if (await becomesReady(owned, context.place.directory)) return { owned, port };
    await owned.stop(STOP_POSTGRES);
    const reason = context.log.tail(10);
    if (attempt === START_ATTEMPTS || !WORTH_A_RETRY.test(reason)) throw startFailed(reason);
    await delay(RETRY_AFTER_MS);
  }
}

const startFailed = (reason: string): EmbeddedServerError =>
  new EmbeddedServerError('POSTGRES_START_FAILED', `PostgreSQL did not start:\n${reason}`, [
    'the whole log is postgres.log in the data directory',
    'or set DATABASE_URL to a PostgreSQL 15 or later',
  ]);

const passwordDoesNotFit = (cause: unknown): EmbeddedServerError =>
  new EmbeddedServerError(
    'POSTGRES_DATA_NOT_USABLE',
    'postgres.password in the data directory is not the password of the database beside it',
    ['delete that file: the next start sets a new password'],
    cause,
  );

/** A session of its own: Ctrl-C in the terminal must not stop the database before those who still write to it. */
function spawnPostmaster({ place, binaries, log, durable }: StartContext, port: number): Promise<OwnedProcess> {
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'];
  settings.push('logging_collector=off', 'log_destination=stderr');
  if (!durable) settings.push('fsync=off', 'synchronous_commit=off', 'full_page_writes=off');
  const args = ['-D', place.directory, ...settings.flatMap((setting) => ['-c', setting])];
  const child = spawn(binaries.postgres, args, {
    ...place.account,
    cwd: '/',
    env: POSTGRES_ENVIRONMENT,
    detached: true,
    stdio: ['ignore', log.descriptor, log.descriptor],
  });
  return ownProcess(child, 'SIGINT');
}

async function becomesReady(owned: OwnedProcess, clusterDirectory: string): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < START_LIMIT_MS; waitedMs += LOOK_AGAIN_MS) {
    if (owned.hasExited()) return false;
    if (isPostmasterReady(clusterDirectory, owned.child.pid ?? 0)) return true;
    await delay(LOOK_AGAIN_MS);
  }
  return false;
}

async function openDatabase(port: number, password: string, databaseName: string): Promise<string> {
  const address = (name: string) => `postgres://${ROLE}:${password}@127.0.0.1:${port}/${encodeURIComponent(name)}`;
  const client = new Client({ connectionString: address('postgres') });
  await client.connect().catch((error: unknown) => {
    throw systemCode(error) === WRONG_PASSWORD ? passwordDoesNotFit(error) : error;
  });
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [databaseName]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(databaseName)}`);
  } finally {
    await client.end();
  }
  return address(databaseName);
}
