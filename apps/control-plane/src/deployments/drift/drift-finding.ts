import type { IdentityKind } from '#libs/config-distribution';

/**
 * How what is held differs from what is recorded. `missing`: not there, or it cannot be loaded. `older`, `newer`: another
 * deployment or version than the recorded one. `altered`: of the right number, with other content or bytes that were not
 * sealed here. `not-recorded`: nothing is recorded of it.
 */
export type DriftProblem = 'missing' | 'older' | 'newer' | 'altered' | 'not-recorded';

/** What differs: the log as a whole, one proxy, one user or key pair, a gateway as a whole. */
export type DriftSubject =
  | { readonly kind: 'log' }
  | { readonly kind: 'gateway' }
  | { readonly kind: 'proxy'; readonly proxyId: string }
  | { readonly kind: 'identity'; readonly identity: IdentityKind; readonly subject: string };

export interface DriftFinding {
  readonly where: 'redis' | 'gateway';
  /** null: it was found in Redis. */
  readonly gatewayId: string | null;
  readonly subject: DriftSubject;
  readonly problem: DriftProblem;
  /** The number of the deployment, or the version of the identity; null: none. */
  readonly recorded: number | null;
  readonly found: number | null;
}

type InRedis = Pick<DriftFinding, 'problem' | 'recorded' | 'found'>;

export const proxyInRedis = (proxyId: string, facts: InRedis): DriftFinding => ({
  ...{ where: 'redis', gatewayId: null, subject: { kind: 'proxy', proxyId } },
  ...facts,
});

/** Names what differs where, whatever the difference is. */
export const placeOf = ({ where, gatewayId, subject }: Omit<DriftFinding, keyof InRedis>): string =>
  JSON.stringify([where, gatewayId, subject]);

/** Names a finding: said once for as long as it stays the same. */
export const findingKey = (finding: DriftFinding): string =>
  JSON.stringify([placeOf(finding), finding.problem, finding.recorded, finding.found]);

/** The same for what is looked at several times before it counts: of a gateway as a whole the numbers may change meanwhile. */
export const suspicionOf = (finding: DriftFinding): string =>
  finding.subject.kind === 'gateway' ? `${placeOf(finding)} ${finding.problem}` : findingKey(finding);
