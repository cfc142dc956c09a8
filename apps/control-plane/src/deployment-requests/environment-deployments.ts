import type { Unit } from '../persistence/unit-of-work.ts';
import { environmentDeploymentsStream, settledEvent } from './deployment-events.ts';
import {
  holdDeployments,
  requestDeployments,
  type DeploymentTarget,
  type RequestedDeployment,
} from './deployment-requests.ts';
import type { DeploymentOutcome } from './deployment-rows.ts';

interface DeployedProxy {
  readonly proxyId: string;
  readonly name: string;
  readonly revision: number;
}

/** The proxies whose newest deployment in an environment publishes them. */
export async function deployedIn(unit: Unit, environmentId: string): Promise<DeployedProxy[]> {
  const found = await unit.transaction.query<{ proxy_id: string; name: string; revision: number }>(
    `select newest.proxy_id, names.name, newest.revision
     from newest_deployments newest
     join names on names.kind = 'api-proxy' and names.entity_id = newest.proxy_id
     where newest.environment_id = $1 and newest.kind = 'publish' order by newest.proxy_id`,
    [environmentId],
  );
  return found.rows.map((row) => ({ proxyId: row.proxy_id, name: row.name, revision: row.revision }));
}

/**
 * Deploys what is deployed in an environment once more, at the revisions it is there: something that goes into every
 * artifact has changed.
 *
 * @throws DomainError ACCESS_DENIED
 */
export async function deployEverythingAgain(
  unit: Unit,
  target: DeploymentTarget,
  description: string,
): Promise<RequestedDeployment[]> {
  await holdDeployments(unit, [target.environmentId]);
  const requested: RequestedDeployment[] = [];
  for (const { proxyId, revision } of await deployedIn(unit, target.environmentId)) {
    const wish = { kind: 'publish', proxyId, revision, description } as const;
    requested.push(...(await requestDeployments(unit, [target], wish)));
  }
  return requested;
}

/**
 * Ends what an environment that is being deleted still waits for, and forgets what is kept to publish to it. Its past
 * deployments stay in the history of their proxies.
 *
 * @returns the numbers of the deployments that were ended.
 */
export async function abandonEnvironment(unit: Unit, environmentId: string): Promise<number[]> {
  const message = 'The environment was deleted';
  const gateways = { live: 0, applied: 0, rejected: 0, pending: 0 };
  const result: DeploymentOutcome = { message, gateways, detailList: [] };
  const ended = await unit.transaction.query<{ deployment: string; proxy_id: string; revision: number }>(
    `update deployments set state = 'superseded', result = $2, settled_at = $3
     where environment_id = $1 and state = 'pending' returning deployment, proxy_id, revision`,
    [environmentId, JSON.stringify(result), unit.now],
  );
  const events = ended.rows.map(({ deployment, proxy_id: proxyId, revision }) =>
    settledEvent('superseded', result, { environmentId, deployment: Number(deployment), proxyId, revision }),
  );
  if (events.length > 0) await unit.append(environmentDeploymentsStream(environmentId), 'any', events);
  for (const table of [
    ...['environment_channels', 'identity_wishes', 'told_identities', 'route_claims', 'newest_deployments'],
    'token_revocations',
  ]) {
    await unit.transaction.query(`delete from ${table} where environment_id = $1`, [environmentId]);
  }
  return ended.rows.map((row) => Number(row.deployment));
}
