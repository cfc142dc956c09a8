import { spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { acquireLockFile } from '../directory-lock.ts';
import { EmbeddedServerError } from '../embedded-server-error.ts';
import { findFreePort } from '../free-port.ts';
import { ownProcess, type OwnedProcess } from '../process/owned-process.ts';
import { openServerLog, type ServerLog } from '../process/server-log.ts';
import { type RunningServer } from '../running-server.ts';
import { redisPidFile, STOP_REDIS, stopLeftoverRedis } from './leftover-redis.ts';
import { obtainRedis } from './obtain-redis.ts';
import { askRedisForItsPid } from './redis-answers.ts';
import { type RedisProgram } from './redis-program.ts';

export interface RedisOptions {
  /** Holds the append-only file, `redis.log`, `redis.pid` and `redis.lock`. */
  readonly dataDir: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Without `port`: this one if nobody else has it, so that others may keep the address; else a free one. */
  readonly preferredPort?: number;
  /** True (default): every write is in the append-only file within a second. False: nothing is kept. */
  readonly appendOnly?: boolean;
  /** Where a server may be unpacked when there is none. Default `.data/tools`. */
  readonly toolsDir?: string;
  readonly onProgress?: (message: string) => void;
  /** Further arguments of the server, e.g. `['--maxmemory', '64mb']`. */
  readonly extraArguments?: readonly string[];
}

const START_ATTEMPTS = 5;
/** A big append-only file takes long to load. */
const START_LIMIT_MS = 120_000;
const LOOK_AGAIN_MS = 20;

interface StartContext {
  readonly program: RedisProgram;
  readonly dataDir: string;
  readonly log: ServerLog;
  readonly args: readonly string[];
  readonly port: number | undefined;
  readonly preferredPort: number | undefined;
}

/**
 * Starts a Redis of our own on 127.0.0.1, never evicting (a queue must not lose jobs). A server that happens to listen
 * somewhere is never adopted.
 *
 * @throws DirectoryInUse when another process has it running
 * @throws EmbeddedServerError with what to do about it
 */
export async function startRedis(options: RedisOptions): Promise<RunningServer> {
  const dataDir = path.resolve(options.dataDir);
  const onProgress = options.onProgress ?? (() => undefined);
  const lock = acquireLockFile(dataDir, 'redis.lock', 'our own Redis');
  let log: ServerLog | undefined;
  try {
    log = openServerLog(path.join(dataDir, 'redis.log'));
    const program = await obtainRedis(path.resolve(options.toolsDir ?? '.data/tools'), onProgress);
    await stopLeftoverRedis(dataDir, onProgress);
    const args = [...persistence(options.appendOnly ?? true), ...(options.extraArguments ?? [])];
    const ports = { port: options.port, preferredPort: options.preferredPort };
    const { owned, port } = await spawnUntilItListens({ program, dataDir, log, args, ...ports });
    void owned.exited.then(() => lock.release());
    return {
      url: `redis://127.0.0.1:${port}`,
      port,
      pid: owned.child.pid ?? 0,
      exited: owned.exited,
      stop: () => owned.stop(STOP_REDIS),
    };
  } catch (error) {
    lock.release();
    throw error;
  } finally {
    log?.release();
  }
}

const persistence = (appendOnly: boolean): readonly string[] =>
  appendOnly ? ['--appendonly', 'yes', '--appendfsync', 'everysec'] : ['--appendonly', 'no'];

async function spawnUntilItListens(context: StartContext): Promise<{ owned: OwnedProcess; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = context.port ?? (attempt === 1 ? context.preferredPort : undefined) ?? (await findFreePort());
    const owned = await spawnRedis(context, port);
    if (await becomesReady(owned, port)) return { owned, port };
    await owned.stop(STOP_REDIS);
    const reason = context.log.tail(10);
    const portTaken = reason.includes('Address already in use');
    if (!portTaken || context.port !== undefined || attempt === START_ATTEMPTS) throw startFailed(reason, port);
  }
}

const startFailed = (reason: string, port: number): EmbeddedServerError =>
  new EmbeddedServerError('REDIS_START_FAILED', `Redis did not start on port ${port}:\n${reason}`, [
    'the whole log is redis.log in the data directory',
    'when its append-only file is damaged: redis-check-aof --fix',
    'or set REDIS_URL to a server that is running already',
  ]);

/** A session of its own: Ctrl-C in the terminal must not stop Redis before those who still write to it. */
function spawnRedis({ program, dataDir, log, args }: StartContext, port: number): Promise<OwnedProcess> {
  const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dataDir, '--daemonize', 'no', '--save', ''];
  fixed.push('--maxmemory-policy', 'noeviction', '--pidfile', redisPidFile(dataDir), '--logfile', '');
  const child = spawn(program.command, [...fixed, ...args], {
    cwd: dataDir,
    ...(Object.keys(program.env).length > 0 && { env: program.env }),
    detached: true,
    stdio: ['ignore', log.descriptor, log.descriptor],
  });
  return ownProcess(child, 'SIGTERM');
}

async function becomesReady(owned: OwnedProcess, port: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < START_LIMIT_MS; waitedMs += LOOK_AGAIN_MS) {
    if (owned.hasExited()) return false;
    if ((await askRedisForItsPid(port)) === owned.child.pid) return true;
    await delay(LOOK_AGAIN_MS);
  }
  return false;
}
