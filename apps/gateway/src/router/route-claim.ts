import { normalisePath } from '#libs/policy-contracts';
import type { LinkedProxy } from '#libs/policy-runtime';
import { headerRulesOf, type HeaderRules } from './header-rules.ts';

/** One base path of one host, whoever claims it. */
export interface RoutePlace {
  /** The same text means the same place. */
  readonly key: string;
  /** Lower case, `*.example.org` for a wildcard; `''` for any. */
  readonly host: string;
  /** Normalised, without the root context and a final slash; `''` for `/`. */
  readonly basePath: string;
  /** `basePath` after the root context. */
  readonly prefix: string;
}

/** What one proxy claims of one place. */
export interface RouteClaim {
  readonly proxy: LinkedProxy;
  /** Which of the claims of its proxy it is, from 0. */
  readonly position: number;
  readonly place: RoutePlace;
  /** Host and path as in the route; host `''` for any. */
  readonly host: string;
  readonly path: string;
  readonly rules: HeaderRules;
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

function prefixOf(path: string, owner: string): string {
  if (path === '' || path === '/') return '';
  const normal = normalisePath(path);
  if (normal === undefined) throw new UnroutablePath(owner, path);
  return normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/** A normalised path has no space: the last one of the key stands before it. */
const placeOf = (host: string, basePath: string, prefix: string): RoutePlace => ({
  ...{ key: `${host} ${prefix}`, host, basePath, prefix },
});

/**
 * What a proxy claims, read before any of it is routed. `rootContext` (`''` or `/apigateway`) stands before every base
 * path.
 *
 * @throws UnroutablePath when a base path or the root context cannot be the path of a request
 */
export function claimsOf(proxy: LinkedProxy, rootContext: string): readonly RouteClaim[] {
  const { proxyId, route } = proxy.artifact;
  const root = prefixOf(rootContext, 'the root context');
  const rules = headerRulesOf(route.headers);
  const hosts = route.hosts.length === 0 ? [''] : route.hosts;
  const claims: RouteClaim[] = [];
  for (const path of route.paths) {
    const basePath = prefixOf(path, `proxy ${proxyId}`);
    for (const host of hosts) {
      const place = placeOf(host.toLowerCase(), basePath, root + basePath);
      claims.push({ proxy, position: claims.length, place, host, path, rules });
    }
  }
  return claims;
}

/** By code unit: the same on every machine, whatever its locale. */
const inOrderOfText = (one: string, other: string): number => (one < other ? -1 : Number(one > other));

/** By the ids of their proxies, then as they stand in the route. */
export const inOrderOfClaim = (left: RouteClaim, right: RouteClaim): number =>
  inOrderOfText(left.proxy.artifact.proxyId, right.proxy.artifact.proxyId) || left.position - right.position;
