import { isWithin } from './time-span.ts';

const LIMITS = {
  count: 100,
  /** Longer ones are not kept: tokens of strangers must not fill the memory. */
  length: 256,
} as const;

/** Key ids that a set has not, each by the fetch that showed it. Forgets the one told first when there are too many. */
export class AbsentKeyIds {
  /** When each set was asked for that had it not, in the order they were told. */
  readonly #fetchedAtMs = new Map<string, number>();

  constructor(private readonly rememberMs: number) {}

  add(keyId: string, fetchedAtMs: number): void {
    if (keyId.length > LIMITS.length) return;
    this.#fetchedAtMs.delete(keyId);
    this.#fetchedAtMs.set(keyId, fetchedAtMs);
    if (this.#fetchedAtMs.size <= LIMITS.count) return;
    const [oldest = keyId] = this.#fetchedAtMs.keys();
    this.#fetchedAtMs.delete(oldest);
  }

  has(keyId: string, nowMs: number): boolean {
    return isWithin(this.#fetchedAtMs.get(keyId), this.rememberMs, nowMs);
  }
}
