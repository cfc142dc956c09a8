import { longerLife, tokenLifeMs, type TokenLife } from '../../channel-upkeep/token-lives.ts';
import type { TokenSettingsChanged } from '../../credentials/domain/credential.decider.ts';
import type { DeploymentOutcome, DeploymentRow } from '../../deployment-requests/deployment-rows.ts';
import type { EnvironmentFilter, KeyStoreDeployment, KeyStoreName } from '../../key-stores/key-store-users.port.ts';
import type { Unit } from '../../persistence/unit-of-work.ts';
import type { RevisionKeyUse, RevisionKeyUses } from './revision-key-uses.ts';

interface NewestRow {
  proxyId: string;
  apiProxyName: string;
  environmentId: string;
  environmentName: string;
  revision: number;
  deployment: number;
  state: DeploymentRow['state'];
  result: DeploymentOutcome | null;
}

const NEWEST = `select newest.proxy_id as "proxyId", proxies.name as "apiProxyName",
    newest.environment_id as "environmentId", environments.name as "environmentName", newest.revision,
    newest.deployment::float8 as deployment, deployments.state, deployments.result
  from newest_deployments newest
  join names proxies on proxies.kind = 'api-proxy' and proxies.scope = $1 and proxies.entity_id = newest.proxy_id
  join names environments on environments.kind = 'environment' and environments.entity_id = newest.environment_id
  join deployments using (environment_id, deployment)
  where newest.kind = 'publish'
  order by environments.name, proxies.name`;

/**
 * Revisions of a project that were deployed since a moment, or were then: what the last deployment before it that succeeded
 * put there, and whatever came after that, however it ended. Proxies that were deleted have their project in their first
 * event; the limit keeps that a look at one row for each.
 */
const DEPLOYED_SINCE = `select distinct own.proxy_id as "proxyId", own.environment_id as "environmentId", own.revision
  from newest_deployments newest
  join names environments on environments.kind = 'environment' and environments.entity_id = newest.environment_id
  cross join lateral (select data from events
                      where stream_id = 'apiProxy-' || newest.proxy_id and version = 1 limit 1) created
  cross join lateral (
    select coalesce(max(requested_at), '-infinity') as since from deployments
    where environment_id = newest.environment_id and proxy_id = newest.proxy_id
      and state = 'succeeded' and requested_at < $2) last
  join deployments own on own.environment_id = newest.environment_id and own.proxy_id = newest.proxy_id
    and own.kind = 'publish' and own.requested_at >= last.since
  where created.data ->> 'projectId' = $1`;

const isOf =
  ({ name }: KeyStoreName) =>
  ({ keyStoreName }: RevisionKeyUse): boolean =>
    keyStoreName === name;

function answersIn(result: DeploymentOutcome | null): Pick<KeyStoreDeployment, 'pending' | 'rejecting'> {
  const unhappy = (result?.detailList ?? []).filter(({ success }) => !success);
  return {
    pending: unhappy.filter(({ responseTime }) => responseTime === null).map(({ gatewayId }) => gatewayId),
    rejecting: unhappy
      .filter(({ responseTime }) => responseTime !== null)
      .map(({ gatewayId, detail }) => ({ gatewayId, reason: detail })),
  };
}

/** The newest deployments of proxies whose deployed revision uses a key store. */
export async function keyStoreDeployments(
  unit: Unit,
  uses: RevisionKeyUses,
  { store, isMeant }: { readonly store: KeyStoreName; readonly isMeant: EnvironmentFilter },
): Promise<KeyStoreDeployment[]> {
  const found: KeyStoreDeployment[] = [];
  for (const row of (await unit.transaction.query<NewestRow>(NEWEST, [store.projectId])).rows) {
    if (!isMeant(row.environmentId) || !(await uses.of(unit, row)).some(isOf(store))) continue;
    const { environmentName, apiProxyName, deployment, state, result } = row;
    found.push({ environmentName, apiProxyName, deployment, state, ...answersIn(result) });
  }
  return found;
}

/** See `KeyStoreUsers.longestTokenLifeMs`. */
export async function longestTokenLifeMs(
  unit: Unit,
  uses: RevisionKeyUses,
  where: { readonly store: KeyStoreName; readonly isMeant: EnvironmentFilter; readonly since: string },
): Promise<number | null> {
  const { store, isMeant, since } = where;
  const algorithms = new Set<string>();
  let longest: number | null = 0;
  const deployed = await unit.transaction.query<{ proxyId: string; environmentId: string; revision: number }>(
    DEPLOYED_SINCE,
    [store.projectId, since],
  );
  for (const row of deployed.rows) {
    if (!isMeant(row.environmentId)) continue;
    for (const { tokenLifeMs, ownSettingsAlgorithm } of (await uses.of(unit, row)).filter(isOf(store))) {
      longest = longerLife(longest, tokenLifeMs);
      if (ownSettingsAlgorithm !== null) algorithms.add(ownSettingsAlgorithm);
    }
  }
  return longerLife(longest, await longestOwnLifeMs(unit, store.projectId, algorithms));
}

/**
 * The longest life that own settings of the project's credentials ever said with one of some algorithms, whichever of the
 * project's proxies they may use. Settings of deleted credentials do not count: their tokens died with them.
 */
async function longestOwnLifeMs(
  unit: Unit,
  projectId: string,
  algorithms: ReadonlySet<string>,
): Promise<number | null> {
  if (algorithms.size === 0) return 0;
  const found = await unit.transaction.query<{ settings: TokenLife }>(
    `select distinct data -> 'tokenSettings' as settings from names
     join events on events.stream_id = 'credential-' || names.entity_id and events.type = $2
     where names.kind = 'project-credential' and names.scope = $1
       and data #>> '{tokenSettings,jwtSignatureAlgorithm}' = any($3)`,
    [projectId, SETTINGS_CHANGED, [...algorithms]],
  );
  return found.rows.map(({ settings }) => tokenLifeMs(settings)).reduce(longerLife, 0);
}

const SETTINGS_CHANGED: TokenSettingsChanged['type'] = 'TokenSettingsChanged';
