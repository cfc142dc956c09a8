import { Inject } from '@nestjs/common';
import { Command, CommandHandler, Query, QueryHandler, type ICommandHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { CHANNEL_UPKEEP, type ChannelUpkeep } from '../../channel-upkeep/channel-upkeep.port.ts';
import { DATABASE } from '../../injection-tokens.ts';
import { UnitOfWork, type RequestContext } from '../../persistence/unit-of-work.ts';
import { EnvironmentChannels } from '../channel/environment-channels.ts';
import { proxyTitles, type ProxyTitle } from '../../persistence/proxy-titles.ts';
import { askEnvironment } from '../channel/reached.ts';
import type { DriftFinding } from '../drift/drift-finding.ts';
import { DriftRepair, type RequestedRepair } from '../drift/drift-repair.ts';
import { DriftReports, type DriftReport } from '../drift/drift-report.ts';

/** One difference, in the words of the API. */
export interface FindingView extends Partial<ProxyTitle> {
  readonly where: DriftFinding['where'];
  readonly gatewayId: string | null;
  readonly what: DriftFinding['subject']['kind'];
  readonly problem: DriftFinding['problem'];
  readonly recorded: number | null;
  readonly found: number | null;
  /** User name or client id. */
  readonly subject?: string;
}

/** `GET /apiops/environments/{env}/drift/` */
export interface DriftView extends Omit<DriftReport, 'findings' | 'highestFound'> {
  readonly findingCount: number;
  /** The first 1,000. */
  readonly findings: readonly FindingView[];
}

/** `POST` of the same. */
export interface DriftRepairView extends DriftView {
  readonly requested: {
    readonly deployments: readonly (ProxyTitle & { readonly deployment: number })[];
    readonly identities: number;
    readonly everything: boolean;
  };
}

export class GetDrift extends Query<DriftView> {
  constructor(readonly environmentName: string) {
    super();
  }
}

export class RepairDrift extends Command<DriftRepairView> {
  constructor(
    readonly context: RequestContext,
    readonly environmentName: string,
  ) {
    super();
  }
}

const SHOWN = 1_000;

type Titles = Awaited<ReturnType<typeof proxyTitles>>;

function viewOf({ subject, ...finding }: DriftFinding, titles: Titles): FindingView {
  const { where, gatewayId, problem, recorded, found } = finding;
  const view = { where, gatewayId, what: subject.kind, problem, recorded, found };
  if (subject.kind === 'proxy') return { ...view, ...titles(subject.proxyId) };
  return subject.kind === 'identity' ? { ...view, subject: subject.subject } : view;
}

@QueryHandler(GetDrift)
export class GetDriftHandler implements IQueryHandler<GetDrift> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly channels: EnvironmentChannels,
    private readonly reports: DriftReports,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  async execute({ environmentName }: GetDrift): Promise<DriftView> {
    const environmentId = await this.units.read((unit) => unit.names.resolve('environment', '', environmentName));
    const report = await askEnvironment(this.channels, environmentId, (environment) => this.reports.of(environment));
    return driftView(report, await titlesIn(this.database, report.findings));
  }
}

@CommandHandler(RepairDrift)
export class RepairDriftHandler implements ICommandHandler<RepairDrift> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly channels: EnvironmentChannels,
    private readonly reports: DriftReports,
    private readonly repairs: DriftRepair,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  async execute({ context, environmentName }: RepairDrift): Promise<DriftRepairView> {
    const environmentId = await this.units.read((unit) => unit.names.resolve('environment', '', environmentName));
    const { report, requested } = await askEnvironment(this.channels, environmentId, async (environment) => {
      const report = await this.reports.of(environment);
      const requested = await this.repairs.request(context, environment, { ...report, takesOutUnrecorded: true });
      const isLogLost = report.findings.some(({ subject }) => subject.kind === 'log');
      // A log that is lost is begun anew by the upkeep, which also goes on with what was requested here.
      if (report.findings.length > 0) await this.upkeep.soon();
      return { report, requested: { ...requested, isEverything: requested.isEverything || isLogLost } };
    });
    const titles = await titlesIn(this.database, report.findings);
    return { ...driftView(report, titles), requested: requestedView(requested, titles) };
  }
}

const titlesIn = (database: pg.Pool, findings: readonly DriftFinding[]): Promise<Titles> =>
  proxyTitles(
    database,
    findings.flatMap(({ subject }) => (subject.kind === 'proxy' ? [subject.proxyId] : [])),
  );

function driftView({ findings, highestFound: _highestFound, ...counts }: DriftReport, titles: Titles): DriftView {
  const shown = findings.slice(0, SHOWN).map((finding) => viewOf(finding, titles));
  return { ...counts, findingCount: findings.length, findings: shown };
}

const requestedView = ({ deployments, identities, isEverything }: RequestedRepair, titles: Titles) => ({
  deployments: deployments.map(({ proxyId, deployment }) => ({ ...titles(proxyId), deployment })),
  identities,
  everything: isEverything,
});
