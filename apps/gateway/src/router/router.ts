import type { LinkedProxy } from '#libs/policy-runtime';
import type { RouteHeaders, UncertainHeaders } from './header-rules.ts';
import { HostTable } from './host-table.ts';
import { inOrderOfClaim, type RouteClaim, type RoutePlace } from './route-claim.ts';
import { contestKey, type RouteContest } from './route-contest.ts';
import { compileEntry, type CompiledEntry, type LostClaim } from './route-entry.ts';
import { NOT_FOUND, outcomeOf, reachableAt, type RouteOutcome } from './route-outcome.ts';

export { type RouteContest } from './route-contest.ts';
export { type RouteMatch, type RouteOutcome } from './route-outcome.ts';

/** Where requests go. It may change between two calls, never during one: keep what it answered, not itself. */
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

/** What is to become of one place. */
interface PlannedPlace {
  readonly place: RoutePlace;
  readonly claims: readonly RouteClaim[];
  /** Undefined when nobody claims it any more. */
  readonly compiled: CompiledEntry | undefined;
}

const isNotEmpty = <Item>(items: readonly Item[]): items is readonly [Item, ...Item[]] => items.length > 0;

const contestsIn = (lost: readonly LostClaim[]): readonly RouteContest[] =>
  lost.toSorted((left, right) => inOrderOfClaim(left.claim, right.claim)).map(({ contest }) => contest);

/**
 * The routes of a gateway, changed proxy by proxy. Exact host before wildcard before any host, then the longest base path
 * on segment boundaries, then the route with the most header rules that takes the method.
 *
 * The longest base path is chosen before headers are looked at: where no route of it has its headers, the answer is 404,
 * never a route with a shorter path, so that what a path means does not hang on what a client leaves out.
 *
 * Of two proxies that claim the same, the one whose id sorts first keeps it. That is the same on every gateway, however
 * its configuration came together; who was there first is not, since every deployment has a new number.
 */
export class LiveRouter implements Router {
  readonly #table = new HostTable();
  readonly #claimsByProxy = new Map<string, readonly RouteClaim[]>();
  readonly #claimsByPlace = new Map<string, readonly RouteClaim[]>();
  /** Only of places where there are any. */
  readonly #lostByPlace = new Map<string, readonly LostClaim[]>();

  get contests(): readonly RouteContest[] {
    return contestsIn([...this.#lostByPlace.values()].flat());
  }

  /** Whether it holds nothing at all: neither a route nor what led to one. */
  get isEmpty(): boolean {
    return this.#table.isEmpty && this.#claimsByProxy.size + this.#claimsByPlace.size + this.#lostByPlace.size === 0;
  }

  match(host: string, method: string, path: string, headers: RouteHeaders): RouteOutcome {
    const entry = this.#table.find(host, path);
    return entry === undefined ? NOT_FOUND : outcomeOf(entry, method, path, headers);
  }

  reachable(host: string, method: string, path: string, headers: UncertainHeaders): readonly LinkedProxy[] {
    const entry = this.#table.find(host, path);
    return entry === undefined ? [] : reachableAt(entry, method, headers);
  }

  /**
   * Gives each of these proxies, by id, all of its claims as `claimsOf` reads them, and none when it is gone. Places that
   * they neither had nor get are not looked at, so that one change costs the same however many proxies there are. What
   * can fail is done first: either all of it is changed or nothing. Gives the contests that there were not before.
   */
  change(changes: ReadonlyMap<string, readonly RouteClaim[]>): readonly RouteContest[] {
    const plan = this.#planOf(changes);
    const begun = plan.flatMap((planned) => this.#begunIn(planned));
    for (const planned of plan) this.#carryOut(planned);
    for (const [proxyId, claims] of changes) {
      if (claims.length === 0) this.#claimsByProxy.delete(proxyId);
      else this.#claimsByProxy.set(proxyId, claims);
    }
    return contestsIn(begun);
  }

  #planOf(changes: ReadonlyMap<string, readonly RouteClaim[]>): readonly PlannedPlace[] {
    const touched = new Map<string, { readonly place: RoutePlace; readonly added: RouteClaim[] }>();
    const touch = (place: RoutePlace): RouteClaim[] => {
      const known = touched.get(place.key);
      if (known !== undefined) return known.added;
      const made = { place, added: [] };
      touched.set(place.key, made);
      return made.added;
    };
    for (const [proxyId, claims] of changes) {
      for (const { place } of this.#claimsByProxy.get(proxyId) ?? []) touch(place);
      for (const claim of claims) touch(claim.place).push(claim);
    }
    return [...touched.values()].map(({ place, added }) => {
      const kept = (this.#claimsByPlace.get(place.key) ?? []).filter(
        ({ proxy }) => !changes.has(proxy.artifact.proxyId),
      );
      const claims = [...kept, ...added].sort(inOrderOfClaim);
      return { place, claims, compiled: isNotEmpty(claims) ? compileEntry(claims) : undefined };
    });
  }

  #begunIn({ place, compiled }: PlannedPlace): readonly LostClaim[] {
    if (compiled === undefined || compiled.lost.length === 0) return [];
    const known = new Set(this.#lostByPlace.get(place.key)?.map(({ contest }) => contestKey(contest)));
    return compiled.lost.filter(({ contest }) => !known.has(contestKey(contest)));
  }

  #carryOut({ place, claims, compiled }: PlannedPlace): void {
    if (compiled === undefined) {
      this.#table.remove(place);
      this.#claimsByPlace.delete(place.key);
    } else {
      this.#table.put(place, compiled.entry);
      this.#claimsByPlace.set(place.key, claims);
    }
    if (compiled === undefined || compiled.lost.length === 0) this.#lostByPlace.delete(place.key);
    else this.#lostByPlace.set(place.key, compiled.lost);
  }
}
