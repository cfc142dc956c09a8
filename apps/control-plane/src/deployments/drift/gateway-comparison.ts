import type { ChannelMirror, LeaseState } from '#libs/config-distribution';
import type { Queryable } from '../../persistence/secret-vault.ts';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';
import { compareGateway, hashKey } from './compare-gateways.ts';
import type { DriftFinding } from './drift-finding.ts';
import { lastDeploymentIn } from './recorded-proxies.ts';

export interface ComparedGateways {
  readonly findings: readonly DriftFinding[];
  /** Gateways that live. */
  readonly count: number;
}

/**
 * Compares every live gateway with the log.
 *
 * @param isComplete false: what gateways serve does not follow from the log yet, only numbers are compared.
 * @throws ChannelUnavailable
 */
export async function compareGateways(
  database: Queryable,
  { environmentId, answers }: EnvironmentChannel,
  mirror: ChannelMirror,
  { isComplete }: { readonly isComplete: boolean },
): Promise<ComparedGateways> {
  const leases = await answers.live();
  // Read after the leases: no gateway can have applied what was given a number later.
  const lastDeployment = leases.length === 0 ? 0 : await lastDeploymentIn(database, environmentId);
  const hashes = isComplete ? await hashesHeldIn(database, environmentId, leases) : new Map<string, string>();
  const findings = leases.flatMap((lease) => compareGateway(lease, { mirror, lastDeployment, hashes }));
  const certain = isComplete ? findings : findings.filter(isAheadOfRecord);
  return { findings: certain, count: leases.length };
}

/** A gateway has applied what is not recorded: PostgreSQL came back from an older backup. */
export const isAheadOfRecord = ({ subject, problem }: DriftFinding): boolean =>
  subject.kind === 'gateway' && problem === 'newer';

/** What was given out by the deployments that gateways hold in place of the newest. */
async function hashesHeldIn(
  database: Queryable,
  environmentId: string,
  leases: readonly LeaseState[],
): Promise<Map<string, string>> {
  const numbers = new Set(leases.flatMap(({ holdsInstead = [] }) => holdsInstead.map(({ deployment }) => deployment)));
  if (numbers.size === 0) return new Map();
  const found = await database.query<{ proxy_id: string; deployment: string; hash: string }>(
    `select proxy_id, deployment, result ->> 'hash' as hash from deployments
     where environment_id = $1 and deployment = any($2::bigint[]) and result ->> 'hash' is not null`,
    [environmentId, [...numbers]],
  );
  return new Map(found.rows.map((row) => [hashKey(row.proxy_id, Number(row.deployment)), row.hash]));
}
