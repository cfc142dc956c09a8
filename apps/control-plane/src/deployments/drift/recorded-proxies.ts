import type { Queryable } from '../../persistence/secret-vault.ts';

/** What an environment is to hold of a proxy, as far as it is recorded. */
export interface RecordedProxy {
  readonly proxyId: string;
  /** The newest wish, whatever became of it. */
  readonly newest: number;
  /** The newest that was given out; undefined: none was, or the newest is still on its way. */
  readonly published: RecordedPublication | undefined;
  /** Whether anything was ever given out. */
  readonly isKnownThere: boolean;
}

export interface RecordedPublication {
  readonly deployment: number;
  readonly kind: 'publish' | 'undeploy';
  readonly revision: number;
  /** `artifactHash`; undefined with an undeployment, and where an earlier build did not note it. */
  readonly hash: string | undefined;
}

interface StoredProxy {
  proxy_id: string;
  newest: string;
  newest_state: string;
  deployment: string | null;
  kind: RecordedPublication['kind'] | null;
  revision: number | null;
  hash: string | null;
}

/**
 * A deployment was given out when it has ended with success, or noted which artifact it gave out before gateways refused
 * it; an undeployment can fail in no other way than by being refused. One that is pending and has noted nothing may be on its way: nothing can be expected meanwhile.
 */
const SELECT = `select newest.proxy_id, newest.deployment as newest, wish.state as newest_state,
    given.deployment, given.kind, given.revision, given.hash
  from newest_deployments newest
  left join deployments wish using (environment_id, deployment)
  left join lateral (
    select deployment, kind, revision, result ->> 'hash' as hash from deployments past
    where past.environment_id = newest.environment_id and past.proxy_id = newest.proxy_id
      and (state = 'succeeded' or state = 'failed' and kind = 'undeploy'
        or state in ('failed', 'pending') and result ->> 'hash' is not null)
    order by past.deployment desc limit 1
  ) given on true
  where newest.environment_id = $1`;

function proxyOf(row: StoredProxy): RecordedProxy {
  const { proxy_id: proxyId, newest, newest_state: state, deployment, kind, revision, hash } = row;
  const isGiven = deployment !== null && kind !== null && revision !== null;
  const isOnItsWay = state === 'pending' && deployment !== newest;
  const published =
    isGiven && !isOnItsWay ? { deployment: Number(deployment), kind, revision, hash: hash ?? undefined } : undefined;
  return { proxyId, newest: Number(newest), published, isKnownThere: isGiven };
}

/** Everything, or a page of it in the order of ids. */
export async function recordedProxies(
  from: Queryable,
  environmentId: string,
  page: { readonly after: string; readonly limit: number } | undefined = undefined,
): Promise<RecordedProxy[]> {
  const statement = `${SELECT} and newest.proxy_id > $2 order by newest.proxy_id limit $3`;
  const found = await from.query<StoredProxy>(statement, [environmentId, page?.after ?? '', page?.limit ?? null]);
  return found.rows.map(proxyOf);
}

/** By proxy id. */
export async function recordedOf(
  from: Queryable,
  environmentId: string,
  proxyIds: readonly string[],
): Promise<ReadonlyMap<string, RecordedProxy>> {
  const found = await from.query<StoredProxy>(`${SELECT} and newest.proxy_id = any($2)`, [environmentId, proxyIds]);
  return new Map(found.rows.map((row) => [row.proxy_id, proxyOf(row)]));
}

/** The highest number that was given to any deployment; 0: none. */
export async function lastDeploymentIn(from: Queryable, environmentId: string): Promise<number> {
  const statement = 'select last_deployment from deployment_counters where environment_id = $1';
  const found = await from.query<{ last_deployment: string }>(statement, [environmentId]);
  return Number(found.rows[0]?.last_deployment ?? 0);
}

/** Those of the proxies of which anything is recorded. */
export async function recordedAmong(
  from: Queryable,
  environmentId: string,
  proxyIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = await from.query<{ proxy_id: string }>(
    'select proxy_id from newest_deployments where environment_id = $1 and proxy_id = any($2)',
    [environmentId, proxyIds],
  );
  return new Set(found.rows.map(({ proxy_id: proxyId }) => proxyId));
}

/** Numbers that are given from now on are higher: these were given before PostgreSQL came back from an older backup. */
export async function passDeployments(transaction: Queryable, environmentId: string, highest: number): Promise<void> {
  await transaction.query(
    `insert into deployment_counters (environment_id, last_deployment) values ($1, $2)
     on conflict (environment_id)
       do update set last_deployment = greatest(deployment_counters.last_deployment, excluded.last_deployment)`,
    [environmentId, highest],
  );
}
