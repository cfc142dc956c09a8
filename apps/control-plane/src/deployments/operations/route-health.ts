import type { LeaseState } from '#libs/config-distribution';
import { outcomeOf, type Question } from '../channel/gateway-answers.ts';

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
}

interface PodHealth {
  readonly routeActive: boolean;
  readonly error?: string;
}

/** With nothing published a gateway that has not come so far may serve what was published before. */
function healthOfAbsent(lease: LeaseState, { newest, proxyId, position }: RouteFacts): PodHealth {
  if (newest?.kind !== 'undeploy') return { routeActive: false, error: 'nothing is published yet' };
  const { outcome } = outcomeOf(lease, { proxyId, deployment: newest.deployment, position });
  if (outcome === 'applied') return { routeActive: false };
  return { routeActive: true, error: `undeployment ${newest.deployment} is not applied yet` };
}

function healthOf(lease: LeaseState, facts: RouteFacts): PodHealth {
  const { published, proxyId, position } = facts;
  if (published === undefined) return healthOfAbsent(lease, facts);
  const { deployment } = published;
  const { outcome, reason } = outcomeOf(lease, { proxyId, deployment, position });
  if (outcome === 'applied') return { routeActive: true };
  const error = outcome === 'rejected' ? `rejected: ${reason ?? ''}` : 'not applied yet';
  return { routeActive: false, error: `deployment ${deployment} is ${error}` };
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

/** Whether gateways and record say the same: all of them serve the newest deployment, or none serves anything. */
function isAgreed({ newest, published }: RouteFacts, pods: readonly PodHealth[]): boolean {
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
    const health = healthOf(lease, facts);
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
