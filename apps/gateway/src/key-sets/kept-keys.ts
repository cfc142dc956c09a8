import type { KeySelector } from '#libs/jwt-engine';
import type { HeldKeySet } from './held-key-set.ts';
import { withoutDenied, type SetOrders } from './obeyed-orders.ts';

/** The keys of one set as tokens are judged by them, and when they were last others. */
export class KeptKeys {
  #held: HeldKeySet | undefined;
  #allowed: KeySelector<unknown> | undefined;
  #keyIdsDigest: string | undefined;
  #changedAtMs: number | undefined;

  constructor(
    private denied: SetOrders['denied'],
    private readonly onDenied: () => void,
  ) {}

  /** What the keys were read from; undefined: there is nothing. */
  get held(): HeldKeySet | undefined {
    return this.#held;
  }

  /** Those that are not denied. */
  get allowed(): KeySelector<unknown> | undefined {
    return this.#allowed;
  }

  /** When the set was asked for whose keys had other ids than the one before it. undefined: no such was seen. */
  get changedAtMs(): number | undefined {
    return this.#changedAtMs;
  }

  hasKey(keyId: string): boolean {
    return this.#held?.hasKey(keyId) ?? false;
  }

  isDenied(keyId: string): boolean {
    return this.denied.has(keyId);
  }

  hold(held: HeldKeySet): void {
    const isOther = this.#keyIdsDigest !== undefined && this.#keyIdsDigest !== held.keyIdsDigest;
    if (isOther) this.#changedAtMs = held.fetchedAtMs;
    this.#keyIdsDigest = held.keyIdsDigest;
    this.#held = held;
    this.#allowed = withoutDenied(held.keys, this.denied, this.onDenied);
  }

  /** These and no others. */
  deny(denied: SetOrders['denied']): void {
    this.denied = denied;
    if (this.#held !== undefined) this.#allowed = withoutDenied(this.#held.keys, denied, this.onDenied);
  }

  /** What ids the keys had is remembered: that they are fetched again makes no others of them. */
  empty(): void {
    this.#held = undefined;
    this.#allowed = undefined;
  }
}
