import { type SignatureCheck } from '../signature-check.ts';

/** How long a bad signature is remembered. So short that no verdict outlives what made it by as much as anybody notices. */
const REMEMBERED_SECONDS = 1;
const MOST_REMEMBERED = 1_024;

/**
 * Tokens whose signature was bad a moment ago, of all verifiers: who repeats one keeps no core busy with it. Apart from the good
 * ones, which nobody can push out with bad ones.
 */
export class BadSignatures {
  #byOwner = new WeakMap<object, Map<string, SignatureCheck>>();
  #count = 0;
  #sinceSeconds = -Infinity;

  /** Whether this check, of this key, refused the token less than a second ago. */
  has(owner: object, digest: string, refusedBy: SignatureCheck, nowSeconds: number): boolean {
    return this.#isLive(nowSeconds) && this.#byOwner.get(owner)?.get(digest) === refusedBy;
  }

  add(owner: object, digest: string, refusedBy: SignatureCheck, nowSeconds: number): void {
    if (this.#count >= MOST_REMEMBERED || !this.#isLive(nowSeconds)) this.#beginAt(nowSeconds);
    const known = this.#byOwner.get(owner);
    if (known === undefined) this.#byOwner.set(owner, new Map([[digest, refusedBy]]));
    else known.set(digest, refusedBy);
    this.#count += 1;
  }

  /** Written so that a clock that is no number, or was set back, makes nothing live. */
  #isLive(nowSeconds: number): boolean {
    return nowSeconds >= this.#sinceSeconds && nowSeconds < this.#sinceSeconds + REMEMBERED_SECONDS;
  }

  #beginAt(nowSeconds: number): void {
    this.#byOwner = new WeakMap();
    this.#count = 0;
    this.#sinceSeconds = nowSeconds;
  }
}
