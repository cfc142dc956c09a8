import { refusal } from '#libs/jwt-engine';
import type { KeySet } from '#libs/policy-runtime';
import { AbsentKeyIds } from './absent-key-ids.ts';
import { COOLDOWN_MS, FetchRestraint } from './fetch-restraint.ts';
import { isFailureOfFetch, type FailedFetch, type FetchOutcome, type FetchWish } from './fetched-document.ts';
import { HeldKeySet } from './held-key-set.ts';
import type { KeySetVoice } from './key-set-journal.ts';
import { KeptKeys } from './kept-keys.ts';
import type { SetOrders } from './obeyed-orders.ts';
import { Outage } from './outage.ts';

/** What a set knows of its own wishes. */
export type OwnWish = Omit<FetchWish, 'address' | 'redirectsTo'>;

export interface CachedKeySetOptions {
  /** As {@link KeySetDocuments.fetch}: never rejects. */
  readonly fetch: (wish: OwnWish) => Promise<FetchOutcome>;
  readonly voice: KeySetVoice;
  /** Told when a fetch is over, whatever came of it. */
  readonly onFetched: () => void;
  /** Since it was fetched, for as long as its host fails. */
  readonly staleLimitMs: number;
  readonly nowMs: () => number;
  /** Those in force when it is made. */
  readonly orders: SetOrders;
}

/** A fetch on its way, for those who wait. */
interface Flight {
  readonly ended: Promise<void>;
  readonly end: () => void;
}

const NO_KEYS = refusal('InvalidKeyConfiguration');

/**
 * The key set of one address. Has no timer: whoever asks drives it, by the clock it was given. There is never more than
 * one fetch that counts, which everybody who must wait shares.
 */
export class CachedKeySet {
  #flight: Flight | undefined;
  #failure: FailedFetch | undefined;
  #lastAskedAtMs: number;
  #flush: number;
  #restraint = new FetchRestraint();
  #absent = new AbsentKeyIds(COOLDOWN_MS);
  readonly #kept: KeptKeys;
  readonly #outage: Outage;

  constructor(private readonly options: CachedKeySetOptions) {
    this.#lastAskedAtMs = options.nowMs();
    this.#flush = options.orders.flush;
    this.#kept = new KeptKeys(options.orders.denied, () => options.voice.denied());
    this.#outage = new Outage(options.voice);
  }

  get lastAskedAtMs(): number {
    return this.#lastAskedAtMs;
  }

  get isFetching(): boolean {
    return this.#flight !== undefined;
  }

  /** undefined: there is none. */
  get fetchedAtMs(): number | undefined {
    return this.#kept.held?.fetchedAtMs;
  }

  /** As {@link KeptKeys.changedAtMs}. */
  get changedAtMs(): number | undefined {
    return this.#kept.changedAtMs;
  }

  /** Of the last fetch; undefined: it did not fail. */
  get failure(): FailedFetch | undefined {
    return this.#failure;
  }

  /** Characters of the document that the set was read from. */
  get documentLength(): number {
    return this.#kept.held?.documentLength ?? 0;
  }

  /**
   * Begins to fetch the set when there is none, or its time is nearly over, unless that failed lately.
   *
   * @param mayBegin asked only when it would
   * @returns whether it did
   */
  refresh(mayBegin: () => boolean = () => true): boolean {
    const now = this.#nowMs();
    const reason = this.#isUsable(now) ? 'due' : 'missing';
    const isWanted = this.#kept.held?.isDue(now) !== false && !this.isFetching && this.#restraint.mayFetch(reason, now);
    if (!isWanted || !mayBegin()) return false;
    void this.#fetch(reason);
    return true;
  }

