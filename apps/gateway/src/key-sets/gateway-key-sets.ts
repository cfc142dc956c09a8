import { refusal } from '#libs/jwt-engine';
import type { KeySetNote } from '#libs/config-distribution';
import type { KeySetOrders } from '#libs/policy-contracts';
import type { KeySet, KeySets } from '#libs/policy-runtime';
import type { NamedKeySet } from '../metrics/key-set-metrics.ts';
import { AwaitedKeySets, type KeySetUser } from './awaited-key-sets.ts';
import { CachedKeySet, type OwnWish } from './cached-key-set.ts';
import { failed, type FailedFetch, type FetchOutcome, type KeySetDocuments } from './fetched-document.ts';
import { FRESHNESS_SECONDS } from './freshness.ts';
import { HostLoad } from './host-load.ts';
import type { KeySetJournal } from './key-set-journal.ts';
import { ObeyedOrders, type SetOrders } from './obeyed-orders.ts';
import { VariableKeySets } from './variable-key-sets.ts';
import { withoutQuery } from './without-query.ts';

export interface GatewayKeySetsOptions {
  readonly documents: KeySetDocuments;
  readonly journal: KeySetJournal;
  /** How long the last good set serves when its host fails. */
  readonly staleLimitSeconds: number;
  /** Milliseconds since the epoch: documents of other gateways are compared with it. */
  readonly nowMs: () => number;
  /** Told when {@link GatewayKeySets.notes} answers something else than before; not waited for. */
  readonly onNote?: (() => void) | undefined;
}

/** What a swap of the configuration changes of the key sets that policies name. */
export interface KeySetChange {
  /** Proxies that are served now and were not, or by another deployment. */
  readonly added: readonly KeySetUser[];
  /** Each as it was added. */
  readonly dropped: readonly KeySetUser[];
}

export const KEY_SET_LIMITS = {
  addressLength: 2_048,
  /** Fetches that one swap, one order or one second of refreshing begins at most: the others are begun in the next seconds. */
  begunAtOnce: 200,
  /**
   * Of these to one host, so many are under way at most: two are asked there at a time, and the others' time runs while they
   * wait. Sets that requests wait for are not held back.
   */
  underWayPerHost: 10,
} as const;

const MS_PER_SECOND = 1_000;
const NO_KEYS = refusal('InvalidKeyConfiguration');
const TOO_LONG = failed('invalid-address', 'TOO_LONG');

/**
 * The key sets that this gateway's policies take their keys from, by address.
 *
 * Those that policies of served proxies name are kept fresh whether or not requests come, and forgotten when no proxy names
 * them any more. Those whose addresses came from variables are kept fresh by the requests that ask for them, push out no
 * named ones, and are forgotten once nobody has asked for so long that they could not be served any more.
 */
export class GatewayKeySets implements KeySets {
  readonly #named = new Map<string, CachedKeySet>();
  /** How many of the proxies that are served name each. */
  readonly #users = new Map<string, number>();
  readonly #fromVariables: VariableKeySets;
  readonly #awaited: AwaitedKeySets;
  readonly #load = new HostLoad(KEY_SET_LIMITS.underWayPerHost);
  #orders = new ObeyedOrders();

  constructor(private readonly options: GatewayKeySetsOptions) {
    const { staleLimitSeconds, nowMs, onNote = () => undefined } = options;
    const forgetAfterMs = Math.max(staleLimitSeconds, FRESHNESS_SECONDS.longest) * MS_PER_SECOND;
    this.#fromVariables = new VariableKeySets({ forgetAfterMs, nowMs });
    this.#awaited = new AwaitedKeySets(onNote);
  }

  /**
   * Follows a swap: what is named for the first time is fetched at once, in the background; what nobody names any more is
   * forgotten. Costs what was changed, however many proxies there are.
   */
  follow({ added, dropped }: KeySetChange): void {
    const begun: [address: string, set: CachedKeySet][] = [];
    for (const user of added) {
      for (const address of user.addresses) {
        const known = this.#named.get(address);
        const set = known ?? this.#name(address);
        if (known === undefined) begun.push([address, set]);
        this.#users.set(address, (this.#users.get(address) ?? 0) + 1);
        if (set.fetchedAtMs === undefined) this.#awaited.add(user, address, set.failure);
      }
    }
    for (const user of dropped) for (const address of user.addresses) this.#drop(user, address);
    this.#begin(begun);
  }

  /** Begins the fetches whose time has come. Called once a second. */
  refreshDue(): void {
    this.#fromVariables.sweep();
    this.#begin(this.#named);
  }

