import { conflict } from '../decider/domain-error.ts';
import type { Unit } from '../persistence/unit-of-work.ts';
import type { DeploymentTarget } from './deployment-requests.ts';

/** What a proxy answers to; the empty host stands for any, `ALL` for every method. */
export interface ClaimedRoute {
  readonly hostList: readonly string[];
  readonly relativePathList: readonly string[];
  readonly methodList: readonly string[];
  /** Names in lower case. */
  readonly headerList: readonly { readonly name: string; readonly value: string }[];
}

interface Claimant {
  readonly proxyId: string;
  readonly route: ClaimedRoute;
  /** Ids of environments where it goes on with what it claimed before, for now: their wave has not begun. */
  readonly later?: ReadonlySet<string>;
}

const ANY_HOST = '';
const EVERY_METHOD = 'ALL';

/** One spelling for the same header rules, whatever their order; '' for none. */
function headersText(rules: ClaimedRoute['headerList']): string {
  if (rules.length === 0) return '';
  return JSON.stringify([...new Set(rules.map(({ name, value }) => JSON.stringify([name, value])))].sort());
}

// Named: planned once on each connection.
/** Claims of one environment are made one after the other, whoever makes them. */
const HOLD = { name: 'routes_hold_1', text: 'select pg_advisory_xact_lock(hashtextextended($1, 1))' };
const TAKEN = {
  name: 'routes_taken_1',
  text: `
    select claims.host, claims.path, claims.method, claims.headers, names.name
    from route_claims claims join names on names.kind = 'api-proxy' and names.entity_id = claims.proxy_id
    where claims.environment_id = $1 and claims.proxy_id <> $2 and claims.host = any($3) and claims.path = any($4)
      and (claims.method = '${EVERY_METHOD}' or '${EVERY_METHOD}' = any($5) or claims.method = any($5))
      and claims.headers = $6
    order by claims.path, claims.host, claims.method limit 1`,
};
const CLAIM = {
  name: 'routes_claim_1',
  text: `
    insert into route_claims (environment_id, proxy_id, host, path, method, headers)
    select $1, $2, hosts.host, paths.path, methods.method, $6
    from unnest($3::text[]) hosts(host), unnest($4::text[]) paths(path), unnest($5::text[]) methods(method)
    on conflict do nothing`,
};
const GIVE_UP = {
  name: 'routes_give_up_1',
  text: 'delete from route_claims where environment_id = $1 and proxy_id = $2',
};

interface TakenRoute {
  readonly host: string;
  readonly path: string;
  readonly method: string;
  readonly headers: string;
  readonly name: string;
}

const hostsOf = ({ hostList }: ClaimedRoute): readonly string[] => (hostList.length === 0 ? [ANY_HOST] : hostList);

async function refuseTaken(unit: Unit, target: DeploymentTarget, claim: readonly unknown[]): Promise<void> {
  const taken = await unit.transaction.query<TakenRoute>(TAKEN, [target.environmentId, ...claim]);
  const first = taken.rows[0];
  if (first === undefined) return;
  const host = first.host === ANY_HOST ? 'any host' : `host ${first.host}`;
  const headers = first.headers === '' ? '' : ', the same header rules';
  throw conflict(
    `route ${first.path} (${host}, method ${first.method}${headers}) is taken in environment ${target.environmentName} by ApiProxy (name: ${first.name})`,
  );
}

/** Sent together, carried out one after the other: claims made of a taken route go with the whole change. */
async function claimIn(unit: Unit, target: DeploymentTarget, { proxyId, route, later }: Claimant): Promise<void> {
  const { environmentId } = target;
  const places = [hostsOf(route), route.relativePathList, route.methodList, headersText(route.headerList)];
  await Promise.all([
    unit.transaction.query(HOLD, [`routes-${environmentId}`]),
    refuseTaken(unit, target, [proxyId, ...places]),
    later?.has(environmentId) === true ? undefined : giveUpRoutes(unit, target, proxyId),
    unit.transaction.query(CLAIM, [environmentId, proxyId, ...places]),
  ]);
}

/**
 * Claims a proxy's routes where it is to be deployed, in the transaction of the wish; what it claimed there before is
 * given up. Environments are taken in one order, and routes of all of them before whatever the caller does next, so that
 * two changes never wait for each other in a circle.
 *
 * Taken is what has the same host, the same path, a common method and the same header rules. Two routes that differ in
 * their header rules alone may stand side by side: where a request meets the rules of both, a gateway takes the one with
 * more of them; should both have as many, it is not said which.
 *
 * @throws DomainError CONFLICT naming the proxy that has a route
 */
export async function claimRoutes(unit: Unit, targets: readonly DeploymentTarget[], claimant: Claimant): Promise<void> {
  const inOrder = [...targets].sort((left, right) => (left.environmentId < right.environmentId ? -1 : 1));
  await Promise.all(inOrder.map((target) => claimIn(unit, target, claimant)));
}

/** The proxy leaves an environment: its routes there are free. */
export async function giveUpRoutes(unit: Unit, target: DeploymentTarget, proxyId: string): Promise<void> {
  await unit.transaction.query(GIVE_UP, [target.environmentId, proxyId]);
}
