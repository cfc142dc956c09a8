import type { LeaseState } from '#libs/config-distribution';
import { outcomeOf, servedInstead, type Question } from '../channel/gateway-answer.ts';
import type { DriftFinding } from '../drift/drift-finding.ts';
import { driftOfGateway } from './present-drift.ts';

/** What of the published artifact a client of the API sees. */
export interface PublishedRoute {
  readonly deployment: number;
  readonly revision: number;
  readonly paths: readonly string[];
  readonly methods: readonly string[];
}

export interface RecordedDeployment {
  readonly kind: 'publish' | 'undeploy';
  readonly deployment: number;
}

export interface RouteFacts {
  readonly leases: readonly LeaseState[];
  /** The newest that was asked for; undefined: none ever was. */
  readonly newest: RecordedDeployment | undefined;
  /** undefined: nothing is published of the proxy, or no more. */
  readonly published: PublishedRoute | undefined;
  /** Where the newest published record of the proxy stands in the log. */
  readonly position: Question['position'];
  readonly proxyId: string;
  /** How the proxy's record in the log, and live gateways, differ from what is recorded. */
  readonly drift: readonly DriftFinding[];
}

interface PodHealth {
  /** Whether the newest that is published is served. */
  readonly routeActive: boolean;
  /** Which deployment is served; 0: none. null: gateways of earlier builds do not say it. */
  readonly deployment: number | null;
  readonly error?: string;
}

const heldInstead = (lease: LeaseState, { proxyId }: RouteFacts): number | undefined =>
  lease.holdsInstead?.find((one) => one.proxyId === proxyId)?.deployment;

/** With nothing published a gateway that has not come so far may serve what was published before. */
function healthOfAbsent(lease: LeaseState, facts: RouteFacts): PodHealth {
  const { newest, proxyId, position } = facts;
  const held = heldInstead(lease, facts);
  if (newest?.kind !== 'undeploy') {
    if (held === undefined || held === 0)
      return { routeActive: false, deployment: 0, error: 'nothing is published yet' };
    return { routeActive: true, deployment: held, error: `nothing is published: ${servedInstead(held)}` };
  }
  const { outcome } = outcomeOf(lease, { proxyId, kind: 'undeploy', deployment: newest.deployment, position });
  if (outcome === 'applied') return { routeActive: false, deployment: 0 };
  const error = `undeployment ${newest.deployment} is not applied yet`;
  return { routeActive: true, deployment: held ?? null, error };
}

function healthOf(lease: LeaseState, facts: RouteFacts): PodHealth {
  const { published, proxyId, position } = facts;
  if (published === undefined) return healthOfAbsent(lease, facts);
  const { deployment } = published;
  const { outcome, reason } = outcomeOf(lease, { proxyId, kind: 'publish', deployment, position });
  if (outcome === 'applied') return { routeActive: true, deployment };
  const why = reason === undefined ? '' : `: ${reason}`;
  const error = `deployment ${deployment} is ${outcome === 'rejected' ? 'rejected' : 'not applied yet'}${why}`;
  return { routeActive: false, deployment: heldInstead(lease, facts) ?? null, error };
}

/** What the gateway does otherwise as a whole is said where nothing nearer is known. */
function withDrift(health: PodHealth, gatewayId: string, { drift }: RouteFacts): PodHealth {
  const error = health.error ?? driftOfGateway(gatewayId, drift);
  return error === undefined ? health : { ...health, error };
}

/** Where gateways disagree among themselves there is no one answer. */
function commonRootContext(leases: readonly LeaseState[]): string | null {
  const [first, ...others] = new Set(leases.map(({ rootContext }) => rootContext));
  return others.length > 0 ? null : (first ?? null);
}

type ServedRoute = { readonly servedPath: string | null; readonly methods: readonly string[] };
const NOWHERE: ServedRoute = { servedPath: null, methods: [] };

function servedRoute(published: PublishedRoute | undefined): ServedRoute {
  if (published === undefined) return NOWHERE;
  const { paths, methods } = published;
  return { servedPath: paths[0] ?? null, methods: methods.length === 0 ? ['ALL'] : methods };
}

/** What differs of this proxy, or of a gateway as a whole, wherever it was found. */
const isDrifted = ({ drift, proxyId }: RouteFacts): boolean =>
  drift.some(({ subject }) => subject.kind === 'gateway' || (subject.kind === 'proxy' && subject.proxyId === proxyId));

/** Whether gateways and record say the same: all of them serve the newest deployment, or none serves anything. */
function isAgreed(facts: RouteFacts, pods: readonly PodHealth[]): boolean {
  const { newest, published } = facts;
  if (isDrifted(facts)) return false;
  if (newest?.kind !== 'publish') return !pods.some(({ routeActive }) => routeActive);
  return pods.every(({ routeActive }) => routeActive) && published?.deployment === newest.deployment;
}

/**
 * `GET X/environments/{env}/route-health/` in the vendor's words: a pod is a gateway, and has answered when it lives. Active is
 * the newest deployment that is published; with no live gateway nothing is known, so nothing is inconsistent.
 */
export function routeHealth(facts: RouteFacts) {
  const { leases, newest, published } = facts;
  const route = servedRoute(published);
  const pods = leases.map((lease) => {
    const health = withDrift(healthOf(lease, facts), lease.gatewayId, facts);
    return {
      ...{ gatewayId: lease.gatewayId, workerPodIp: lease.address, apinizerRootContext: lease.rootContext ?? null },
      ...(health.routeActive ? route : NOWHERE),
      ...health,
    };
  });
  const active = pods.filter(({ routeActive }) => routeActive).length;
  return {
    routeActive: pods.length > 0 && active === pods.length,
    ...(active > 0 ? route : NOWHERE),
    apinizerRootContext: commonRootContext(leases),
    ...{ podsResponded: pods.length, podsActive: active, deployedInManager: newest?.kind === 'publish' },
    inconsistent: pods.length > 0 && !isAgreed(facts, pods),
    ...{ deployment: published?.deployment ?? null, revision: published?.revision ?? null },
    gateways: { live: pods.length, serving: active },
    pods,
  };
}
