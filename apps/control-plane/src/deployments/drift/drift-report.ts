import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { ChannelMirror, stillHolds } from '#libs/config-distribution';
import { DATABASE } from '../../injection-tokens.ts';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';
import { knownChannel } from '../channel/known-position.ts';
import { findingKey, type DriftFinding } from './drift-finding.ts';
import { EnvironmentComparison, FIRST_IDENTITY, IDENTITY_KINDS, type Compared } from './environment-comparison.ts';
import { lastingDriftOfGateways } from './gateway-comparison.ts';

/** Everything in an environment, compared at once. */
export interface DriftReport {
  readonly findings: readonly DriftFinding[];
  /** The highest deployment whose record stands in Redis; 0: none. */
  readonly highestFound: number;
  /** How many were compared. */
  readonly proxies: number;
  readonly identities: number;
  readonly gateways: number;
  /** Everything is being published again: what is not there yet is no finding. */
  readonly isBeingRepaired: boolean;
}

const PER_PAGE = 500;

const LOST_LOG: DriftFinding = {
  ...{ where: 'redis', gatewayId: null, subject: { kind: 'log' } },
  ...{ problem: 'missing', recorded: null, found: null },
};

/** Compares everything on demand; changes nothing. */
@Injectable()
export class DriftReports {
  constructor(@Inject(DATABASE) private readonly database: pg.Pool) {}

  /** @throws ChannelUnavailable */
  async of(environment: EnvironmentChannel): Promise<DriftReport> {
    const { environmentId, channel, keys } = environment;
    const known = await knownChannel(this.database, environmentId);
    const isBeingRepaired = known === undefined || known.repairAfter !== null;
    const nothing = { highestFound: 0, proxies: 0, identities: 0, gateways: 0, isBeingRepaired };
    if (isBeingRepaired) return { ...nothing, findings: [] };
    const mirror = new ChannelMirror(channel, keys);
    if (!(await stillHolds(channel, known)) || !(await mirror.load())) return { ...nothing, findings: [LOST_LOG] };
    const comparison = new EnvironmentComparison(this.database, environment);
    const records = await comparison.records(mirror, () => mirror.follow());
    const artifacts = await everyPage('', (after: string) => comparison.artifacts(after, PER_PAGE));
    const told = await everyPage(FIRST_IDENTITY, (after) => comparison.identities(after, PER_PAGE));
    const strangers = await Promise.all(
      IDENTITY_KINDS.map((kind) => everyPage('0', (cursor: string) => comparison.strangers(kind, cursor))),
    );
    const gateways = await lastingDriftOfGateways(this.database, environment, { mirror, ...records });
    const parts = [records, artifacts, told, ...strangers, gateways];
    const findings = new Map(parts.flatMap((part) => part.findings.map((one) => [findingKey(one), one])));
    return {
      ...{ findings: [...findings.values()], proxies: records.count, identities: told.count },
      ...{ gateways: gateways.count, isBeingRepaired, highestFound: highestIn(mirror) },
    };
  }
}

export const highestIn = (mirror: ChannelMirror): number =>
  Math.max(0, ...[...mirror.changes.values()].map(({ deployment }) => deployment));

async function everyPage<Place>(
  first: Place,
  read: (after: Place) => Promise<Compared<Place>>,
): Promise<{ findings: DriftFinding[]; count: number }> {
  const findings: DriftFinding[] = [];
  let count = 0;
  let after: Place | undefined = first;
  while (after !== undefined) {
    const page: Compared<Place> = await read(after);
    findings.push(...page.findings);
    count += page.count;
    after = page.next;
  }
  return { findings, count };
}
