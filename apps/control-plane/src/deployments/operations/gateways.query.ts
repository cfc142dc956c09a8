import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import type { LeaseState } from '#libs/config-distribution';
import { DATABASE } from '../../injection-tokens.ts';
import { UnitOfWork } from '../../persistence/unit-of-work.ts';
import { EnvironmentChannels } from '../channel/environment-channels.ts';
import { gatewayView, type GatewayView } from './gateway-view.ts';
import { PresentDrift } from './present-drift.ts';
import { proxyTitles } from '../../persistence/proxy-titles.ts';
import { askEnvironment } from '../channel/reached.ts';

export class ListGateways extends Query<GatewayView[]> {
  constructor(readonly environmentName: string) {
    super();
  }
}

@QueryHandler(ListGateways)
export class ListGatewaysHandler implements IQueryHandler<ListGateways> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly channels: EnvironmentChannels,
    private readonly drift: PresentDrift,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  async execute({ environmentName }: ListGateways): Promise<GatewayView[]> {
    const environmentId = await this.units.read((unit) => unit.names.resolve('environment', '', environmentName));
    const { leases, ...facts } = await askEnvironment(this.channels, environmentId, async (environment) => ({
      drift: await this.drift.ofGateways(environment),
      leases: await environment.answers.live(),
      seenMs: environment.answers.lastSeenMs,
      end: await environment.channel.position(),
    }));
    const titles = await proxyTitles(this.database, leases.flatMap(proxiesNamedIn));
    const views = leases.map((lease) => gatewayView(lease, { ...facts, titles }));
    return views.sort((left, right) => (left.gatewayId < right.gatewayId ? -1 : 1));
  }
}

const proxiesNamedIn = ({ rejected, holdsInstead = [], keySetNotes = [] }: LeaseState): string[] =>
  [...rejected, ...holdsInstead, ...keySetNotes].map(({ proxyId }) => proxyId);
