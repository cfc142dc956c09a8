import { isWithin } from './time-span.ts';

const LIMITS = {
  count: 100,
  /** Longer ones are not kept: tokens of strangers must not fill the memory. */
  length: 256,
} as const;

/** Key ids that newer sets were fetched for lately: what these have not is absent. Forgets the oldest when there are too many. */
export class AbsentKeyIds {
  /** When each was looked for, oldest first. */
  readonly #lookedForAtMs = new Map<string, number>();

  constructor(private readonly rememberMs: number) {}

  add(keyId: string, nowMs: number): void {
    if (keyId.length > LIMITS.length) return;
    this.#lookedForAtMs.delete(keyId);
    this.#lookedForAtMs.set(keyId, nowMs);
    if (this.#lookedForAtMs.size <= LIMITS.count) return;
    const [oldest = keyId] = this.#lookedForAtMs.keys();
    this.#lookedForAtMs.delete(oldest);
  }

  has(keyId: string, nowMs: number): boolean {
    return isWithin(this.#lookedForAtMs.get(keyId), this.rememberMs, nowMs);
  }
}
