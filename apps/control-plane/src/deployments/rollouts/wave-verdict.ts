import type { DeploymentRow } from '../../deployment-requests/deployment-rows.ts';

/** How an environment of a wave stands. */
export type Standing = 'acknowledged' | 'failed' | 'pending';

/** What is to become of a rollout. */
export type Verdict = 'wait' | 'next' | 'stop';

export interface Tolerance {
  readonly stopOnFailure: boolean;
  /** Of the live gateways of an environment; 1 to 100. */
  readonly minAppliedPercent: number;
}

type Outcome = Pick<DeploymentRow, 'state' | 'result'>;

/** Whether enough of the gateways that live have applied it, whatever the others say. */
function isAppliedEnough({ result }: Outcome, minAppliedPercent: number): boolean {
  const { live, applied } = result?.gateways ?? { live: 0, applied: 0 };
  return live > 0 && applied * 100 >= minAppliedPercent * live;
}

/**
 * A deployment that failed before any gateway saw it has failed; where gateways answered, their share decides.
 *
 * @param outcome of the deployment, or of the one that repeated it; undefined when something else took its place
 */
export function standingOf(outcome: Outcome | undefined, { minAppliedPercent }: Tolerance): Standing {
  if (outcome === undefined || outcome.state === 'superseded') return 'failed';
  if (outcome.state === 'succeeded' || isAppliedEnough(outcome, minAppliedPercent)) return 'acknowledged';
  return outcome.state;
}

/** The wave that began last decides: it is acknowledged as a whole, or it is not. */
export function verdictOf(standings: readonly Standing[], { stopOnFailure }: Tolerance): Verdict {
  if (stopOnFailure && standings.includes('failed')) return 'stop';
  return standings.includes('pending') ? 'wait' : 'next';
}
