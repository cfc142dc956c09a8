import type { Queryable } from '../persistence/secret-vault.ts';
import type { AwaitedDeployment, RequestedDeployment, WaitingDeployment } from './deployment-requests.ts';

const NAMED = `left join names on names.kind = 'environment' and names.entity_id = environment_id`;
const PLACE = `environment_id as "environmentId", coalesce(names.name, environment_id) as "environmentName"`;

/** Environments of later waves, begun or not: the rows say how they stand. */
async function inLaterWaves(from: Queryable, attemptId: string): Promise<WaitingDeployment[]> {
  const found = await from.query<WaitingDeployment>(
    `select ${PLACE}, null as deployment, proxy_id as "proxyId", revision, rollout_id as "rolloutId", place.wave
     from rollouts join rollout_environments place using (rollout_id) ${NAMED}
     where attempt_id = $1 and place.wave > 1 order by place.wave, 2`,
    [attemptId],
  );
  return found.rows;
}

/** What one request with an `Idempotency-Key` deploys, waves that have not begun included. */
export async function awaitedOfAttempt(from: Queryable, attemptId: string): Promise<AwaitedDeployment[]> {
  const later = await inLaterWaves(from, attemptId);
  const found = await from.query<RequestedDeployment>(
    `select ${PLACE}, deployment::float8 as deployment, proxy_id as "proxyId", revision
     from deployments ${NAMED} where attempt_id = $1 order by 2`,
    [attemptId],
  );
  const isLater = (one: RequestedDeployment): boolean =>
    later.some(({ environmentId, proxyId }) => environmentId === one.environmentId && proxyId === one.proxyId);
  return [...found.rows.filter((one) => !isLater(one)), ...later];
}
