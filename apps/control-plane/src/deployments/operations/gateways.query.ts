import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { DATABASE } from '../../injection-tokens.ts';
import { UnitOfWork } from '../../persistence/unit-of-work.ts';
import { EnvironmentChannels } from '../channel/environment-channels.ts';
import { proxyTitles, type ProxyTitle } from './proxy-titles.ts';
import { askEnvironment } from './reached.ts';

/** A live gateway, as its lease has it. */
export interface GatewayView {
  readonly gatewayId: string;
  readonly programVersion: string;
  /** Where it serves, `host:port`. */
  readonly address: string;
  readonly rootContext: string | null;
  /** ISO 8601. */
  readonly startedAt: string;
  /** ISO 8601, by the clock of the environment's Redis. */
  readonly lastSeen: string | null;
  /** The highest that it has applied. */
  readonly deployment: number;
  /** Whether it has come to the end of what is published, and refused nothing of it. */
  readonly upToDate: boolean;
  readonly rejected: readonly (ProxyTitle & { readonly deployment: number; readonly reason: string })[];
}

export class ListGateways extends Query<GatewayView[]> {
  constructor(readonly environmentName: string) {
    super();
  }
}

const timeText = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

@QueryHandler(ListGateways)
export class ListGatewaysHandler implements IQueryHandler<ListGateways> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly channels: EnvironmentChannels,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  async execute({ environmentName }: ListGateways): Promise<GatewayView[]> {
    const environmentId = await this.units.read((unit) => unit.names.resolve('environment', '', environmentName));
    const { leases, seen, end } = await askEnvironment(this.channels, environmentId, async (environment) => ({
      leases: await environment.answers.live(),
      seen: await environment.answers.lastSeenMs(),
      end: await environment.channel.position(),
    }));
    const titles = await proxyTitles(
      this.database,
      leases.flatMap(({ rejected }) => rejected.map(({ proxyId }) => proxyId)),
    );
    const views = leases.map(({ gatewayId, programVersion, address, rootContext, startedAt, ...lease }) => ({
      ...{ gatewayId, programVersion, address, rootContext: rootContext ?? null, startedAt },
      ...{ lastSeen: timeText(seen.get(gatewayId)), deployment: lease.deployment },
      upToDate:
        lease.rejected.length === 0 &&
        lease.loaded?.epoch === end?.epoch &&
        (lease.loaded?.sequence ?? 0) >= (end?.sequence ?? 0),
      rejected: lease.rejected.map(({ proxyId, deployment, reason }) => ({ ...titles(proxyId), deployment, reason })),
    }));
    return views.sort((left, right) => (left.gatewayId < right.gatewayId ? -1 : 1));
  }
}
