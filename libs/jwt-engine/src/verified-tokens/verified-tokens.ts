import { hash } from 'node:crypto';
import { type SignatureCheck } from '../signature-check.ts';
import { BadSignatures } from './bad-signatures.ts';
import { SeenOnce } from './seen-once.ts';
import { type VerifiedToken } from './verified-token.ts';

export interface VerifiedTokenLimits {
  /** Half of them are young, half old; so 1 counts as 2. */
  readonly entries: number;
  /** An estimate, rather too high than too low: {@link VerifiedToken.bytes}. */
  readonly bytes: number;
}

/** What became of tokens since the start, and what is kept now. */
export interface VerifiedTokenCounts {
  /** Tokens whose signature needed no checking. */
  readonly hits: number;
  /** Tokens whose signature was checked. */
  readonly misses: number;
  /** Tokens refused because their signature was bad less than a second before. */
  readonly repeatedRefusals: number;
  /** Good tokens forgotten, because others came or nobody showed them any more. */
  readonly evictions: number;
  /** Those of verifiers that are gone count until their generation ends, although their memory is free. */
  readonly entries: number;
  readonly bytes: number;
}

/** Who is not shown for as long is forgotten with the generation, whether or not there is room. */
const GENERATION_SECONDS = 300;

/** Tokens by the SHA-256 of their text, by verifier: a verifier that is gone takes its tokens with it. */
class Generation {
  readonly byOwner = new WeakMap<object, Map<string, VerifiedToken>>();
  entries = 0;
  bytes = 0;

  add(owner: object, digest: string, token: VerifiedToken): void {
    const known = this.byOwner.get(owner);
    if (known === undefined) this.byOwner.set(owner, new Map([[digest, token]]));
    else {
      this.remove(owner, digest);
      known.set(digest, token);
    }
    this.entries += 1;
    this.bytes += token.bytes;
  }

  remove(owner: object, digest: string): void {
    const tokens = this.byOwner.get(owner);
    const token = tokens?.get(digest);
    if (tokens === undefined || token === undefined) return;
    tokens.delete(digest);
    this.entries -= 1;
    this.bytes -= token.bytes;
  }
}

/**
 * Good tokens of all verifiers of a process, within one bound. Times, revocation and whatever else is not in
 * {@link VerifiedToken} are judged at every request; the key is selected at every request too.
 *
 * Two generations: what is shown again while it is old becomes young, and when the young ones fill their half the old ones
 * are forgotten all at once. So nothing is sorted, and tokens that come once push out none that come again and again.
 *
 * While there is not room for all, a new token is kept when it comes for the second time: what comes once and is kept costs
 * the garbage collector more than the rest of its way through here.
 */
export class VerifiedTokens {
  #young = new Generation();
  #old = new Generation();
  #youngSinceSeconds = NaN;
  readonly #bad = new BadSignatures();
  readonly #seen: SeenOnce;
  /** The last generation ended because it was full. */
  #isCrowded = false;
  readonly #entriesOfHalf: number;
  readonly #bytesOfHalf: number;
  #hits = 0;
  #misses = 0;
  #repeatedRefusals = 0;
  #evictions = 0;

  /** @throws RangeError when a limit is not positive */
  constructor({ entries, bytes }: VerifiedTokenLimits) {
    if (!(entries > 0 && bytes > 0)) throw new RangeError('limits of verified tokens must be positive');
    this.#entriesOfHalf = Math.max(1, Math.floor(entries / 2));
    this.#bytesOfHalf = Math.floor(bytes / 2);
    this.#seen = new SeenOnce(entries);
  }

  get counts(): VerifiedTokenCounts {
    return {
      hits: this.#hits,
      misses: this.#misses,
      repeatedRefusals: this.#repeatedRefusals,
      evictions: this.#evictions,
      entries: this.#young.entries + this.#old.entries,
      bytes: this.#young.bytes + this.#old.bytes,
    };
  }

  /** Under which a token is kept; never the token itself. Not of secrets that must be compared: nothing is. */
  digestOf(token: string): string {
    return hash('sha256', token, 'binary');
  }

  find(owner: object, digest: string, nowSeconds: number): VerifiedToken | undefined {
    if (this.#isOver(nowSeconds)) this.#begin(nowSeconds, false);
    const young = this.#young.byOwner.get(owner)?.get(digest);
    if (young !== undefined) return young;
    const old = this.#old.byOwner.get(owner)?.get(digest);
    if (old !== undefined && nowSeconds < old.usefulUntilSeconds) {
      this.#old.remove(owner, digest);
      this.add(owner, digest, old, nowSeconds);
    }
    return old;
  }

  countHit(): void {
    this.#hits += 1;
  }

  /** Whether the signature need not be checked because this check refused it a moment ago. Counts what it answers. */
  isKnownBad(owner: object, digest: string, check: SignatureCheck, nowSeconds: number): boolean {
    const isBad = this.#bad.has(owner, digest, check, nowSeconds);
    if (isBad) this.#repeatedRefusals += 1;
    else this.#misses += 1;
    return isBad;
  }

  addBad(owner: object, digest: string, check: SignatureCheck, nowSeconds: number): void {
    this.#bad.add(owner, digest, check, nowSeconds);
  }

  /** Whether there is a place for a token that is not kept yet; asked once each time that one was verified. */
  admits(digest: string): boolean {
    return !this.#isCrowded || this.#seen.cameBefore(digest);
  }

  /** Keeps a good token unless it is expired, or so large that few such would push out all others. */
  add(owner: object, digest: string, token: VerifiedToken, nowSeconds: number): void {
    if (token.bytes * 8 > this.#bytesOfHalf || !(nowSeconds < token.usefulUntilSeconds)) return;
    this.#makeRoom(token.bytes, nowSeconds);
    this.#young.add(owner, digest, token);
  }

  #makeRoom(bytes: number, nowSeconds: number): void {
    const { entries, bytes: kept } = this.#young;
    if (entries >= this.#entriesOfHalf || kept + bytes > this.#bytesOfHalf) this.#begin(nowSeconds, true);
  }

  /** A clock that was set back is no reason to keep anything longer; before the first token there is no time at all. */
  #isOver(nowSeconds: number): boolean {
    return !(Math.abs(nowSeconds - this.#youngSinceSeconds) < GENERATION_SECONDS);
  }

  #begin(nowSeconds: number, isCrowded: boolean): void {
    this.#isCrowded = isCrowded;
    this.#evictions += this.#old.entries;
    this.#old = this.#young;
    this.#young = new Generation();
    this.#youngSinceSeconds = nowSeconds;
  }
}
