import { jwksSelectorFrom, type KeySelector, refusal } from '#libs/jwt-engine';
import type { KeySet } from '#libs/policy-runtime';
import { AbsentKeyIds } from './absent-key-ids.ts';
import { failed, type FailedFetch, type FetchedDocument, type FetchOutcome } from './fetched-document.ts';
import type { KeySetVoice } from './key-set-journal.ts';
import { isWithin } from './time-span.ts';

/** After a fetch that failed, and after one for an unknown kid, the next one waits this long (verify-jwt.md, decisions). */
export const COOLDOWN_MS = 30_000;
/** From this part of its freshness on, a set that is asked for is fetched again in the background. */
export const REFRESH_FROM = 0.8;

export interface CachedKeySetOptions {
  /** As {@link KeySetDocuments.fetch}: never rejects. */
  readonly fetch: () => Promise<FetchOutcome>;
  readonly voice: KeySetVoice;
  /** Since it was fetched, for as long as its host fails. */
  readonly staleLimitMs: number;
  readonly nowMs: () => number;
}

interface HeldSet {
  readonly keys: KeySelector<unknown>;
  readonly documentLength: number;
  readonly fetchedAtMs: number;
  readonly freshMs: number;
}

/** What is said about an outage, once each. */
type OutageStage = 'failing' | 'stale' | 'too-old';

const MS_PER_SECOND = 1_000;
const NO_KEYS = refusal('InvalidKeyConfiguration');

/**
 * The key set of one address. Has no timer: whoever asks drives it, by the clock it was given. There is never more than
 * one fetch, which everybody who must wait shares.
 */
export class CachedKeySet {
  #held: HeldSet | undefined;
  #flight: Promise<void> | undefined;
  /** The last fetch failed. */
  #outage: OutageStage | undefined;
  /** End of the last fetch that failed and that a request had asked for: within the cooldown there is no other. */
  #failedAtMs: number | undefined;
  #refetchedAtMs: number | undefined;
  #lastAskedAtMs: number;
  readonly #absent = new AbsentKeyIds(COOLDOWN_MS);

  constructor(private readonly options: CachedKeySetOptions) {
    this.#lastAskedAtMs = options.nowMs();
  }

  get lastAskedAtMs(): number {
    return this.#lastAskedAtMs;
  }

  get isFetching(): boolean {
    return this.#flight !== undefined;
  }

  /** undefined: there is none. */
  get fetchedAtMs(): number | undefined {
    return this.#held?.fetchedAtMs;
  }

  /** Characters of the document that the set was read from. */
  get documentLength(): number {
    return this.#held?.documentLength ?? 0;
  }

