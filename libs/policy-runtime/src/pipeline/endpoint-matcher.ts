import { decodeSegment, PathTemplate } from './path-template.ts';
import type { LinkedRoute } from './link-route.ts';

/** Which endpoint a request means. */
export type EndpointMatch =
  | { readonly kind: 'matched'; readonly route: LinkedRoute }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'method-not-allowed'; readonly allowed: readonly string[] };

export interface MatchableEndpoint {
  readonly template: PathTemplate;
  readonly method: string;
  readonly route: LinkedRoute;
}

export type MatchEndpoint = (method: string, pathSuffix: string) => EndpointMatch;

const NOT_FOUND: EndpointMatch = { kind: 'not-found' };

/** Literal segments before parameters; the first endpoint whose path and method both fit decides (contract 5). */
export function compileEndpointMatcher(endpoints: readonly MatchableEndpoint[]): MatchEndpoint {
  const bySegmentCount = new Map<number, MatchableEndpoint[]>();
  for (const endpoint of endpoints) {
    const others = bySegmentCount.get(endpoint.template.segmentCount);
    if (others === undefined) bySegmentCount.set(endpoint.template.segmentCount, [endpoint]);
    else others.push(endpoint);
  }
  for (const group of bySegmentCount.values()) group.sort((left, right) => left.template.compareTo(right.template));

  return (method, pathSuffix) => {
    const segments = PathTemplate.split(pathSuffix).map(decodeSegment);
    const allowed = new Set<string>();
    for (const endpoint of bySegmentCount.get(segments.length) ?? []) {
      if (endpoint.template.match(segments) === undefined) continue;
      if (endpoint.method === method) return { kind: 'matched', route: endpoint.route };
      allowed.add(endpoint.method);
    }
    return allowed.size === 0 ? NOT_FOUND : { kind: 'method-not-allowed', allowed: [...allowed].sort() };
  };
}

/** For a proxy without endpoints: everything passes. */
export function matchEverything(route: LinkedRoute): MatchEndpoint {
  const match: EndpointMatch = { kind: 'matched', route };
  return () => match;
}
