import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { notFound } from '../../decider/domain-error.ts';
import { deploymentHistory, type PastDeployment } from '../../deployment-requests/deployment-history.ts';
import { environmentStream } from '../../environments/domain/environment.decider.ts';
import { resolveApiProxy } from '../../persistence/project-scope.ts';
import { UnitOfWork, type Unit } from '../../persistence/unit-of-work.ts';
import { type ActiveApiProxy, revisionOf } from '../domain/index.ts';
import type { ProxyAddress } from '../proxy-changes.ts';

/** A deployment by its number in an environment. */
export interface DeploymentAddress extends ProxyAddress {
  readonly deployment: number;
  readonly environmentName: string;
}

/** A deployment of the past and where it went. */
export interface NamedDeployment {
  readonly past: PastDeployment;
  readonly environmentName: string;
}

/** Deployments of a proxy, newest first. */
export class ListDeployHistories extends Query<NamedDeployment[]> {
  constructor(
    readonly address: ProxyAddress,
    readonly filter: {
      readonly environmentName: string | undefined;
      /** Only deployments with lower numbers. */
      readonly before: number | undefined;
      readonly limit: number;
    },
  ) {
    super();
  }
}

/** One deployment, and the proxy at the revision that it deployed. */
export class GetDeployHistory extends Query<NamedDeployment & { readonly proxy: ActiveApiProxy }> {
  constructor(readonly address: DeploymentAddress) {
    super();
  }
}

/** Names of environments that are no more are in their histories; id by id, since there are few of them. */
async function lostNames(unit: Unit, rows: readonly PastDeployment[]): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  const lost = new Set(rows.filter((row) => row.environmentName === undefined).map((row) => row.environmentId));
  for (const environmentId of lost) {
    const [created] = await unit.events(environmentStream(environmentId), { toVersion: 1 });
    names.set(environmentId, (created?.data as { name: string } | undefined)?.name ?? environmentId);
  }
  return names;
}

/**
 * A deployment of this very proxy.
 *
 * @throws DomainError NOT_FOUND naming what there is not
 */
export async function requireDeployment(
  unit: Unit,
  address: DeploymentAddress,
): Promise<{ proxyId: string; past: PastDeployment }> {
  const { environmentName, deployment, apiProxyName } = address;
  const { proxyId } = await resolveApiProxy(unit, address);
  const environmentId = await unit.names.resolve('environment', '', environmentName);
  const [past] = await deploymentHistory(unit.transaction, { proxyId, environmentId, deployment, limit: 1 });
  if (past !== undefined) return { proxyId, past };
  throw notFound(`Deployment ${deployment} of ApiProxy (name: ${apiProxyName}) in environment ${environmentName}`);
}

@QueryHandler(ListDeployHistories)
export class ListDeployHistoriesHandler implements IQueryHandler<ListDeployHistories> {
  constructor(private readonly units: UnitOfWork) {}

  execute({ address, filter }: ListDeployHistories): Promise<NamedDeployment[]> {
    const { environmentName, before, limit } = filter;
    return this.units.read(async (unit) => {
      const { proxyId } = await resolveApiProxy(unit, address);
      const environmentId =
        environmentName === undefined ? undefined : await unit.names.resolve('environment', '', environmentName);
      const rows = await deploymentHistory(unit.transaction, { proxyId, environmentId, before, limit });
      const lost = await lostNames(unit, rows);
      return rows.map((past) => ({
        past,
        environmentName: past.environmentName ?? lost.get(past.environmentId) ?? past.environmentId,
      }));
    });
  }
}

@QueryHandler(GetDeployHistory)
export class GetDeployHistoryHandler implements IQueryHandler<GetDeployHistory> {
  constructor(private readonly units: UnitOfWork) {}

  execute({ address }: GetDeployHistory): Promise<NamedDeployment & { proxy: ActiveApiProxy }> {
    return this.units.read(async (unit) => {
      const { proxyId, past } = await requireDeployment(unit, address);
      const { environmentName } = address;
      return { past, environmentName, proxy: await revisionOf(unit, proxyId, past.revision) };
    });
  }
}
