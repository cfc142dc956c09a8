import type { AwaitedDeployment, DeploymentTarget } from '../../deployment-requests/deployment-requests.ts';
import type { DeploymentRow } from '../../deployment-requests/deployment-rows.ts';
import { rolloutEnvironments } from '../../deployment-requests/rollout-rows.ts';
import type { Queryable } from '../../persistence/secret-vault.ts';

/** What one request deployed. */
export interface AskedDeployments {
  readonly proxyId: string;
  readonly kind: DeploymentRow['kind'];
  readonly revision: number;
  /** Name of the token. */
  readonly username: string;
  readonly description: string;
  readonly requestedAt: Date;
  /** Of one deployment; of a rollout: whether waves are still to begin. */
  readonly state: DeploymentRow['state'] | 'running' | 'finished' | 'stopped';
  /** Nothing of it changes any more. */
  readonly settled: boolean;
  /** Why a rollout stopped; null elsewhere. */
  readonly reason: string | null;
  /** The wave that began last, from 1; null: it is no rollout. */
  readonly wave: number | null;
  readonly awaited: readonly AwaitedDeployment[];
}

type Head = Omit<AskedDeployments, 'settled' | 'awaited'>;

export async function findDeployment(
  from: Queryable,
  target: DeploymentTarget,
  deployment: number,
): Promise<AskedDeployments | undefined> {
  const found = await from.query<Head>(
    `select proxy_id as "proxyId", kind, revision, actor as username, description, requested_at as "requestedAt", state,
       null as reason, null as wave
     from deployments where environment_id = $1 and deployment = $2`,
    [target.environmentId, deployment],
  );
  const head = found.rows[0];
  if (head === undefined) return undefined;
  const { proxyId, revision } = head;
  return { ...head, settled: head.state !== 'pending', awaited: [{ ...target, deployment, proxyId, revision }] };
}

export async function findRollout(from: Queryable, rolloutId: string): Promise<AskedDeployments | undefined> {
  const found = await from.query<Head & { open: string }>(
    `select proxy_id as "proxyId", 'publish' as kind, revision, actor as username, description,
       started_at as "requestedAt", state, reason, wave,
       (select count(*) from rollout_environments place join deployments using (environment_id, deployment)
        where place.rollout_id = rollouts.rollout_id and deployments.state = 'pending') as open
     from rollouts where rollout_id = $1`,
    [rolloutId],
  );
  const row = found.rows[0];
  if (row === undefined) return undefined;
  const { open, ...head } = row;
  const settled = head.state !== 'running' && Number(open) === 0;
  return { ...head, settled, awaited: await awaitedOf(from, rolloutId, head) };
}

async function awaitedOf(
  from: Queryable,
  rolloutId: string,
  { proxyId, revision }: Head,
): Promise<AwaitedDeployment[]> {
  const places = await rolloutEnvironments(from, rolloutId);
  const names = await from.query<{ entity_id: string; name: string }>(
    `select entity_id, name from names where kind = 'environment' and entity_id = any($1)`,
    [places.map(({ environmentId }) => environmentId)],
  );
  const nameOf = new Map(names.rows.map((row) => [row.entity_id, row.name]));
  // All as waiting ones: the rows say which of them have begun.
  return places.map(({ environmentId, wave }) => ({
    ...{ environmentId, environmentName: nameOf.get(environmentId) ?? environmentId },
    ...{ deployment: null, proxyId, revision, rolloutId, wave },
  }));
}
