import {
  ServedDigest,
  type ChannelMirror,
  type LeaseState,
  type ServedAt,
  type ServedProxy,
} from '#libs/config-distribution';
import type { DriftFinding, DriftSubject } from './drift-finding.ts';

/** Gateways name no more proxies than this of which they hold something else. */
const NAMED_AT_MOST = 100;

export interface GatewayFacts {
  readonly mirror: ChannelMirror;
  /** The highest number that was given to any deployment, read after the leases. */
  readonly lastDeployment: number;
  /** What an earlier deployment of a proxy gave out, by `hashKey`; not there: it is not known. */
  readonly hashes: ReadonlyMap<string, string>;
}

/** Names a deployment of a proxy. */
export const hashKey = (proxyId: string, deployment: number): string => `${deployment} ${proxyId}`;

/**
 * Compares what a gateway says that it serves with what follows from the log up to where it says that it has read. What it
 * refused and said so is no drift. Gateways of earlier builds say only where they are.
 */
export function compareGateway(lease: LeaseState, facts: GatewayFacts): DriftFinding[] {
  const { mirror, lastDeployment } = facts;
  const finding = (
    subject: DriftSubject,
    problem: DriftFinding['problem'],
    recorded: number,
    found: number,
  ): DriftFinding => ({ where: 'gateway', gatewayId: lease.gatewayId, subject, problem, recorded, found });
  if (lease.deployment > lastDeployment)
    return [finding({ kind: 'gateway' }, 'newer', lastDeployment, lease.deployment)];
  const newer = (lease.holdsInstead ?? []).flatMap(({ proxyId, deployment }) => {
    const published = mirror.changes.get(proxyId)?.deployment ?? Infinity;
    return deployment > published ? [finding({ kind: 'proxy', proxyId }, 'newer', published, deployment)] : [];
  });
  if (newer.length > 0) return newer;
  const expected = expectedOf(lease, facts);
  if (expected === undefined || lease.served === undefined) return [];
  if (lease.served.digest === expected.digest && lease.served.proxies === expected.proxies) return [];
  return [finding({ kind: 'gateway' }, 'altered', expected.proxies, lease.served.proxies)];
}

/** undefined: it cannot be known. */
function expectedOf(lease: LeaseState, { mirror, hashes }: GatewayFacts): ServedAt | undefined {
  const { loaded, holdsInstead = [] } = lease;
  if (loaded === null) return undefined;
  if (holdsInstead.length === 0) return mirror.servedAt(loaded);
  const isAtEnd = loaded.epoch === mirror.position?.epoch && loaded.sequence === mirror.position.sequence;
  return isAtEnd && holdsInstead.length < NAMED_AT_MOST ? servedInstead(holdsInstead, mirror, hashes) : undefined;
}

/** What follows from the end of the log, but for what the gateway says that it holds in place of the newest. */
function servedInstead(
  instead: NonNullable<LeaseState['holdsInstead']>,
  mirror: ChannelMirror,
  hashes: GatewayFacts['hashes'],
): ServedAt | undefined {
  const served = new Map<string, ServedProxy>();
  for (const change of mirror.changes.values()) if (change.kind === 'artifact') served.set(change.proxyId, change);
  for (const { proxyId, deployment } of instead) {
    const hash = hashes.get(hashKey(proxyId, deployment));
    if (deployment === 0) served.delete(proxyId);
    else if (hash === undefined) return undefined;
    else served.set(proxyId, { proxyId, deployment, hash });
  }
  const digest = ServedDigest.of(served.values());
  return { proxies: digest.proxies, digest: digest.text() };
}