  /** From now on these orders and no others. They take effect before this returns. */
  obey(orders: KeySetOrders): void {
    const { journal } = this.options;
    const before = this.#orders;
    this.#orders = new ObeyedOrders(orders);
    const emptied: string[] = [];
    for (const [address, set] of [...this.#named, ...this.#fromVariables.entries()]) {
      if (set.obey(this.#ordersOf(address))) emptied.push(address);
    }
    for (const denied of this.#orders.deniedSince(before)) journal.keyDenied(denied);
    for (const allowed of before.deniedSince(this.#orders)) journal.keyAllowed(allowed);
    if (emptied.length === 0) return;
    journal.flushed(emptied);
    this.refreshDue();
  }

  current(address: string): KeySet | Promise<KeySet> {
    return this.#asked(address)?.current() ?? NO_KEYS;
  }

  newerFor(address: string, keyId: string): Promise<KeySet> | undefined {
    return this.#asked(address)?.newerFor(keyId);
  }

  /** Key sets that have not been there since the deployment that is served brought them; some, if there are very many. */
  notes(): readonly KeySetNote[] {
    return this.#awaited.notes();
  }

  /** The sets that policies name. */
  *named(): Generator<NamedKeySet> {
    for (const [address, { fetchedAtMs, changedAtMs }] of this.#named) {
      yield { address: withoutQuery(address), fetchedAtMs, changedAtMs };
    }
  }

  /** How many sets there are, by where their addresses stand. */
  get counts(): { readonly policy: number; readonly variable: number } {
    return { policy: this.#named.size, variable: this.#fromVariables.size };
  }

  #begin(sets: Iterable<readonly [address: string, set: CachedKeySet]>): void {
    let begun = 0;
    for (const [address, set] of sets) {
      if (begun === KEY_SET_LIMITS.begunAtOnce) return;
      if (set.refresh(() => !this.#load.isFull(address))) begun += 1;
    }
  }

  #name(address: string): CachedKeySet {
    const asked = this.#fromVariables.get(address);
    // What could not be fetched might be had now: what a policy names may redirect to another host.
    const set = asked?.fetchedAtMs === undefined ? this.#created(address) : asked;
    this.#fromVariables.delete(address);
    this.#named.set(address, set);
    set.obey(this.#ordersOf(address));
    return set;
  }

  #ordersOf(address: string): SetOrders {
    return this.#named.has(address) ? this.#orders.of(address) : this.#orders.ofVariable(address);
  }

  #drop(user: KeySetUser, address: string): void {
    this.#awaited.drop(user, address);
    const left = (this.#users.get(address) ?? 0) - 1;
    if (left > 0) {
      this.#users.set(address, left);
      return;
    }
    this.#users.delete(address);
    this.#named.delete(address);
  }

  #asked(address: string): CachedKeySet | undefined {
    return this.#named.get(address) ?? this.#fromVariables.get(address) ?? this.#addFromVariable(address);
  }

  /** undefined: too long, or there are too many, each of them being fetched. */
  #addFromVariable(address: string): CachedKeySet | undefined {
    const isTooLong = address.length > KEY_SET_LIMITS.addressLength;
    if (isTooLong || !this.#fromVariables.makePlace()) {
      this.#tell(address, isTooLong ? TOO_LONG : failed('too-many'));
      return undefined;
    }
    const set = this.#created(address);
    this.#fromVariables.set(address, set);
    return set;
  }

  /** Of an address that gets no set, and so no fetch. */
  #tell(address: string, fault: FailedFetch): void {
    const voice = this.options.journal.voiceOf(address, () => false);
    voice.fetched(fault.failure, 'missing');
    voice.failing(fault);
  }

  #created(address: string): CachedKeySet {
    const { journal, staleLimitSeconds, nowMs } = this.options;
    const isNamed = (): boolean => this.#named.has(address);
    const set: CachedKeySet = new CachedKeySet({
      fetch: (wish) => (isNamed() ? this.#fetchNamed(address, wish) : this.#fetchFromVariable(address, wish)),
      voice: journal.voiceOf(address, isNamed),
      onFetched: () => this.#note(address, set),
      staleLimitMs: staleLimitSeconds * MS_PER_SECOND,
      nowMs,
      orders: this.#ordersOf(address),
    });
    return set;
  }

  #note(address: string, set: CachedKeySet): void {
    if (this.#named.get(address) !== set) return;
    if (set.fetchedAtMs !== undefined) this.#awaited.came(address);
    else if (set.failure !== undefined) this.#awaited.failed(address, set.failure);
  }

  #fetchNamed(address: string, wish: OwnWish): Promise<FetchOutcome> {
    if (address.length > KEY_SET_LIMITS.addressLength) return Promise.resolve(TOO_LONG);
    return this.#load.during(address, () =>
      this.options.documents.fetch({ address, redirectsTo: 'any-host', ...wish }),
    );
  }

  async #fetchFromVariable(address: string, wish: OwnWish): Promise<FetchOutcome> {
    const outcome = await this.options.documents.fetch({ address, redirectsTo: 'same-host', ...wish });
    if (outcome.ok) this.#fromVariables.makeRoomFor(outcome.text.length);
    return outcome;
  }
}
