import type { Unit } from '../persistence/unit-of-work.ts';

/** An environment that has a proxy, or is about to. */
export interface DeployedEnvironment {
  readonly environmentName: string;
  readonly revision: number;
  readonly deployment: number;
  readonly state: 'pending' | 'succeeded' | 'failed' | 'superseded';
}

/** Environments where a proxy's newest deployment publishes it, by name. */
export async function deployedEnvironments(unit: Unit, proxyId: string): Promise<DeployedEnvironment[]> {
  const found = await unit.transaction.query<{
    name: string;
    revision: number;
    deployment: string;
    state: DeployedEnvironment['state'];
  }>(
    `select names.name, newest.revision, newest.deployment, deployments.state
     from newest_deployments newest
     join deployments using (environment_id, deployment)
     join names on names.kind = 'environment' and names.entity_id = newest.environment_id
     where newest.proxy_id = $1 and newest.kind = 'publish' order by names.name`,
    [proxyId],
  );
  return found.rows.map(({ name, revision, deployment, state }) => ({
    ...{ environmentName: name, revision, deployment: Number(deployment), state },
  }));
}
