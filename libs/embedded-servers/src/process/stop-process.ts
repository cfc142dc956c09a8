import { setTimeout as delay } from 'node:timers/promises';
import { identifyProcess, isStillRunning } from './process-identity.ts';
import { systemCode } from '../embedded-server-error.ts';

const LOOK_AGAIN_MS = 25;

/** A signal and how long it is given to work, in milliseconds. */
export interface StopStep {
  readonly signal: NodeJS.Signals;
  readonly waitMs: number;
}

/** Sends a signal; a process that has gone meanwhile is no fault. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}

/**
 * Stops a process that is not a child of ours, one step after the other. A child is awaited by its `exit` event instead.
 *
 * @returns whether it has gone.
 */
export async function stopProcess(pid: number, steps: readonly StopStep[]): Promise<boolean> {
  const identity = identifyProcess(pid);
  if (identity === null) return true;
  for (const { signal, waitMs } of steps) {
    signalProcess(pid, signal);
    for (let waitedMs = 0; waitedMs < waitMs; waitedMs += LOOK_AGAIN_MS) {
      if (!isStillRunning(identity)) return true;
      await delay(LOOK_AGAIN_MS);
    }
  }
  return !isStillRunning(identity);
}