  /** As {@link KeySets.current}. A promise only when nothing may be used that is there. */
  current(): KeySet | Promise<KeySet> {
    const now = this.#nowMs();
    this.#lastAskedAtMs = now;
    if (this.#isUsable(now)) {
      this.refresh();
      return this.#keysAt(now);
    }
    if (!this.isFetching && !this.#restraint.mayFetch('missing', now)) return this.#keysAt(now);
    return (this.#flight?.ended ?? this.#fetch('missing')).then(() => this.#keysAt(this.#nowMs()));
  }

  /**
   * As {@link KeySets.newerFor}. Whoever asks while a fetch is on its way waits for that one; it may have been answered
   * before the key was published, so when it has not brought the key, there is one more.
   */
  newerFor(keyId: string): Promise<KeySet> | undefined {
    const now = this.#nowMs();
    this.#lastAskedAtMs = now;
    if (this.#kept.isDenied(keyId) || this.#absent.has(keyId, now)) return undefined;
    const underWay = this.#flight?.ended.then(() =>
      this.#kept.hasKey(keyId) ? undefined : (this.#flight?.ended ?? this.#refetch()),
    );
    return (underWay ?? this.#refetch())?.then(() => {
      if (this.fetchedAtMs !== undefined && !this.#kept.hasKey(keyId)) this.#absent.add(keyId, this.fetchedAtMs);
      return this.#keysAt(this.#nowMs());
    });
  }

  /**
   * Takes effect before it returns, also for those who wait.
   *
   * @returns whether the set was emptied
   */
  obey({ flush, denied }: SetOrders): boolean {
    this.#kept.deny(denied);
    if (flush <= this.#flush) return false;
    this.#flush = flush;
    this.#empty();
    return true;
  }

  /** Who waits for what was asked for before the flush waits for what is asked for after it instead. */
  #empty(): void {
    this.#kept.empty();
    this.#failure = undefined;
    this.#restraint = new FetchRestraint();
    this.#absent = new AbsentKeyIds(COOLDOWN_MS);
    const outdated = this.#flight;
    this.#flight = undefined;
    if (outdated !== undefined) void this.#fetch('missing').then(outdated.end);
  }

  #refetch(): Promise<void> | undefined {
    return this.#restraint.mayFetch('unknown-key', this.#nowMs()) ? this.#fetch('unknown-key') : undefined;
  }

  /** No set that is held is from the future. */
  #nowMs(): number {
    const now = this.options.nowMs();
    this.#kept.held?.noLaterThan(now);
    return now;
  }

  #isServedStale(now: number): boolean {
    return this.#outage.isOn && this.#kept.held?.isWithinStaleLimit(this.options.staleLimitMs, now) === true;
  }

  #isUsable(now: number): boolean {
    return this.#kept.held?.isFresh(now) === true || this.#isServedStale(now);
  }

  /** What tokens are judged by now. */
  #keysAt(now: number): KeySet {
    const { held, allowed } = this.#kept;
    if (held === undefined || allowed === undefined) return NO_KEYS;
    if (held.isFresh(now)) return allowed;
    if (this.#isServedStale(now)) {
      this.options.voice.servedStale();
      this.#outage.reach('stale');
      return allowed;
    }
    this.#outage.reach('too-old');
    return NO_KEYS;
  }

  #fetch(reason: FetchWish['reason']): Promise<void> {
    let end: Flight['end'] = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const flight: Flight = { ended, end };
    this.#flight = flight;
    const wish: OwnWish = { reason, newerThanMs: this.fetchedAtMs, flush: this.#flush };
    void this.options.fetch(wish).then((outcome) => {
      const found = outcome.ok ? HeldKeySet.from(outcome, this.#kept.held) : outcome;
      if (outcome.isAskedByAnother !== true) this.#count(found, reason);
      // Emptied meanwhile: what was asked for before that is not taken.
      if (this.#flight !== flight) return;
      this.#flight = undefined;
      this.#conclude(found, reason);
      flight.end();
      this.options.onFetched();
    });
    return ended;
  }

  #count(found: HeldKeySet | FailedFetch, reason: FetchWish['reason']): void {
    const outcome = found instanceof HeldKeySet ? 'ok' : found.failure;
    if (outcome === 'ok' || isFailureOfFetch(outcome)) this.options.voice.fetched(outcome, reason);
  }

  /** What cannot be read never takes the place of what could. */
  #conclude(found: HeldKeySet | FailedFetch, reason: FetchWish['reason']): void {
    if (!(found instanceof HeldKeySet)) return this.#failed(found, reason);
    if (reason === 'unknown-key') this.#restraint.refetched(found.fetchedAtMs);
    this.#failure = undefined;
    this.#kept.hold(found);
    this.#outage.end();
  }

  #failed(fault: FailedFetch, reason: FetchWish['reason']): void {
    const { failure, lastGood, failedAtMs = this.#nowMs() } = fault;
    if (failure === 'closed') return;
    if (!isFailureOfFetch(failure)) return this.#restraint.heldBack(reason, failedAtMs);
    this.#restraint.failed(failedAtMs);
    this.#failure = fault;
    const older = lastGood && HeldKeySet.from(lastGood, this.#kept.held);
    if (older instanceof HeldKeySet && older.fetchedAtMs > (this.fetchedAtMs ?? -Infinity)) this.#kept.hold(older);
    this.#outage.begin(fault);
  }
}
