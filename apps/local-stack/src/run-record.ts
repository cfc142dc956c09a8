import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  commandLineOf,
  identifyProcess,
  isStillRunning,
  parseProcessIdentity,
  stopProcess,
  type ProcessIdentity,
} from '#libs/embedded-servers';
import { StackFault } from './stack-fault.ts';

const runDirectory = (dataDir: string): string => path.join(dataDir, 'run');
const recordFile = (dataDir: string, name: string): string => path.join(runDirectory(dataDir), `${name}.json`);

/** Remembers a child process, so that the next `npm run up` finds it should this one be killed with -9. */
export function recordChild(dataDir: string, name: string, child: { pid: number; script: string }): void {
  const identity = identifyProcess(child.pid);
  if (identity === null) return;
  mkdirSync(runDirectory(dataDir), { recursive: true });
  writeFileSync(recordFile(dataDir, name), JSON.stringify({ ...identity, script: child.script }), { mode: 0o600 });
}

export function forgetChild(dataDir: string, name: string): void {
  rmSync(recordFile(dataDir, name), { force: true });
}

interface Leftover {
  readonly name: string;
  readonly identity: ProcessIdentity;
}

/** Only the very process that was recorded, by start time and command: numbers are used again. */
function readLeftover(dataDir: string, fileName: string): Leftover | null {
  const name = path.basename(fileName, '.json');
  try {
    const parsed: unknown = JSON.parse(readFileSync(recordFile(dataDir, name), 'utf8'));
    const identity = parseProcessIdentity(parsed);
    const script = (parsed as { script?: unknown } | null)?.script;
    if (identity === null || typeof script !== 'string' || !isStillRunning(identity)) return null;
    return commandLineOf(identity.pid).includes(script) ? { name, identity } : null;
  } catch {
    return null;
  }
}

function listLeftovers(dataDir: string): Leftover[] {
  mkdirSync(runDirectory(dataDir), { recursive: true });
  const found: Leftover[] = [];
  for (const fileName of readdirSync(runDirectory(dataDir))) {
    const leftover = readLeftover(dataDir, fileName);
    if (leftover !== null) found.push(leftover);
  }
  // Those that depend on another go first: gateway-1, gateway-2, then the control plane.
  return found.sort((left, right) => right.name.localeCompare(left.name));
}

/**
 * Stops the children of a run that was killed with -9 and forgets them. They are not adopted: they may be of an older
 * build, and their Redis is about to move.
 *
 * @throws StackFault `LEFTOVER_RUNNING`
 */
export async function stopLeftovers(dataDir: string, say: (message: string) => void): Promise<void> {
  for (const { name, identity } of listLeftovers(dataDir)) {
    say(`stopping ${name} (process ${identity.pid}), left over from an earlier run`);
    const stopped = await stopProcess(identity.pid, [
      { signal: 'SIGTERM', waitMs: 20_000 },
      { signal: 'SIGKILL', waitMs: 5_000 },
    ]);
    if (!stopped) {
      throw new StackFault(
        'LEFTOVER_RUNNING',
        `${name} (process ${identity.pid}) of an earlier run cannot be stopped`,
        [`stop it: kill -9 ${identity.pid}`],
      );
    }
  }
  for (const fileName of readdirSync(runDirectory(dataDir))) forgetChild(dataDir, path.basename(fileName, '.json'));
}
