import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { apiProxyDecider, apiProxyStream, requireApiProxy } from '../../api-proxies/domain/index.ts';
import { resolveApiProxy } from '../../persistence/project-scope.ts';
import { UnitOfWork } from '../../persistence/unit-of-work.ts';
import type { DeploymentAddress } from '../commands/deployment-handlers.ts';

/** `GET X/environments/{env}/deploy-status/`: the vendor's members, and what this product knows beside them. */
export interface DeployStatus {
  /** Whether it runs there as far as is recorded: deployed with success, and not taken out since. */
  readonly deployed: boolean;
  /** ISO 8601: when the last successful deployment was asked for, as in the deploy history. */
  readonly lastDeployTime: string | null;
  /** Of the last successful deployment. */
  readonly revision: number | null;
  readonly deployment: number | null;
  readonly redeployRequired: boolean;
  /** How the newest deployment or undeployment stands; null: there was none. */
  readonly state: 'pending' | 'succeeded' | 'failed' | 'superseded' | null;
}

export class GetDeployStatus extends Query<DeployStatus> {
  constructor(readonly address: DeploymentAddress) {
    super();
  }
}

interface StatusRow {
  deployment: string;
  kind: 'publish' | 'undeploy';
  revision: number;
  state: NonNullable<DeployStatus['state']>;
  requested_at: Date;
}

const NEWEST = `select deployment, kind, revision, state, requested_at from deployments
  where environment_id = $1 and proxy_id = $2`;

/**
 * Changed variables, keys and settings of the environment deploy by themselves what they concern: what can be left to do
 * is a newer revision of the proxy, or a deployment that failed.
 */
function statusOf(newest: StatusRow | undefined, done: StatusRow | undefined, revision: number): DeployStatus {
  const isWanted = newest?.kind === 'publish';
  return {
    deployed: isWanted && done !== undefined,
    lastDeployTime: done?.requested_at.toISOString() ?? null,
    revision: done?.revision ?? null,
    deployment: done === undefined ? null : Number(done.deployment),
    redeployRequired: isWanted && (newest.state === 'failed' || newest.revision < revision),
    state: newest?.state ?? null,
  };
}

@QueryHandler(GetDeployStatus)
export class GetDeployStatusHandler implements IQueryHandler<GetDeployStatus> {
  constructor(private readonly units: UnitOfWork) {}

  execute({ address }: GetDeployStatus): Promise<DeployStatus> {
    return this.units.read(async (unit) => {
      const { proxyId } = await resolveApiProxy(unit, address);
      const environmentId = await unit.names.resolve('environment', '', address.environmentName);
      const { revision } = requireApiProxy((await unit.load(apiProxyDecider, apiProxyStream(proxyId))).state);
      const first = async (condition: string): Promise<StatusRow | undefined> => {
        const statement = `${NEWEST} ${condition} order by deployment desc limit 1`;
        return (await unit.transaction.query<StatusRow>(statement, [environmentId, proxyId])).rows[0];
      };
      return statusOf(await first(''), await first(`and kind = 'publish' and state = 'succeeded'`), revision);
    });
  }
}