  /**
   * Fetches the set unless it is fresh. When that fails, the first request may still try at once: nobody was refused yet
   * for want of it.
   */
  prefetch(): void {
    const now = this.options.nowMs();
    this.#lastAskedAtMs = now;
    if (!this.#isFresh(now) && this.#mayFetch(now)) void this.#fetch({ isAskedFor: false });
  }

  /** As {@link KeySets.current}. A promise only when nothing may be used that is there. */
  current(): KeySet | Promise<KeySet> {
    const now = this.options.nowMs();
    this.#lastAskedAtMs = now;
    if (this.#isFresh(now)) {
      if (this.#isDue(now) && this.#mayFetch(now)) void this.#fetch();
      return this.#usable(now);
    }
    if (this.#isServedStale(now)) {
      if (this.#mayFetch(now)) void this.#fetch();
      return this.#usable(now);
    }
    if (this.#flight === undefined && !this.#mayFetch(now)) return this.#usable(now);
    return (this.#flight ?? this.#fetch()).then(() => this.#usable(this.options.nowMs()));
  }

  /**
   * As {@link KeySets.newerFor}. Whoever asks while a fetch is on its way waits for that one; it may have been answered
   * before the key was published, so when it has not brought the key, there is one more.
   */
  newerFor(keyId: string): Promise<KeySet> | undefined {
    const now = this.options.nowMs();
    this.#lastAskedAtMs = now;
    if (this.#absent.has(keyId, now)) return undefined;
    const underWay = this.#flight?.then(() => (this.#hasKey(keyId) ? undefined : (this.#flight ?? this.#refetch())));
    return (underWay ?? this.#refetch())?.then(() => {
      const then = this.options.nowMs();
      this.#absent.add(keyId, then);
      return this.#usable(then);
    });
  }

  /** Of whatever type: a set without the kid says so whichever algorithm is asked for. */
  #hasKey(kid: string): boolean {
    const key = this.#held?.keys({ kid }, 'RS256', undefined);
    return key !== undefined && !('ok' in key && key.code === 'NoMatchingPublicKey');
  }

  #refetch(): Promise<void> | undefined {
    const now = this.options.nowMs();
    if (!this.#mayFetch(now) || isWithin(this.#refetchedAtMs, COOLDOWN_MS, now)) return undefined;
    this.#refetchedAtMs = now;
    this.options.voice.refetched();
    return this.#fetch();
  }

  #isFresh(now: number): boolean {
    return this.#held !== undefined && isWithin(this.#held.fetchedAtMs, this.#held.freshMs, now);
  }

  #isDue(now: number): boolean {
    return this.#held !== undefined && !isWithin(this.#held.fetchedAtMs, this.#held.freshMs * REFRESH_FROM, now);
  }

  #isServedStale(now: number): boolean {
    return this.#outage !== undefined && isWithin(this.#held?.fetchedAtMs, this.options.staleLimitMs, now);
  }

  #mayFetch(now: number): boolean {
    return this.#flight === undefined && !isWithin(this.#failedAtMs, COOLDOWN_MS, now);
  }

  /** What tokens are judged by now. */
  #usable(now: number): KeySet {
    if (this.#held === undefined) return NO_KEYS;
    if (this.#isFresh(now)) return this.#held.keys;
    if (this.#isServedStale(now)) {
      this.options.voice.servedStale();
      this.#reach('stale');
      return this.#held.keys;
    }
    this.#reach('too-old');
    return NO_KEYS;
  }

  #reach(stage: 'stale' | 'too-old'): void {
    if (this.#outage === undefined || this.#outage === stage || this.#outage === 'too-old') return;
    this.#outage = stage;
    if (stage === 'stale') this.options.voice.stale();
    else this.options.voice.tooOld();
  }

  #fetch({ isAskedFor = true } = {}): Promise<void> {
    const { fetch, nowMs } = this.options;
    const startedAtMs = nowMs();
    this.#flight = fetch().then((outcome) => {
      this.#flight = undefined;
      const fault = outcome.ok ? this.#take(outcome, startedAtMs) : outcome;
      if (fault === undefined) this.#succeeded();
      else this.#failed(fault, isAskedFor);
    });
    return this.#flight;
  }

  /** What cannot be read never takes the place of what could. */
  #take(document: FetchedDocument, fetchedAtMs: number): FailedFetch | undefined {
    const keys = jwksSelectorFrom(document.text);
    if (typeof keys !== 'function') return failed('not-a-key-set');
    const { text, freshForSeconds } = document;
    this.#held = { keys, documentLength: text.length, fetchedAtMs, freshMs: freshForSeconds * MS_PER_SECOND };
    return undefined;
  }

  #succeeded(): void {
    const { voice } = this.options;
    voice.fetched('ok');
    if (this.#outage !== undefined) voice.recovered();
    this.#outage = undefined;
  }

  #failed(fault: FailedFetch, isAskedFor: boolean): void {
    if (fault.failure === 'closed') return;
    const { voice, nowMs } = this.options;
    voice.fetched(fault.failure);
    if (isAskedFor) this.#failedAtMs = nowMs();
    if (this.#outage !== undefined) return;
    this.#outage = 'failing';
    voice.failing(fault);
  }
}
