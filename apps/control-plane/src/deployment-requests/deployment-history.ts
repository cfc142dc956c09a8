import type { Queryable } from '../persistence/secret-vault.ts';
import { COLUMNS, rowOf, type DeploymentRow, type StoredRow } from './deployment-rows.ts';

/** A deployment of a proxy as its history tells of it. */
export interface PastDeployment extends DeploymentRow {
  /** Name of the token that asked for it; the deployer's own repairs are its own. */
  readonly actor: string;
  readonly description: string;
  /** ISO 8601: when the wish was recorded. */
  readonly requestedAt: string;
  /** undefined: the environment is no more. */
  readonly environmentName: string | undefined;
}

export interface DeploymentFilter {
  readonly proxyId: string;
  readonly environmentId?: string | undefined;
  readonly deployment?: number | undefined;
  /** Only earlier ones; numbers rise per environment. */
  readonly before?: number | undefined;
  readonly limit: number;
}

type StoredPast = StoredRow & {
  actor: string;
  description: string;
  requested_at: Date;
  environment_name: string | null;
};

/**
 * Deployments and undeployments of a proxy, newest first. Within an environment by their numbers, which `before` goes on
 * from: two that are asked for at once may have the earlier moment under the later number.
 */
export async function deploymentHistory(from: Queryable, filter: DeploymentFilter): Promise<PastDeployment[]> {
  const { proxyId, environmentId = null, deployment = null, before = null, limit } = filter;
  const found = await from.query<StoredPast>(
    `select ${COLUMNS}, actor, description, requested_at,
       (select name from names where names.kind = 'environment' and entity_id = environment_id) as environment_name
     from deployments
     where proxy_id = $1 and ($2::text is null or environment_id = $2) and ($3::bigint is null or deployment = $3)
       and ($4::bigint is null or deployment < $4)
     order by case when $2::text is null then requested_at end desc, deployment desc, environment_id limit $5`,
    [proxyId, environmentId, deployment, before, limit],
  );
  return found.rows.map((row) => ({
    ...rowOf(row),
    actor: row.actor,
    description: row.description,
    requestedAt: row.requested_at.toISOString(),
    environmentName: row.environment_name ?? undefined,
  }));
}

/** When a revision was last to be served by environments, or by any where none is named: ISO 8601; undefined: never. */
export async function lastDeployedAt(
  from: Queryable,
  { proxyId, revision, environmentIds }: { proxyId: string; revision: number; environmentIds: readonly string[] },
): Promise<string | undefined> {
  const found = await from.query<{ last: Date | null }>(
    `select max(requested_at) as last from deployments
     where proxy_id = $1 and revision = $2 and kind = 'publish'
       and (cardinality($3::text[]) = 0 or environment_id = any($3))`,
    [proxyId, revision, environmentIds],
  );
  return found.rows[0]?.last?.toISOString();
}
