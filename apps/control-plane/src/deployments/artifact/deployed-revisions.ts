import { type ActiveApiProxy, proxyAtRevision } from '../../api-proxies/domain/index.ts';
import { holdDeployments } from '../../deployment-requests/deployment-requests.ts';
import type { Unit } from '../../persistence/unit-of-work.ts';

/** What an environment was last told to serve of a proxy. */
export interface DeployedRevision {
  readonly environmentId: string;
  readonly environmentName: string;
  readonly proxyId: string;
  readonly revision: number;
}

/** Everything of a project that is deployed somewhere, in the order of environments, as every change takes them. */
export async function deployedRevisions(unit: Unit, projectId: string): Promise<DeployedRevision[]> {
  const found = await unit.transaction.query<{
    proxy_id: string;
    environment_id: string;
    environment_name: string;
    revision: number;
  }>(
    `select newest.proxy_id, newest.environment_id, environments.name as environment_name, newest.revision
     from newest_deployments newest
     join names proxies on proxies.kind = 'api-proxy' and proxies.scope = $1 and proxies.entity_id = newest.proxy_id
     join names environments on environments.kind = 'environment' and environments.entity_id = newest.environment_id
     where newest.kind = 'publish'
     order by newest.environment_id, newest.proxy_id`,
    [projectId],
  );
  return found.rows.map((row) => ({
    ...{ environmentId: row.environment_id, environmentName: row.environment_name },
    ...{ proxyId: row.proxy_id, revision: row.revision },
  }));
}

/** The same to deploy it once more: what is deployed or taken out at the same moment comes before it or after it. */
export async function holdDeployedRevisions(unit: Unit, projectId: string): Promise<DeployedRevision[]> {
  const held = new Set<string>();
  for (;;) {
    const found = await deployedRevisions(unit, projectId);
    const open = found.map(({ environmentId }) => environmentId).filter((id) => !held.has(id));
    if (open.length === 0) return found;
    await holdDeployments(unit, open);
    for (const environmentId of open) held.add(environmentId);
  }
}

/** Undefined when the proxy was deleted meanwhile. */
export async function deployedProxy(
  unit: Unit,
  { proxyId, revision }: DeployedRevision,
): Promise<ActiveApiProxy | undefined> {
  const state = await proxyAtRevision(unit.streams, proxyId, revision);
  return state.status === 'active' ? state : undefined;
}
