import { createHash } from 'node:crypto';
import { readJwks, type KeySelector, type ReadJwks } from '#libs/jwt-engine';
import { failed, type FailedFetch, type FetchedDocument } from './fetched-document.ts';
import { isWithin } from './time-span.ts';

/** From this part of its freshness on, a set is fetched again in the background. */
export const REFRESH_FROM = 0.8;

const MS_PER_SECOND = 1_000;

/** The ids of a set's keys in few bytes, in whatever order they come. */
const digestOf = (keyIds: readonly string[]): string =>
  createHash('sha256')
    .update(JSON.stringify([...keyIds].sort()))
    .digest('base64url');

/** What one document said. */
export class HeldKeySet {
  readonly documentLength: number;
  /** Equal for sets whose keys have the same ids. */
  readonly keyIdsDigest: string;
  readonly #freshMs: number;
  #fetchedAtMs: number;
  #isOfUnknownAge = false;

  private constructor(
    private readonly read: ReadJwks,
    { text, fetchedAtMs, freshForSeconds }: FetchedDocument,
  ) {
    this.documentLength = text.length;
    this.#fetchedAtMs = fetchedAtMs;
    this.keyIdsDigest = digestOf(read.keyIds);
    this.#freshMs = freshForSeconds * MS_PER_SECOND;
  }

  /** @param earlier its keys that are still the same stay the objects they are, so that what they signed stays remembered */
  static from(document: FetchedDocument, earlier?: HeldKeySet): HeldKeySet | FailedFetch {
    const read = readJwks(document.text, earlier?.read);
    return 'select' in read ? new HeldKeySet(read, document) : failed('not-a-key-set');
  }

  get keys(): KeySelector<unknown> {
    return this.read.select;
  }

  get fetchedAtMs(): number {
    return this.#fetchedAtMs;
  }

  /** A clock that was set back: what it says to be from the future counts as fetched now, and is due. */
  noLaterThan(nowMs: number): void {
    if (this.#fetchedAtMs <= nowMs) return;
    this.#fetchedAtMs = nowMs;
    this.#isOfUnknownAge = true;
  }

  isFresh(nowMs: number): boolean {
    return isWithin(this.fetchedAtMs, this.#freshMs, nowMs);
  }

  /** In the last part of its freshness, or past it. */
  isDue(nowMs: number): boolean {
    return this.#isOfUnknownAge || !isWithin(this.fetchedAtMs, this.#freshMs * REFRESH_FROM, nowMs);
  }

  /** Whether it may serve while its host fails. */
  isWithinStaleLimit(staleLimitMs: number, nowMs: number): boolean {
    return isWithin(this.fetchedAtMs, staleLimitMs, nowMs);
  }

  /** Of whatever type: a set without the kid says so whichever algorithm is asked for. */
  hasKey(kid: string): boolean {
    const key = this.keys({ kid }, 'RS256', undefined);
    return !('ok' in key && key.code === 'NoMatchingPublicKey');
  }
}
