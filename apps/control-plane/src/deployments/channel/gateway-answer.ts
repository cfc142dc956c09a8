import type { LeaseState, LogPosition } from '#libs/config-distribution';
import type { GatewayWarning } from '../../deployment-requests/deployment-rows.ts';

/** What a gateway that lives says about one deployment. */
export interface GatewayAnswer {
  readonly gatewayId: string;
  readonly outcome: 'applied' | 'rejected' | 'pending';
  /** Why it is rejected, or pending although the gateway has read it; else undefined. */
  readonly reason: string | undefined;
  /** Since the deployment was published; undefined while pending. */
  readonly responseTimeMs: number | undefined;
  /** What it lacks although it applied it. */
  readonly warnings: readonly GatewayWarning[];
}

/** Which deployment is asked about. */
export interface Question {
  readonly proxyId: string;
  readonly kind: 'publish' | 'undeploy';
  readonly deployment: number;
  /** Where it stands in the log. */
  readonly position: LogPosition;
}

type Outcome = Pick<GatewayAnswer, 'outcome' | 'reason'>;

const APPLIED: Outcome = { outcome: 'applied', reason: undefined };
const NO_ANSWER: Outcome = { outcome: 'pending', reason: undefined };
const pending = (reason: string): Outcome => ({ outcome: 'pending', reason });

/** How people are told what a gateway serves of a proxy; 0: nothing. */
export const servedInstead = (deployment: number): string =>
  deployment === 0 ? 'it serves nothing of it' : `it serves deployment ${deployment} of it instead`;

function rejectionOf(lease: LeaseState, { deployment }: Question): Outcome | undefined {
  const explained = lease.rejected.find((one) => one.deployment === deployment);
  if (explained !== undefined) return { outcome: 'rejected', reason: explained.reason };
  if (lease.rejectedDeployments?.includes(deployment) !== true) return undefined;
  return { outcome: 'rejected', reason: 'rejected; the reason is in the log of the gateway' };
}

/**
 * Why what a gateway has read was not applied all the same. A gateway passes over every deployment below the one that it
 * has applied: when PostgreSQL came back from an old backup, that is a number that was given out before.
 */
function contradictionOf(lease: LeaseState, { proxyId, kind, deployment }: Question): string | undefined {
  const held = lease.holdsInstead?.find((one) => one.proxyId === proxyId);
  if (kind === 'undeploy' && held?.deployment === 0) return undefined;
  if (held !== undefined && held.deployment !== deployment) return servedInstead(held.deployment);
  // Gateways of earlier builds say less; what they say is taken as it was.
  const isOfThisBuild = lease.served !== undefined;
  if (!isOfThisBuild || lease.deployment >= deployment) return undefined;
  return `it says that it has read it, and has applied nothing beyond deployment ${lease.deployment}`;
}

/** What a gateway says about one deployment. */
export function outcomeOf(lease: LeaseState, question: Question): Outcome {
  const rejection = rejectionOf(lease, question);
  if (rejection !== undefined) return rejection;
  const { deployment, position } = question;
  const { loaded } = lease;
  const hasRead = loaded?.epoch === position.epoch && loaded.sequence >= position.sequence;
  const isHandled = lease.handled.includes(deployment);
  if (!isHandled && (!hasRead || lease.unsettled.includes(deployment))) return NO_ANSWER;
  const contradiction = contradictionOf(lease, question);
  return contradiction === undefined ? APPLIED : pending(contradiction);
}
