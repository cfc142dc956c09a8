import type { ProxyArtifact } from '#libs/policy-contracts';

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

/** The same text: the same two proxies claim the same, in whatever revisions. */
export const contestKey = ({ host, path, method, headers, keeper, loser }: RouteContest): string =>
  JSON.stringify([host, path, method, headers, keeper.proxyId, loser.proxyId]);
