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
import { awaitKnownChannel, publishEverythingAgain, PUBLISHED_AGAIN } from '../channel/known-position.ts';
import type { DriftFinding } from './drift-finding.ts';
import { DriftMetrics } from './drift-metrics.ts';
import type { DriftReport } from './drift-report.ts';
import { IDENTITY_KINDS } from './environment-comparison.ts';
import { passDeployments, recordedOf, type RecordedProxy } from './recorded-proxies.ts';

/** Beyond so many proxies everything is published again, in batches. */
const PROXIES_ONE_BY_ONE = 100;
/** One transaction takes out no more of what is not recorded than this; whoever wants it all gone asks again. */
const TAKEN_OUT_AT_ONCE = 500;
const TAKEN_OUT = 'Taken out: nothing is recorded of what the environment held';

/** What a repair has asked for; it is carried out like any other wish. */
export interface RequestedRepair {
  readonly deployments: readonly RequestedDeployment[];
  /** Users and key pairs that the environment is told of again. */
  readonly identities: number;
  /** Everything is published again, in batches, under numbers that are given one after the other. */
  readonly isEverything: boolean;
}

/** What a repair is made of. */
interface RepairOrder extends Pick<DriftReport, 'findings' | 'highestFound'> {
  /**
   * Whether proxies of which nothing is recorded are to be taken out. Somebody has to ask for that: PostgreSQL may have come
   * back from an older backup, and what it forgot may be in use.
   */
  readonly takesOutUnrecorded: boolean;
}

const NOTHING: RequestedRepair = { deployments: [], identities: 0, isEverything: false };

/** A proxy that the environment holds and that PostgreSQL does not know at all. */
export const isUnrecordedProxy = ({ subject, problem }: DriftFinding): boolean =>
  subject.kind === 'proxy' && problem === 'not-recorded';

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
   * @param order `highestFound`: the highest deployment in Redis: where something there is newer than what is recorded, or
   *   not recorded, numbers go on behind it.
   * @throws ChannelUnavailable
   */
  async request(
    context: RequestContext,
    { environmentId, name: environmentName, channel }: EnvironmentChannel,
    order: RepairOrder,
  ): Promise<RequestedRepair> {
    const { findings } = order;
    if (findings.length === 0) return NOTHING;
    const target: DeploymentTarget = { environmentId, environmentName };
    const requested = await this.units.run(context, async (unit) => {
      const held = await awaitKnownChannel(unit.transaction, environmentId);
      if (held === undefined || held.repairAfter !== null) return NOTHING;
      // A log that is not the known one is begun anew as a whole.
      if (!(await stillHolds(channel, held))) return NOTHING;
      const identities = await tellAgain(unit, environmentId, findings);
      const recorded = proxiesIn(findings.filter((one) => !isUnrecordedProxy(one)));
      const isEverything =
        recorded.size > PROXIES_ONE_BY_ONE || findings.some(({ subject }) => subject.kind === 'gateway');
      await passNumbers(unit, environmentId, order);
      if (isEverything) await publishEverythingAgain(unit.transaction, environmentId);
      const again = isEverything ? [] : [...recorded];
      const deployments = await publishAgain(unit, target, new Map([...again, ...takenOutBy(order)]));
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
  if (numbers.length > 0) await passDeployments(unit.transaction, environmentId, Math.max(highestFound, ...numbers));
}

const proxiesIn = (findings: readonly DriftFinding[]): Map<string, DriftFinding> =>
  new Map(findings.flatMap((one) => (one.subject.kind === 'proxy' ? [[one.subject.proxyId, one]] : [])));

function takenOutBy({ findings, takesOutUnrecorded }: RepairOrder): [string, DriftFinding][] {
  if (!takesOutUnrecorded) return [];
  return [...proxiesIn(findings.filter(isUnrecordedProxy))].slice(0, TAKEN_OUT_AT_ONCE);
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
  return { kind, proxyId, revision, description: PUBLISHED_AGAIN };
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
