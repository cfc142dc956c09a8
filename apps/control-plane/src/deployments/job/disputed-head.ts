import { Injectable } from '@nestjs/common';
import { DeploymentRows, type DeploymentRow } from '../../deployment-requests/deployment-rows.ts';
import { requestDeployments } from '../../deployment-requests/deployment-requests.ts';
import { ownContext, UnitOfWork } from '../../persistence/unit-of-work.ts';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';

/** Redis claims a later deployment of a proxy than the one that is to be published. */
@Injectable()
export class DisputedHead {
  constructor(
    private readonly rows: DeploymentRows,
    private readonly units: UnitOfWork,
  ) {}

  /**
   * The deployment that takes this one's place, or undefined when the claim is a lie. Which deployments there are is known
   * in PostgreSQL alone; heads in Redis are in clear, and whoever can write there could make deployments vanish. Only what
   * was sealed here is believed beside: then PostgreSQL came back from an old copy.
   */
  async successorOf(
    row: DeploymentRow,
    environment: EnvironmentChannel,
    heldDeployment: number,
  ): Promise<number | undefined> {
    const { environmentId, deployment, proxyId } = row;
    const newest = await this.rows.newestOf(environmentId, proxyId);
    if (newest !== undefined && newest.deployment > deployment) return newest.deployment;
    const isGenuine = await environment.publisher.holds(proxyId, heldDeployment);
    environment.logger.error(
      { environment: environment.name, proxyId, deployment, heldDeployment },
      isGenuine
        ? 'Redis holds a later deployment than PostgreSQL knows of: numbers go on behind it'
        : 'the Redis of an environment claims a deployment that was never made: overwritten',
    );
    return isGenuine ? this.requestBehind(row, environment.name, heldDeployment) : undefined;
  }

  private requestBehind(row: DeploymentRow, environmentName: string, heldDeployment: number): Promise<number> {
    const { environmentId, deployment, proxyId, kind, revision } = row;
    const context = ownContext(`deployment-${environmentId}-${deployment}`);
    return this.units.run(context, async (unit) => {
      await unit.transaction.query(
        `update deployment_counters set last_deployment = greatest(last_deployment, $2) where environment_id = $1`,
        [environmentId, heldDeployment],
      );
      const newer = await unit.transaction.query<{ deployment: string }>(
        `select deployment from newest_deployments where environment_id = $1 and proxy_id = $2 and deployment > $3`,
        [environmentId, proxyId, deployment],
      );
      if (newer.rows[0] !== undefined) return Number(newer.rows[0].deployment);
      const description = 'Deployed again: its number had been used before';
      const wish = { kind, proxyId, revision, description };
      const [next] = await requestDeployments(unit, [{ environmentId, environmentName }], wish);
      return next?.deployment ?? heldDeployment;
    });
  }
}
