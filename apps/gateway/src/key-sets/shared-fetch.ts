import { ChannelUnavailable, type KeySetAttempt, type SharedKeySet } from '#libs/config-distribution';
import type { SharingOutcome } from '../metrics/key-set-sharing-metrics.ts';
import { attemptAfter, believedTime, type Standing, standingOf } from './attempt-standing.ts';
import { AttemptWait } from './attempt-wait.ts';
import {
  type DownloadedDocument,
  failed,
  type FailedFetch,
  type FetchedDocument,
  type FetchOutcome,
  type FetchWish,
  isFailureOfFetch,
  type KeySetSource,
} from './fetched-document.ts';
import type { SeenAttempt, ShelvedSet } from './shelved-set.ts';
import { isWithin } from './time-span.ts';

/** Longer documents of addresses from variables are not shared: whoever sets the variable shall not fill Redis. */
export const SHARED_LENGTH_FROM_VARIABLES = 64 * 1024;

/** Somebody who may write to Redis could put something else in the way each time. */
const ATTEMPTS_LOST_AT_MOST = 5;
const MS_PER_SECOND = 1_000;

export interface SharedFetchOptions {
  /** Of documents that can be read: others would stand in the way of everybody. */
  readonly source: KeySetSource;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** Milliseconds of a clock that nobody sets. */
  readonly steadyMs: () => number;
}

/** What came of a wish, and how. */
export interface SharedAnswer {
  readonly outcome: FetchOutcome;
  readonly how: SharingOutcome;
}

type Result = NonNullable<KeySetAttempt['result']>;

const UNDER_WAY: SharedAnswer = { outcome: failed('under-way'), how: 'under-way' };

/** One wish on its way between the shelf and the server. */
export class SharedFetch {
  private readonly wait: AttemptWait;
  /** Newer than what the wish had; fresh or not. */
  private newer: FetchedDocument | undefined;
  private attemptBesideNewer: { readonly sealed: string | undefined } | undefined;

  constructor(
    private readonly wish: FetchWish,
    private readonly set: ShelvedSet,
    private readonly options: SharedFetchOptions,
  ) {
    this.wait = new AttemptWait(options);
  }

  /**
   * @returns undefined when there is no getting through to the shelf: something else stands there each time
   * @throws ChannelUnavailable as long as the server was not asked
   */
  async answer(): Promise<SharedAnswer | undefined> {
    for (let lost = 0; lost < ATTEMPTS_LOST_AT_MOST && !this.wait.isOver;) {
      const seen = await this.set.attempt();
      const standing = this.standing(seen);
      if (standing === 'under-way' && this.wish.reason === 'due') return UNDER_WAY;
      const isOfUse = this.wish.reason !== 'unknown-key' || standing === 'too-soon';
      if (isOfUse) await this.lookForNewer(seen);
      if (isOfUse && this.isFresh(this.newer)) return { outcome: this.newer, how: this.hasWaited('taken') };
      if (standing === 'too-soon') return this.tooSoon(seen);
      if (standing === 'under-way') await this.wait.aLittle();
      else {
        const asked = await this.ask(seen);
        if (asked !== undefined) return asked;
        lost += 1;
      }
    }
    return undefined;
  }

  private standing({ sealed, content }: SeenAttempt): Standing {
    const standing = standingOf(content, this.wish, this.options.nowMs());
    return standing === 'under-way' && this.wait.isOverFor(sealed) ? 'free' : standing;
  }

  private isFresh(document: FetchedDocument | undefined): document is FetchedDocument {
    if (document === undefined) return false;
    return isWithin(document.fetchedAtMs, document.freshForSeconds * MS_PER_SECOND, this.options.nowMs());
  }

  /** Not again before another attempt stands there: a document may be long. */
  private async lookForNewer({ sealed }: SeenAttempt): Promise<void> {
    if (this.attemptBesideNewer !== undefined && this.attemptBesideNewer.sealed === sealed) return;
    this.attemptBesideNewer = { sealed };
    this.newer = this.ofUse(await this.set.document());
  }

