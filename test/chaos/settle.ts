import { setTimeout as pause } from 'node:timers/promises';
import { type GatewardenSystem } from '../support/gatewarden-system.ts';
import { newestOfEach, recordedDeployments, servedOtherwise } from './recorded-truth.ts';

/** The dearest look of the control plane at what gateways that join would find comes every 10 s. */
const QUIET_FOR_MS = 3_000;
const LOOK_EVERY_MS = 250;
const TELL_EVERY_MS = 5_000;

/**
 * Waits until nothing is left to do: no open deployment, everything served as it was recorded last, and no new wish for a
 * while.
 *
 * @returns what was still to be waited for when the time was over; empty: settled
 */
export async function settled(
  system: GatewardenSystem,
  withinMs: number,
  say: (line: string) => void,
): Promise<string[]> {
  const deadlineMs = performance.now() + withinMs;
  let quietSinceMs = Number.POSITIVE_INFINITY;
  let last = -1;
  let toldMs = performance.now();
  for (;;) {
    const { open, total } = await leftToDo(system).catch((error: unknown) => ({ open: [String(error)], total: -1 }));
    const nowMs = performance.now();
    if (open.length > 0 || total !== last) quietSinceMs = nowMs;
    last = total;
    if (open.length === 0 && nowMs - quietSinceMs >= QUIET_FOR_MS) return [];
    if (nowMs > deadlineMs) return open.length > 0 ? open : ['new deployments are still being asked for'];
    if (open.length > 0 && nowMs - toldMs > TELL_EVERY_MS) {
      say(`settling: ${open.length} left, ${open[0]}`);
      toldMs = nowMs;
    }
    await pause(LOOK_EVERY_MS);
  }
}

async function leftToDo(system: GatewardenSystem): Promise<{ open: string[]; total: number }> {
  const { rows } = await system.database.pool.query<{ deployment: string }>(
    `select deployment from deployments where state = 'pending'`,
  );
  if (rows.length > 0) return { open: [`${rows.length} open deployments`], total: -1 };
  const deployments = await recordedDeployments(system.database.pool);
  const open = await servedOtherwise(system, newestOfEach(deployments));
  return { open, total: deployments.length };
}
