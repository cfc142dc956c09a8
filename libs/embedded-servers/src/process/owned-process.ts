import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type StopStep } from './stop-process.ts';

/** A child process with a promise for its end. */
export interface OwnedProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  hasExited(): boolean;
  stop(steps: readonly StopStep[]): Promise<void>;
}

async function stopChild(child: ChildProcess, exited: Promise<void>, steps: readonly StopStep[]): Promise<void> {
  for (const { signal, waitMs } of steps) {
    if (child.exitCode !== null || child.signalCode !== null) break;
    child.kill(signal);
    const timer = new AbortController();
    await Promise.race([exited, delay(waitMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
  }
  await exited;
}

/**
 * Takes charge of a spawned child. Should this process end without calling `stop`, the child is told with
 * `lastSignal`; only SIGKILL leaves it behind.
 *
 * @throws whatever spawning failed with
 */
export async function ownProcess(child: ChildProcess, lastSignal: NodeJS.Signals): Promise<OwnedProcess> {
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await once(child, 'spawn');
  child.on('error', () => undefined);
  const tellAtExit = (): void => void child.kill(lastSignal);
  process.once('exit', tellAtExit);
  void exited.then(() => process.off('exit', tellAtExit));
  return {
    child,
    exited,
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
    stop: (steps) => stopChild(child, exited, steps),
  };
}
