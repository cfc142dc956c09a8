import type { LinkedProxy } from '#libs/policy-runtime';
import { inOrderOfTrial, namesIn, type HeaderRules } from './header-rules.ts';
import type { RouteClaim } from './route-claim.ts';
import type { RouteContest } from './route-contest.ts';

/** Which proxy takes which method. */
export interface MethodTable {
  readonly anyMethod: LinkedProxy | undefined;
  readonly byMethod: ReadonlyMap<string, LinkedProxy>;
}

/** Routes that want the same headers. */
export interface HeaderRoutes extends MethodTable {
  readonly rules: HeaderRules;
}

/** What one base path of one host leads to. Never changed, only replaced. */
export interface RouteEntry extends MethodTable {
  /** Base path of the proxy as matched, without the root context; `''` for `/`. */
  readonly basePath: string;
  /** Characters of the path up to the end of the base path, root context included. */
  readonly prefixLength: number;
  /** Those that want headers, in the order in which they are tried; undefined: none does. */
  readonly byHeaders: readonly HeaderRoutes[] | undefined;
  /** Names of the headers that they want; undefined: none. */
  readonly variesBy: readonly string[] | undefined;
}

/** A contest and the claim that lost it. */
export interface LostClaim {
  readonly claim: RouteClaim;
  readonly contest: RouteContest;
}

export interface CompiledEntry {
  readonly entry: RouteEntry;
  /** In the order of the claims. */
  readonly lost: readonly LostClaim[];
}

/** A table as it is filled. */
interface OpenTable {
  readonly rules: HeaderRules;
  anyMethod: LinkedProxy | undefined;
  readonly byMethod: Map<string, LinkedProxy>;
}

const NO_METHODS: ReadonlyMap<string, LinkedProxy> = new Map();

/** The first proxy of a method keeps it: apiops refuses a second one (contract 4.2). */
function enter(table: OpenTable, claim: RouteClaim): readonly LostClaim[] {
  const { proxy, host, path, rules } = claim;
  const { methods } = proxy.artifact.route;
  const wanted = methods.length === 0 ? [''] : methods;
  return wanted.flatMap((method): readonly LostClaim[] => {
    const holder = method === '' ? table.anyMethod : table.byMethod.get(method);
    // Two spellings of one path are no contest.
    if (holder === proxy) return [];
    if (holder !== undefined) {
      const contest = { host, path, method, headers: rules.text, keeper: holder.artifact, loser: proxy.artifact };
      return [{ claim, contest }];
    }
    if (method === '') table.anyMethod = proxy;
    else table.byMethod.set(method, proxy);
    return [];
  });
}

/** The entry of a place from all of its claims, one at least, in their order. The same claims give the same entry. */
export function compileEntry(claims: readonly [RouteClaim, ...RouteClaim[]]): CompiledEntry {
  const tables = new Map<string, OpenTable>();
  const lost: LostClaim[] = [];
  for (const claim of claims) {
    const { rules } = claim;
    const table = tables.get(rules.text) ?? { rules, anyMethod: undefined, byMethod: new Map() };
    tables.set(rules.text, table);
    lost.push(...enter(table, claim));
  }
  const plain = tables.get('');
  tables.delete('');
  const byHeaders = [...tables.values()].sort((left, right) => inOrderOfTrial(left.rules, right.rules));
  const { basePath, prefix } = claims[0].place;
  const entry: RouteEntry = {
    basePath,
    prefixLength: prefix.length,
    anyMethod: plain?.anyMethod,
    byMethod: plain?.byMethod ?? NO_METHODS,
    byHeaders: byHeaders.length === 0 ? undefined : byHeaders,
    variesBy: byHeaders.length === 0 ? undefined : namesIn(byHeaders.map(({ rules }) => rules)),
  };
  return { entry, lost };
}
