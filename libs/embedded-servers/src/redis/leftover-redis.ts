import { readFileSync, realpathSync, rmSync } from 'node:fs';
import path from 'node:path';
import { EmbeddedServerError } from '../embedded-server-error.ts';
import { commandLineOf, identifyProcess, workingDirectoryOf } from '../process/process-identity.ts';
import { stopProcess, type StopStep } from '../process/stop-process.ts';

/** SIGTERM: clients are disconnected and the append-only file is flushed. */
export const STOP_REDIS: readonly StopStep[] = [
  { signal: 'SIGTERM', waitMs: 15_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
];

/** Written by the server itself as soon as it listens. */
export const redisPidFile = (dataDir: string): string => path.join(dataDir, 'redis.pid');

function readPid(dataDir: string): number {
  try {
    return Number(readFileSync(redisPidFile(dataDir), 'utf8').trim());
  } catch {
    return 0;
  }
}

/** A Redis works in its data directory; another process that got the same number does not. */
function isRedisOf(dataDir: string, pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 1 || identifyProcess(pid) === null) return false;
  if (!/redis|valkey/.test(commandLineOf(pid))) return false;
  const workingDirectory = workingDirectoryOf(pid);
  return workingDirectory === null || workingDirectory === realpathSync(dataDir);
}

/**
 * Stops the server that a killed parent left behind: two on one append-only file would destroy it, and only a child of
 * our own reports its end.
 *
 * @throws EmbeddedServerError `REDIS_LEFTOVER_RUNNING` when it does not stop
 */
export async function stopLeftoverRedis(dataDir: string, onProgress: (message: string) => void): Promise<void> {
  const pid = readPid(dataDir);
  if (isRedisOf(dataDir, pid)) {
    onProgress(`stopping the Redis server left over from an earlier run (process ${pid})`);
    if (!(await stopProcess(pid, STOP_REDIS))) {
      throw new EmbeddedServerError('REDIS_LEFTOVER_RUNNING', `Redis (process ${pid}) of an earlier run hangs`, [
        `stop it: kill -9 ${pid}`,
      ]);
    }
  }
  rmSync(redisPidFile(dataDir), { force: true });
}
