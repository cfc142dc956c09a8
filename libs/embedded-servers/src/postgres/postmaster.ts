import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { EmbeddedServerError } from '../embedded-server-error.ts';
import { commandLineOf, identifyProcess, workingDirectoryOf } from '../process/process-identity.ts';
import { stopProcess, type StopStep } from '../process/stop-process.ts';

/** SIGINT: fast shutdown, clients are disconnected and everything is flushed. SIGQUIT: recovery at the next start. */
export const STOP_POSTGRES: readonly StopStep[] = [
  { signal: 'SIGINT', waitMs: 30_000 },
  { signal: 'SIGQUIT', waitMs: 10_000 },
];

const lineOf = (clusterDirectory: string, index: number): string => {
  try {
    const lines = readFileSync(path.join(clusterDirectory, 'postmaster.pid'), 'utf8').split('\n');
    return lines[index]?.trim() ?? '';
  } catch {
    return '';
  }
};

/** Whether the server of this number says in postmaster.pid that it takes connections (its eighth line). */
export const isPostmasterReady = (clusterDirectory: string, pid: number): boolean =>
  lineOf(clusterDirectory, 0) === String(pid) && lineOf(clusterDirectory, 7) === 'ready';

/** The port (fourth line of postmaster.pid) of a server that is alive and takes connections; undefined without one. */
export function readyPortOf(clusterDirectory: string): number | undefined {
  const [pid, port] = [Number(lineOf(clusterDirectory, 0)), Number(lineOf(clusterDirectory, 3))];
  if (!Number.isSafeInteger(pid) || pid <= 1 || !isPostmasterReady(clusterDirectory, pid)) return undefined;
  return isPostmasterOf(clusterDirectory, pid) && port > 0 ? port : undefined;
}

/** A postmaster works in its cluster's directory; another process that got the same number does not. */
function isPostmasterOf(clusterDirectory: string, pid: number): boolean {
  if (identifyProcess(pid) === null) return false;
  const commandLine = commandLineOf(pid);
  if (!commandLine.includes('postgres')) return false;
  const workingDirectory = workingDirectoryOf(pid);
  if (workingDirectory !== null) return workingDirectory === realpathSync(clusterDirectory);
  return commandLine.includes(clusterDirectory);
}

/**
 * Stops the server that a killed parent left behind. It is not adopted: it may be of another release or run with other
 * settings, and only a child of our own reports its end.
 *
 * @throws EmbeddedServerError `POSTGRES_LEFTOVER_RUNNING` when it does not stop
 */
export async function stopLeftoverPostmaster(
  clusterDirectory: string,
  onProgress: (message: string) => void,
): Promise<void> {
  const pid = Number(lineOf(clusterDirectory, 0));
  if (!Number.isSafeInteger(pid) || pid <= 1 || !isPostmasterOf(clusterDirectory, pid)) return;
  onProgress(`stopping the PostgreSQL server left over from an earlier run (process ${pid})`);
  if (await stopProcess(pid, STOP_POSTGRES)) return;
  throw new EmbeddedServerError('POSTGRES_LEFTOVER_RUNNING', `PostgreSQL (process ${pid}) of an earlier run hangs`, [
    `stop it: kill -QUIT ${pid}`,
  ]);
}
