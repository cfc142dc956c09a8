import { setTimeout as pause } from 'node:timers/promises';
import type { ChannelMirror, LeaseState } from '#libs/config-distribution';
import type { Queryable } from '../../persistence/secret-vault.ts';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';
import { KEY_SET_ORDERS, keySetOrdersVersions } from '../../channel-upkeep/identity-wishes.ts';
import { obeyedVersion } from '../channel/obedience-tally.ts';
import { compareGateway, hashKey } from './compare-gateways.ts';
import { suspicionOf, type DriftFinding } from './drift-finding.ts';
import { lastDeploymentIn } from './recorded-proxies.ts';

export interface ComparedGateways {
  readonly findings: readonly DriftFinding[];
  /** Gateways that live. */
  readonly count: number;
}

/** What was read of a log; `isComplete` false: what gateways serve does not follow from it yet, only numbers are compared. */
export interface ReadLog {
  readonly mirror: ChannelMirror;
  readonly isComplete: boolean;
}

/**
 * Compares every live gateway with the log.
 *
 * @throws ChannelUnavailable
 */
export async function compareGateways(
  database: Queryable,
  { environmentId, answers }: EnvironmentChannel,
  { mirror, isComplete }: ReadLog,
): Promise<ComparedGateways> {
  const leases = await answers.live();
  const count = leases.length;
  if (count === 0) return { findings: [], count };
  // Read after the leases: no gateway can have applied what was given a number later.
  const lastDeployment = await lastDeploymentIn(database, environmentId);
  const orders = await ordersAheadOfRecord(database, environmentId, leases);
  const hashes = isComplete ? await hashesHeldIn(database, environmentId, leases) : new Map<string, string>();
  const compared = (): DriftFinding[] => [
    ...leases.flatMap((lease) => compareGateway(lease, { mirror, lastDeployment, hashes })),
    ...orders,
  ];
  // The log may have been read before the leases, and gateways may be further: then it is looked at again.
  if (compared().length > 0 && !(await mirror.follow())) return { findings: [], count };
  const findings = compared();
  return { findings: isComplete ? findings : findings.filter(isAheadOfRecord), count };
}

/** Gateways renew their leases every second: what they say is read so often before it counts. */
const READINGS = 4;
const BETWEEN_READINGS_MS = 700;

/**
 * The same, read several times when something differs: what is found in every reading.
 *
 * @throws ChannelUnavailable
 */
export async function lastingDriftOfGateways(
  database: Queryable,
  environment: EnvironmentChannel,
  log: ReadLog,
): Promise<ComparedGateways> {
  let lasting = await compareGateways(database, environment, log);
  for (let reading = 1; reading < READINGS && lasting.findings.length > 0; reading += 1) {
    await pause(BETWEEN_READINGS_MS);
    const before = new Set(lasting.findings.map(suspicionOf));
    const { findings, count } = await compareGateways(database, environment, log);
    lasting = { findings: findings.filter((one) => before.has(suspicionOf(one))), count };
  }
  return lasting;
}

/** A gateway has applied or obeys what is not recorded: PostgreSQL came back from an older backup. */
export const isAheadOfRecord = ({ where, subject, problem }: DriftFinding): boolean =>
  where === 'gateway' && subject.kind !== 'proxy' && problem === 'newer';

/** Orders that gateways obey and that are not recorded. The leases were read before: none can obey what was wished later. */
async function ordersAheadOfRecord(
  database: Queryable,
  environmentId: string,
  leases: readonly LeaseState[],
): Promise<DriftFinding[]> {
  const { told, wished } = await keySetOrdersVersions(database, environmentId);
  const recorded = Math.max(told ?? 0, wished ?? 0);
  const { kind: identity, subject } = KEY_SET_ORDERS;
  return leases.flatMap((lease) => {
    const found = obeyedVersion(lease, subject) ?? 0;
    const place = {
      where: 'gateway',
      gatewayId: lease.gatewayId,
      subject: { kind: 'identity', identity, subject },
    } as const;
    return found > recorded ? [{ ...place, problem: 'newer', recorded, found } as const] : [];
  });
}

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
