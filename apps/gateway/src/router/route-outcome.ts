import type { LinkedProxy } from '#libs/policy-runtime';
import { holds, type RouteHeaders, type UncertainHeaders } from './header-rules.ts';
import type { MethodTable, RouteEntry } from './route-entry.ts';

/** What every outcome says. */
interface Routed {
  /** Names of the headers that were asked, for `Vary`: of one URL, a cache must not give one proxy's answer for another's. */
  readonly variesBy: readonly string[] | undefined;
}

export interface RouteMatch extends Routed {
  readonly kind: 'matched';
  readonly proxy: LinkedProxy;
  /** The proxy's base path that matched, without the root context; `''` for `/`. */
  readonly basePath: string;
  /** The rest of the path: `''`, or text that starts with a slash. */
  readonly pathSuffix: string;
}

export type RouteOutcome =
  | RouteMatch
  | (Routed & { readonly kind: 'not-found' })
  /** A proxy is there, but not for this method. `allowed` is sorted. */
  | (Routed & { readonly kind: 'method-not-allowed'; readonly allowed: readonly string[] });

export const NOT_FOUND: RouteOutcome = Object.freeze({ kind: 'not-found', variesBy: undefined });

const proxyFor = (table: MethodTable, method: string): LinkedProxy | undefined =>
  table.byMethod.get(method) ?? table.anyMethod;

const matchOf = ({ basePath, prefixLength, variesBy }: RouteEntry, proxy: LinkedProxy, path: string): RouteOutcome => ({
  kind: 'matched',
  proxy,
  basePath,
  pathSuffix: path.slice(prefixLength),
  variesBy,
});

function refusalOf({ variesBy }: RouteEntry, tables: readonly MethodTable[]): RouteOutcome {
  const allowed = [...new Set(tables.flatMap(({ byMethod }) => [...byMethod.keys()]))].sort();
  return allowed.length === 0 ? { kind: 'not-found', variesBy } : { kind: 'method-not-allowed', allowed, variesBy };
}

/** Routes whose header rules do not hold are as if they were not there. */
function outcomeByHeaders(entry: RouteEntry, method: string, path: string, headers: RouteHeaders): RouteOutcome {
  const tables = (entry.byHeaders ?? []).filter(({ rules }) => holds(rules, headers));
  const candidates: readonly MethodTable[] = [...tables, entry];
  for (const table of candidates) {
    const proxy = proxyFor(table, method);
    if (proxy !== undefined) return matchOf(entry, proxy, path);
  }
  return refusalOf(entry, candidates);
}

/** Where a request of this entry goes; `headers` are asked only where a route has header rules. */
export function outcomeOf(entry: RouteEntry, method: string, path: string, headers: RouteHeaders): RouteOutcome {
  if (entry.byHeaders !== undefined) return outcomeByHeaders(entry, method, path, headers);
  const proxy = proxyFor(entry, method);
  return proxy === undefined ? refusalOf(entry, [entry]) : matchOf(entry, proxy, path);
}

/** Every proxy that a request of this entry may reach, in the order in which they are tried. */
export function reachableAt(
  entry: RouteEntry,
  method: string,
  { certain, possible }: UncertainHeaders,
): readonly LinkedProxy[] {
  const found: LinkedProxy[] = [];
  for (const table of entry.byHeaders ?? []) {
    const proxy = holds(table.rules, possible) ? proxyFor(table, method) : undefined;
    if (proxy === undefined) continue;
    found.push(proxy);
    if (holds(table.rules, certain)) return found;
  }
  const proxy = proxyFor(entry, method);
  return proxy === undefined ? found : [...found, proxy];
}
