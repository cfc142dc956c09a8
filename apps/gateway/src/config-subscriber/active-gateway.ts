import { ServedDigest, type ApplyOutcome, type ChangeRecord, type ServedProxy } from '#libs/config-distribution';
import type { ArtifactUpstream } from '#libs/policy-contracts';
import type { KeySetUser } from '../key-sets/awaited-key-sets.ts';
import type { KeySetChange } from '../key-sets/gateway-key-sets.ts';
import type { RouteClaim } from '../router/route-claim.ts';
import { LiveRouter, type RouteContest } from '../router/router.ts';
import type { UpstreamChange } from '../upstream/upstream-pool.ts';
import { linkArtifact, type LinkRules } from './link-artifact.ts';
import { proxyTitle, type ArtifactChange, type LiveProxy, type ServedConfiguration } from './served-configuration.ts';

export interface OpenedChange {
  readonly change: ChangeRecord;
  /** The artifact's text; null with a tombstone. */
  readonly artifact: string | null;
}

export interface ActiveGatewayHooks {
  /**
   * Told after each swap what it changed of the upstreams in use, so that connections to others are closed, and of the key
   * sets that policies name, so that they are fetched. Not waited for.
   */
  readonly onSwap: (upstreams: UpstreamChange, keySets: KeySetChange) => void;
  /** Told once of each route that two proxies claim, for as long as they do. */
  readonly onContest: (contest: RouteContest) => void;
}

/** What the digest names of the proxies that are live. */
export interface ServedSummary {
  /** How many there are. */
  readonly proxies: number;
  /** `ServedDigest.text()`. */
  readonly digest: string;
}

/** A proxy as the next swap leaves it: linked and routable, or gone. */
type PlannedProxy = (LiveProxy & { readonly claims: readonly RouteClaim[] }) | undefined;

const NO_CLAIMS: readonly RouteClaim[] = [];

/** What a proxy names of key sets; most name none. */
const keySetsOf = ({
  linked: { keySetAddresses: addresses },
  change: { proxyId, deployment },
}: LiveProxy): KeySetUser[] => (addresses.length === 0 ? [] : [{ proxyId, deployment, addresses }]);

const servedAs = ({ change: { proxyId, deployment, hash } }: LiveProxy): ServedProxy => ({ proxyId, deployment, hash });

const titleOf = ({ linked }: LiveProxy): string => proxyTitle(linked.artifact.project, linked.artifact.proxy);

/**
 * Holds what is served. Many changes become live in one synchronous step, between two requests, and cost what they
 * change, however many proxies there are (`npm run bench -- swap`). A request keeps the proxy that it found.
 */
export class ActiveGateway {
  private readonly router = new LiveRouter();
  private readonly proxies = new Map<string, LiveProxy>();
  private readonly proxiesByName = new Map<string, LiveProxy>();
  private readonly digest = new ServedDigest();
  private readonly configuration: ServedConfiguration = Object.freeze({
    router: this.router,
    proxies: this.proxies,
    proxiesByName: this.proxiesByName,
  });
  private isBegun = false;

  constructor(
    private readonly rules: LinkRules,
    private readonly hooks: ActiveGatewayHooks,
  ) {}

  /** Undefined until there is a configuration; one without proxies is one. */
  get current(): ServedConfiguration | undefined {
    return this.isBegun ? this.configuration : undefined;
  }

  /** What is live at this moment, in a few bytes. */
  get served(): ServedSummary {
    return { proxies: this.digest.proxies, digest: this.digest.text() };
  }

  /** The change that brought what is live of a proxy; undefined when none is. */
  liveChange(proxyId: string): ArtifactChange | undefined {
    return this.proxies.get(proxyId)?.change;
  }

  /** An environment that has no proxies, once that is known. Does nothing to a configuration that is there. */
  beginEmpty(): void {
    if (!this.isBegun) this.swap(new Map());
  }

  /** Links what is new; what cannot be linked is answered with the reason and leaves the older one serving. */
  apply(changes: readonly OpenedChange[]): ReadonlyMap<string, ApplyOutcome> {
    const planned = new Map<string, PlannedProxy>();
    const outcomes = new Map<string, ApplyOutcome>();
    for (const { change, artifact } of changes) outcomes.set(change.proxyId, this.planOne(planned, change, artifact));
    if ([...outcomes.values()].some(({ applied }) => applied)) this.swap(planned);
    return outcomes;
  }

  private planOne(planned: Map<string, PlannedProxy>, change: ChangeRecord, artifact: string | null): ApplyOutcome {
    if (change.kind === 'tombstone' || artifact === null) {
      planned.set(change.proxyId, undefined);
      return { applied: true };
    }
    const outcome = linkArtifact(change, artifact, this.rules);
    if (!outcome.ok) return { applied: false, reason: outcome.reason };
    planned.set(change.proxyId, { linked: outcome.linked, change, claims: outcome.claims });
    return { applied: true };
  }

  /** The router goes first: it is the only one that could refuse, and then changes nothing. */
  private swap(planned: ReadonlyMap<string, PlannedProxy>): void {
    const claims = new Map([...planned].map(([proxyId, plan]) => [proxyId, plan?.claims ?? NO_CLAIMS]));
    const begun = this.router.change(claims);
    const upstreams: Record<keyof UpstreamChange, ArtifactUpstream[]> = { added: [], dropped: [] };
    const keySets: Record<keyof KeySetChange, KeySetUser[]> = { added: [], dropped: [] };
    for (const [proxyId, plan] of planned) {
      const before = this.replace(proxyId, plan && { linked: plan.linked, change: plan.change });
      if (before !== undefined) {
        upstreams.dropped.push(before.linked.artifact.upstream);
        keySets.dropped.push(...keySetsOf(before));
      }
      if (plan !== undefined) {
        upstreams.added.push(plan.linked.artifact.upstream);
        keySets.added.push(...keySetsOf(plan));
      }
    }
    this.isBegun = true;
    this.hooks.onSwap(upstreams, keySets);
    for (const contest of begun) this.hooks.onContest(contest);
  }

  /** Gives what was there before. */
  private replace(proxyId: string, live: LiveProxy | undefined): LiveProxy | undefined {
    const before = this.proxies.get(proxyId);
    if (before !== undefined) {
      this.digest.remove(servedAs(before));
      // Another proxy of the name may be live already.
      if (this.proxiesByName.get(titleOf(before)) === before) this.proxiesByName.delete(titleOf(before));
    }
    if (live === undefined) this.proxies.delete(proxyId);
    else {
      this.proxies.set(proxyId, live);
      this.proxiesByName.set(titleOf(live), live);
      this.digest.add(servedAs(live));
    }
    return before;
  }
}
