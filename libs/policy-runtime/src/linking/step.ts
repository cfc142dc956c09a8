import type { Exchange } from '../exchange/exchange.ts';
import type { Fault } from '../exchange/fault.ts';

/** Runs a policy at `nowMs`; a fault stops the flow. */
export type SyncRun = (exchange: Exchange, nowMs: number) => Fault | undefined;
export type AsyncRun = (exchange: Exchange, nowMs: number) => Promise<Fault | undefined>;
/** Synchronous unless a step waits. */
export type Run = (exchange: Exchange, nowMs: number) => Fault | undefined | Promise<Fault | undefined>;

/** One linked policy, or several joined into one. */
export type Step = { readonly waits: false; readonly run: SyncRun } | { readonly waits: true; readonly run: AsyncRun };

function withoutWaiting(runs: readonly SyncRun[]): SyncRun {
  return (exchange, nowMs) => {
    for (const run of runs) {
      const fault = run(exchange, nowMs);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}

function awaitingWhereNeeded(steps: readonly Step[]): AsyncRun {
  return async (exchange, nowMs) => {
    for (const step of steps) {
      const fault = step.waits ? await step.run(exchange, nowMs) : step.run(exchange, nowMs);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}

/** Joins steps into one that stops at the first fault; it waits only if one of them does. */
export function inSequence(steps: readonly Step[]): Step {
  const runs: SyncRun[] = [];
  for (const step of steps) {
    if (step.waits) return { waits: true, run: awaitingWhereNeeded(steps) };
    runs.push(step.run);
  }
  const [only] = runs;
  return { waits: false, run: runs.length === 1 && only !== undefined ? only : withoutWaiting(runs) };
}
