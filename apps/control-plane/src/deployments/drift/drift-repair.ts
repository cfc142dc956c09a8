import { Injectable } from '@nestjs/common';
import { stillHolds } from '#libs/config-distribution';
import { wishIdentitiesAgain } from '../../channel-upkeep/identity-wishes.ts';
import {
  holdDeployments,
  requestDeployments,
  type DeploymentTarget,
  type DeploymentWish,
  type RequestedDeployment,
} from '../../deployment-requests/deployment-requests.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../../persistence/unit-of-work.ts';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';
import { holdKnownChannel, publishEverythingAgain } from '../channel/known-position.ts';
import type { DriftFinding } from './drift-finding.ts';
import { DriftMetrics } from './drift-metrics.ts';
import type { DriftReport } from './drift-report.ts';
import { IDENTITY_KINDS } from './environment-comparison.ts';
import { recordedOf, type RecordedProxy } from './recorded-proxies.ts';

/** Beyond so many proxies everything is published again, in batches. */
const PROXIES_ONE_BY_ONE = 100;
const AGAIN = 'Published again: the environment did not hold what is recorded';
const TAKEN_OUT = 'Taken out: nothing is recorded of what the environment held';

/** What a repair has asked for; it is carried out like any other wish. */
export interface RequestedRepair {
  readonly deployments: readonly RequestedDeployment[];
  /** Users and key pairs that the environment is told of again. */
  readonly identities: number;
  /** Everything is published again, in batches, under numbers that are given one after the other. */
  readonly isEverything: boolean;
}

const NOTHING: RequestedRepair = { deployments: [], identities: 0, isEverything: false };

/** Asks once more for what an environment does not hold as it is recorded, under numbers that nobody has seen. */
@Injectable()
export class DriftRepair {
  constructor(
    private readonly units: UnitOfWork,
    private readonly metrics: DriftMetrics,
  ) {}

  /**
   * Asks in one transaction that no other deployer can be in at the same time; what was repaired or changed since it was
   * found is left out.
   *
   * @param highestFound the highest deployment in Redis: where something there is newer than what is recorded, numbers go
   *   on behind it.
   * @throws ChannelUnavailable
   */
  async request(
    context: RequestContext,
    { environmentId, name: environmentName, channel }: EnvironmentChannel,
    { findings, highestFound }: Pick<DriftReport, 'findings' | 'highestFound'>,
  ): Promise<RequestedRepair> {
    if (findings.length === 0) return NOTHING;
    const target: DeploymentTarget = { environmentId, environmentName };
    const requested = await this.units.run(context, async (unit) => {
      const held = await holdKnownChannel(unit.transaction, environmentId);
      if (held === undefined || held.repairAfter !== null) return NOTHING;
      // A log that is not the known one is begun anew as a whole.
      if (!(await stillHolds(channel, held))) return NOTHING;
      const identities = await tellAgain(unit, environmentId, findings);
      const proxies = new Map(
        findings.flatMap((one) => (one.subject.kind === 'proxy' ? [[one.subject.proxyId, one]] : [])),
      );
      const isEverything =
        proxies.size > PROXIES_ONE_BY_ONE || findings.some(({ subject }) => subject.kind === 'gateway');
      await passNumbers(unit, environmentId, { findings, highestFound });
      if (isEverything) await publishEverythingAgain(unit.transaction, environmentId);
      const deployments = isEverything ? [] : await publishAgain(unit, target, proxies);
      return { deployments, identities, isEverything };
    });
    this.metrics.noteRepair(environmentName, 'identity', requested.identities);
    this.metrics.noteRepair(environmentName, 'proxy', requested.deployments.length);
    this.metrics.noteRepair(environmentName, 'everything', requested.isEverything ? 1 : 0);
    return requested;
  }
}

/** PostgreSQL came back from an older backup: no number is given again that may have been given before. */
async function passNumbers(
  unit: Unit,
  environmentId: string,
  { findings, highestFound }: Pick<DriftReport, 'findings' | 'highestFound'>,
): Promise<void> {
  const numbers = findings.flatMap(({ subject, problem, found }) =>
    subject.kind !== 'identity' && (problem === 'newer' || problem === 'not-recorded') ? [found ?? 0] : [],
  );
  if (numbers.length === 0) return;
  await unit.transaction.query(
    `insert into deployment_counters (environment_id, last_deployment) values ($1, $2)
     on conflict (environment_id)
       do update set last_deployment = greatest(deployment_counters.last_deployment, excluded.last_deployment)`,
    [environmentId, Math.max(highestFound, ...numbers)],
  );
}

async function publishAgain(
  unit: Unit,
  target: DeploymentTarget,
  findings: ReadonlyMap<string, DriftFinding>,
): Promise<RequestedDeployment[]> {
  if (findings.size === 0) return [];
  const { environmentId } = target;
  await holdDeployments(unit, [environmentId]);
  const recorded = await recordedOf(unit.transaction, environmentId, [...findings.keys()]);
  const requested: RequestedDeployment[] = [];
  for (const [proxyId, finding] of findings) {
    const wish = wishOf(proxyId, finding, recorded.get(proxyId));
    if (wish !== undefined) requested.push(...(await requestDeployments(unit, [target], wish)));
  }
  return requested;
}

/** undefined: something newer was wished or has ended since it was looked at, or is on its way. */
function wishOf(
  proxyId: string,
  { problem, recorded, where }: DriftFinding,
  now: RecordedProxy | undefined,
): DeploymentWish | undefined {
  if (now === undefined)
    return problem === 'not-recorded' ? { kind: 'undeploy', proxyId, revision: 1, description: TAKEN_OUT } : undefined;
  if (now.published === undefined) return undefined;
  const { kind, revision, deployment } = now.published;
  if (where === 'redis' && deployment !== recorded) return undefined;
  return { kind, proxyId, revision, description: AGAIN };
}

async function tellAgain(unit: Unit, environmentId: string, findings: readonly DriftFinding[]): Promise<number> {
  let count = 0;
  for (const kind of IDENTITY_KINDS) {
    const ofKind = findings.filter(({ subject }) => subject.kind === 'identity' && subject.identity === kind);
    const subjects = [
      ...new Set(ofKind.flatMap(({ subject }) => (subject.kind === 'identity' ? [subject.subject] : []))),
    ];
    if (subjects.length === 0) continue;
    await wishIdentitiesAgain(unit.transaction, environmentId, { kind, subjects, versionsHeld: highestHeld(ofKind) });
    count += subjects.length;
  }
  return count;
}

/** Only what was sealed here counts: whoever plants a record may give it any number. */
const highestHeld = (findings: readonly DriftFinding[]): number =>
  Math.max(0, ...findings.map(({ problem, found }) => (problem === 'altered' ? 0 : (found ?? 0))));
