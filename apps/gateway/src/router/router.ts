import { normalisePath, type ProxyArtifact } from '#libs/policy-contracts';
import type { LinkedProxy } from '#libs/policy-runtime';
import {
  headerRulesOf,
  holds,
  inOrderOfTrial,
  namesIn,
  type HeaderRules,
  type RouteHeaders,
  type UncertainHeaders,
} from './header-rules.ts';
import { RouteTrie, type HeaderRoutes, type MethodTable, type RouteEntry } from './route-trie.ts';

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

/** A host, path, method and set of header rules that two proxies claim, which apiops does not let happen. */
export interface RouteContest {
  /** As in the route; `''` for any. */
  readonly host: string;
  readonly path: string;
  /** `''` for any. */
  readonly method: string;
  /** `name: value` lines; `''` for none. */
  readonly headers: string;
  readonly keeper: ProxyArtifact;
  readonly loser: ProxyArtifact;
}

export interface Router {
  /** In the order of the losers' ids. */
  readonly contests: readonly RouteContest[];
  /**
   * @param host name as `hostNameOf` gives it
   * @param method upper case
   * @param path as `normalisePath` gives it
   * @param headers asked only where a route has header rules
   */
  match(host: string, method: string, path: string, headers: RouteHeaders): RouteOutcome;
  /** Every proxy that such a request may reach, in the order in which they are tried. */
  reachable(host: string, method: string, path: string, headers: UncertainHeaders): readonly LinkedProxy[];
}

/** A base path or root context that no request could ever match: the control plane must not have let it through. */
export class UnroutablePath extends Error {
  readonly code = 'UNROUTABLE_PATH';
  constructor(
    readonly owner: string,
    readonly path: string,
  ) {
    super(`path ${path} of ${owner} is not a path that a request can have`);
    this.name = 'UnroutablePath';
  }
}

const NOT_FOUND: RouteOutcome = Object.freeze({ kind: 'not-found', variesBy: undefined });

function prefixOf(path: string, owner: string): string {
  if (path === '' || path === '/') return '';
  const normal = normalisePath(path);
  if (normal === undefined) throw new UnroutablePath(owner, path);
  return normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/** The table of the routes with these header rules. */
function tableOf(entry: RouteEntry, rules: HeaderRules): MethodTable {
  if (rules.text === '') return entry;
  entry.byHeaders ??= [];
  const known = entry.byHeaders.find((routes) => routes.rules.text === rules.text);
  if (known !== undefined) return known;
  const made: HeaderRoutes = { rules, anyMethod: undefined, byMethod: new Map() };
  entry.byHeaders.push(made);
  entry.byHeaders.sort((left, right) => inOrderOfTrial(left.rules, right.rules));
  entry.variesBy = namesIn(entry.byHeaders.map((routes) => routes.rules));
  return made;
}

/** The first proxy of a method keeps it: apiops refuses a second one (contract 4.2). Gives the methods that were taken. */
function claim(table: MethodTable, proxy: LinkedProxy): readonly Pick<RouteContest, 'method' | 'keeper'>[] {
  const { methods } = proxy.artifact.route;
  const claims = methods.length === 0 ? [''] : methods;
  return claims.flatMap((method) => {
    const holder = method === '' ? table.anyMethod : table.byMethod.get(method);
    // Two spellings of one path are no contest.
    if (holder !== undefined) return holder === proxy ? [] : [{ method, keeper: holder.artifact }];
    if (method === '') table.anyMethod = proxy;
    else table.byMethod.set(method, proxy);
    return [];
  });
}

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

function outcomeOf(entry: RouteEntry, method: string, path: string, headers: RouteHeaders): RouteOutcome {
  if (entry.byHeaders !== undefined) return outcomeByHeaders(entry, method, path, headers);
  const proxy = proxyFor(entry, method);
  return proxy === undefined ? refusalOf(entry, [entry]) : matchOf(entry, proxy, path);
}

function reachableAt(entry: RouteEntry, method: string, { certain, possible }: UncertainHeaders): LinkedProxy[] {
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

class HostRouter implements Router {
  readonly #exact = new Map<string, RouteTrie>();
  /** By the name after `*.`. */
  readonly #wildcard = new Map<string, RouteTrie>();
  readonly #any = new RouteTrie();
  readonly #contests: RouteContest[] = [];

  get contests(): readonly RouteContest[] {
    return this.#contests;
  }

  add(proxy: LinkedProxy, rootContext: string): void {
    const { hosts, paths, headers } = proxy.artifact.route;
    const rules = headerRulesOf(headers);
    for (const path of paths) {
      const basePath = prefixOf(path, `proxy ${proxy.artifact.proxyId}`);
      for (const host of hosts.length === 0 ? [''] : hosts) {
        const entry = this.#trieOf(host.toLowerCase()).entryOf(rootContext, basePath);
        for (const { method, keeper } of claim(tableOf(entry, rules), proxy)) {
          this.#contests.push({ host, path, method, headers: rules.text, keeper, loser: proxy.artifact });
        }
      }
    }
  }

  match(host: string, method: string, path: string, headers: RouteHeaders): RouteOutcome {
    const entry = this.#entryOf(host, path);
    return entry === undefined ? NOT_FOUND : outcomeOf(entry, method, path, headers);
  }

  reachable(host: string, method: string, path: string, headers: UncertainHeaders): readonly LinkedProxy[] {
    const entry = this.#entryOf(host, path);
    return entry === undefined ? [] : reachableAt(entry, method, headers);
  }

  #entryOf(host: string, path: string): RouteEntry | undefined {
    return this.#exact.get(host)?.longestMatch(path) ?? this.#wildcardMatch(host, path) ?? this.#any.longestMatch(path);
  }

  /** The longest wildcard goes first: `*.a.example.org` before `*.example.org`. */
  #wildcardMatch(host: string, path: string): RouteEntry | undefined {
    if (this.#wildcard.size === 0) return undefined;
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const entry = this.#wildcard.get(host.slice(dot + 1))?.longestMatch(path);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  #trieOf(host: string): RouteTrie {
    if (host === '') return this.#any;
    const [table, name] = host.startsWith('*.') ? [this.#wildcard, host.slice(2)] : [this.#exact, host];
    let trie = table.get(name);
    if (trie === undefined) {
      trie = new RouteTrie();
      table.set(name, trie);
    }
    return trie;
  }
}

/** By code unit: the same on every machine, whatever its locale. */
function inOrderOfIds(left: LinkedProxy, right: LinkedProxy): number {
  const [one, other] = [left.artifact.proxyId, right.artifact.proxyId];
  return one < other ? -1 : Number(one > other);
}

/**
 * Builds the routes of a configuration once. Exact host before wildcard before any host, then the longest base path on
 * segment boundaries, then the route with the most header rules that takes the method. `rootContext` (`''` or
 * `/apigateway`) stands before every base path.
 *
 * The longest base path is chosen before headers are looked at: where no route of it has its headers, the answer is 404,
 * never a route with a shorter path, so that what a path means does not hang on what a client leaves out.
 *
 * Of two proxies that claim the same, the one whose id sorts first keeps it. That is the same on every gateway, however
 * its configuration came together; who was there first is not, since every deployment has a new number.
 *
 * @throws UnroutablePath when a base path or the root context cannot be the path of a request
 */
export const compileRouter = (proxies: readonly LinkedProxy[], rootContext: string): Router => {
  const router = new HostRouter();
  const prefix = prefixOf(rootContext, 'the root context');
  for (const proxy of proxies.toSorted(inOrderOfIds)) router.add(proxy, prefix);
  return router;
};
