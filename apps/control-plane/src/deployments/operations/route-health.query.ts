import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { openArtifact, type LeaseState, type LogPosition } from '#libs/config-distribution';
import { parseProxyArtifact } from '#libs/policy-contracts';
import { DeploymentRows } from '../../deployment-requests/deployment-rows.ts';
import { resolveApiProxy } from '../../persistence/project-scope.ts';
import { UnitOfWork } from '../../persistence/unit-of-work.ts';
import { EnvironmentChannels, type EnvironmentChannel } from '../channel/environment-channels.ts';
import type { DeploymentAddress } from '../commands/deployment-handlers.ts';
import { PresentDrift } from './present-drift.ts';
import { askEnvironment } from '../channel/reached.ts';
import { routeHealth, type PublishedRoute } from './route-health.ts';

export type RouteHealth = ReturnType<typeof routeHealth>;

/** What each live gateway really serves of a proxy. */
export class GetRouteHealth extends Query<RouteHealth> {
  constructor(readonly address: DeploymentAddress) {
    super();
  }
}

/** A gateway that is further behind counts as one that has not come so far. */
const RECORDS_LOOKED_AT = 500;

@QueryHandler(GetRouteHealth)
export class GetRouteHealthHandler implements IQueryHandler<GetRouteHealth> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly rows: DeploymentRows,
    private readonly channels: EnvironmentChannels,
    private readonly drift: PresentDrift,
  ) {}

  async execute({ address }: GetRouteHealth): Promise<RouteHealth> {
    const { proxyId, environmentId } = await this.units.read(async (unit) => ({
      proxyId: (await resolveApiProxy(unit, address)).proxyId,
      environmentId: await unit.names.resolve('environment', '', address.environmentName),
    }));
    return askEnvironment(this.channels, environmentId, async (environment) => {
      const newest = await this.rows.newestOf(environmentId, proxyId);
      const published = await publishedRoute(environment, proxyId);
      const leases = await environment.answers.live();
      const position = await positionOf(environment, proxyId, leases);
      const drift = [
        ...(await this.drift.ofProxy(environment, proxyId)),
        ...(await this.drift.ofGateways(environment)),
      ];
      return routeHealth({ leases, newest, published, position, proxyId, drift });
    });
  }
}

/** What Redis holds is believed only as far as it was sealed here. */
async function publishedRoute(
  { channel, keys }: EnvironmentChannel,
  proxyId: string,
): Promise<PublishedRoute | undefined> {
  const stored = (await channel.artifacts([proxyId])).get(proxyId);
  const text = stored === undefined ? undefined : openArtifact(keys, proxyId, stored);
  const artifact = text === undefined ? undefined : parseProxyArtifact(JSON.parse(text));
  if (stored === undefined || artifact?.ok !== true) return undefined;
  const { revision, route } = artifact.value;
  return { deployment: stored.deployment, revision, paths: route.paths, methods: route.methods };
}

/** The place that a gateway must have come to: behind the last record of this proxy, however many of others follow. */
async function positionOf(
  { channel }: EnvironmentChannel,
  proxyId: string,
  leases: readonly LeaseState[],
): Promise<LogPosition> {
  const end = (await channel.position()) ?? { epoch: '', sequence: 0 };
  const loaded = leases.flatMap((lease) => (lease.loaded?.epoch === end.epoch ? [lease.loaded.sequence] : []));
  const from = Math.min(end.sequence, ...loaded);
  const records = await channel.recordsAfter(from, RECORDS_LOOKED_AT);
  if (end.sequence - from > records.length) return end;
  const last = records.findLast((record) => record.proxyId === proxyId);
  return { epoch: end.epoch, sequence: last?.sequence ?? from };
}