  private ofUse(document: SharedKeySet | undefined): FetchedDocument | undefined {
    if (document === undefined || document.flush < this.wish.flush) return undefined;
    const fetchedAtMs = this.believed(document.fetchedAtMs);
    if (fetchedAtMs === undefined || fetchedAtMs <= (this.wish.newerThanMs ?? -1)) return undefined;
    return { ...document, ok: true, fetchedAtMs, isAskedByAnother: true };
  }

  private hasWaited(otherwise: SharingOutcome): SharingOutcome {
    return this.wait.hasWaited ? 'waited' : otherwise;
  }

  private tooSoon({ content }: SeenAttempt): SharedAnswer {
    const how = this.hasWaited('too-soon');
    const result = content?.result;
    if (result?.kind !== 'failed') return { outcome: failed('asked-lately'), how };
    // A gateway of a later version may fail in ways of its own.
    const failure = isFailureOfFetch(result.failure) ? result.failure : 'unreachable';
    const fault = failed(failure, result.detail);
    const failedAtMs = this.believed(result.atMs);
    return { outcome: { ...fault, failedAtMs, lastGood: this.newer, isAskedByAnother: true }, how };
  }

  private believed(ms: number): number | undefined {
    return believedTime(ms, this.options.nowMs());
  }

  /** undefined: somebody else was faster. */
  private async ask(seen: SeenAttempt): Promise<SharedAnswer | undefined> {
    const began = attemptAfter(seen.content, this.wish, this.options.nowMs());
    const sealed = this.set.sealed(began);
    const begun = await this.begin(seen, sealed);
    if (begun === 'lost') return undefined;
    const { address, redirectsTo } = this.wish;
    const outcome = await this.options.source.fetch(address, redirectsTo);
    // Nobody here waits for the others to know.
    void this.tell(began, sealed, outcome);
    const how = begun === 'unknown' ? 'alone' : 'fetched';
    if (!outcome.ok) return { outcome: { ...outcome, lastGood: this.newer }, how };
    const fetchedAtMs = Math.min(began.beganAtMs, this.options.nowMs());
    return { outcome: { ...outcome, fetchedAtMs, flush: began.flush }, how };
  }

  /** Redis that fails now may have done it or not: the server is asked all the same, and the end of it told. */
  private async begin({ sealed: expected }: SeenAttempt, sealed: string): Promise<'begun' | 'lost' | 'unknown'> {
    try {
      return (await this.set.replace(expected, sealed)) ? 'begun' : 'lost';
    } catch (error) {
      if (error instanceof ChannelUnavailable) return 'unknown';
      throw error;
    }
  }

  /** Not where another attempt has taken the place: this one took too long, or is from before a flush. */
  private async tell(began: KeySetAttempt, sealed: string, outcome: DownloadedDocument | FailedFetch): Promise<void> {
    const result = this.resultOf(outcome);
    try {
      await this.set.replace(sealed, this.set.sealed({ ...began, result }), this.documentOf(began, outcome, result));
    } catch (error) {
      if (!(error instanceof ChannelUnavailable)) throw error;
    }
  }

  private documentOf(
    { beganAtMs: fetchedAtMs, flush }: KeySetAttempt,
    outcome: DownloadedDocument | FailedFetch,
    { kind }: Result,
  ): SharedKeySet | undefined {
    if (!outcome.ok || kind !== 'document') return undefined;
    const { text, freshForSeconds } = outcome;
    return { text, freshForSeconds, fetchedAtMs, flush };
  }

  private resultOf(outcome: DownloadedDocument | FailedFetch): Result {
    if (outcome.ok) {
      const isShared = this.wish.redirectsTo === 'any-host' || outcome.text.length <= SHARED_LENGTH_FROM_VARIABLES;
      return { kind: isShared ? 'document' : 'nothing' };
    }
    if (outcome.failure === 'closed') return { kind: 'nothing' };
    const { failure, detail } = outcome;
    return { kind: 'failed', failure, detail, atMs: this.options.nowMs() };
  }
}
