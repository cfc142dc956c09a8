import type { ApplyOutcome, ChangeRecord } from '#libs/config-distribution';
import type { ArtifactUpstream } from '#libs/policy-contracts';
import { compileRouter, type RouteContest, type Router } from '../router/router.ts';
import { linkArtifact, type LinkRules } from './link-artifact.ts';
import type { LiveProxy, ServedConfiguration } from './served-configuration.ts';

export interface OpenedChange {
  readonly change: ChangeRecord;
  /** The artifact's text; null with a tombstone. */
  readonly artifact: string | null;
}

export interface ActiveGatewayHooks {
  /** Told the upstreams in use after each swap, so that connections to others are closed. */
  readonly onSwap: (upstreams: readonly ArtifactUpstream[]) => void;
  /** Told once of each route that two proxies claim, for as long as they do. */
  readonly onContest: (contest: RouteContest) => void;
}

const contestKey = ({ host, path, method, headers, keeper, loser }: RouteContest): string =>
  JSON.stringify([host, path, method, headers, keeper.proxyId, loser.proxyId]);

/** Holds what is served. Many changes become live by one assignment; a request keeps the one it began with. */
export class ActiveGateway {
  private served: ServedConfiguration | undefined;
  private contests: ReadonlySet<string> = new Set();

  constructor(
    private readonly rules: LinkRules,
    private readonly hooks: ActiveGatewayHooks,
  ) {}

  /** Undefined until there is a configuration; one without proxies is one. */
  get current(): ServedConfiguration | undefined {
    return this.served;
  }

  /** An environment that has no proxies, once that is known. Does nothing to a configuration that is there. */
  beginEmpty(): void {
    if (this.served === undefined) this.swap(new Map());
  }

  /** Links what is new; what cannot be linked is answered with the reason and leaves the older one serving. */
  apply(changes: readonly OpenedChange[]): ReadonlyMap<string, ApplyOutcome> {
    const proxies = new Map(this.served?.proxies);
    const outcomes = new Map<string, ApplyOutcome>();
    for (const { change, artifact } of changes) outcomes.set(change.proxyId, this.applyOne(proxies, change, artifact));
    if ([...outcomes.values()].some(({ applied }) => applied)) this.swap(proxies);
    return outcomes;
  }

  private applyOne(proxies: Map<string, LiveProxy>, change: ChangeRecord, artifact: string | null): ApplyOutcome {
    if (change.kind === 'tombstone' || artifact === null) {
      proxies.delete(change.proxyId);
      return { applied: true };
    }
    const outcome = linkArtifact(change, artifact, this.rules);
    if (!outcome.ok) return { applied: false, reason: outcome.reason };
    proxies.set(change.proxyId, { linked: outcome.linked, change });
    return { applied: true };
  }

  private swap(proxies: ReadonlyMap<string, LiveProxy>): void {
    const linked = [...proxies.values()].map((live) => live.linked);
    const router = compileRouter(linked, this.rules.rootContext);
    this.served = Object.freeze({ router, proxies });
    this.hooks.onSwap(linked.map(({ artifact }) => artifact.upstream));
    this.tellContests(router);
  }

  private tellContests({ contests }: Router): void {
    const known = this.contests;
    this.contests = new Set(contests.map(contestKey));
    for (const contest of contests) if (!known.has(contestKey(contest))) this.hooks.onContest(contest);
  }
}
