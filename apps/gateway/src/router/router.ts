import { normalisePath, type ProxyArtifact } from '#libs/policy-contracts';
import type { LinkedProxy } from '#libs/policy-runtime';
import { RouteTrie, type RouteEntry } from './route-trie.ts';

export interface RouteMatch {
  readonly kind: 'matched';
  readonly proxy: LinkedProxy;
  /** The proxy's base path that matched, without the root context; `''` for `/`. */
  readonly basePath: string;
  /** The rest of the path: `''`, or text that starts with a slash. */
  readonly pathSuffix: string;
}

export type RouteOutcome =
  | RouteMatch
  | { readonly kind: 'not-found' }
  /** A proxy is there, but not for this method. `allowed` is sorted. */
  | { readonly kind: 'method-not-allowed'; readonly allowed: readonly string[] };

/** A host, path and method that two proxies claim, which apiops does not let happen. */
export interface RouteContest {
  /** As in the route; `''` for any. */
  readonly host: string;
  readonly path: string;
  /** `''` for any. */
  readonly method: string;
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
   */
  match(host: string, method: string, path: string): RouteOutcome;
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

const NOT_FOUND: RouteOutcome = Object.freeze({ kind: 'not-found' });

function prefixOf(path: string, owner: string): string {
  if (path === '' || path === '/') return '';
  const normal = normalisePath(path);
  if (normal === undefined) throw new UnroutablePath(owner, path);
  return normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/** The first proxy of a method keeps it: apiops refuses a second one (contract 4.2). Gives the methods that were taken. */
function claim(entry: RouteEntry, proxy: LinkedProxy): readonly Pick<RouteContest, 'method' | 'keeper'>[] {
  const { methods } = proxy.artifact.route;
  const claims = methods.length === 0 ? [''] : methods;
  return claims.flatMap((method) => {
    const holder = method === '' ? entry.anyMethod : entry.byMethod.get(method);
    // Two spellings of one path are no contest.
    if (holder !== undefined) return holder === proxy ? [] : [{ method, keeper: holder.artifact }];
    if (method === '') entry.anyMethod = proxy;
    else entry.byMethod.set(method, proxy);
    return [];
  });
}

function outcomeOf(entry: RouteEntry, method: string, path: string): RouteOutcome {
  const proxy = entry.byMethod.get(method) ?? entry.anyMethod;
  if (proxy === undefined) return { kind: 'method-not-allowed', allowed: [...entry.byMethod.keys()].sort() };
  return { kind: 'matched', proxy, basePath: entry.basePath, pathSuffix: path.slice(entry.prefixLength) };
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
    const { hosts, paths } = proxy.artifact.route;
    for (const path of paths) {
      const basePath = prefixOf(path, `proxy ${proxy.artifact.proxyId}`);
      for (const host of hosts.length === 0 ? [''] : hosts) {
        const entry = this.#trieOf(host.toLowerCase()).entryOf(rootContext, basePath);
        for (const { method, keeper } of claim(entry, proxy)) {
          this.#contests.push({ host, path, method, keeper, loser: proxy.artifact });
        }
      }
    }
  }

  match(host: string, method: string, path: string): RouteOutcome {
    const entry =
      this.#exact.get(host)?.longestMatch(path) ?? this.#wildcardMatch(host, path) ?? this.#any.longestMatch(path);
    return entry === undefined ? NOT_FOUND : outcomeOf(entry, method, path);
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
 * segment boundaries, then the method. `rootContext` (`''` or `/apigateway`) stands before every base path.
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
