import type { CachedKeySet } from './cached-key-set.ts';
import { isWithin } from './time-span.ts';

export const VARIABLE_LIMITS = {
  /** Beyond it those that nothing came for go, then the one asked for longest ago. */
  sets: 1_000,
  /** Characters of the documents that these were read from, all together. */
  length: 32 * 1024 * 1024,
  /** How often sets that nobody asks for are looked for. */
  sweepEveryMs: 60_000,
} as const;

export interface VariableKeySetsOptions {
  /** What nobody has asked for so long could not be served any more. */
  readonly forgetAfterMs: number;
  readonly nowMs: () => number;
}

/** Sets that nothing came for go first: addresses that strangers made up push out none that is of use. */
function goesBefore(one: CachedKeySet, other: CachedKeySet): boolean {
  const [isEmpty, isOtherEmpty] = [one.fetchedAtMs === undefined, other.fetchedAtMs === undefined];
  return isEmpty === isOtherEmpty ? one.lastAskedAtMs < other.lastAskedAtMs : isEmpty;
}

/** Key sets whose addresses stood in variables, by address: a bounded number, in bounded memory. */
export class VariableKeySets {
  readonly #sets = new Map<string, CachedKeySet>();
  #sweptAtMs: number | undefined;

  constructor(private readonly options: VariableKeySetsOptions) {}

  get size(): number {
    return this.#sets.size;
  }

  get(address: string): CachedKeySet | undefined {
    return this.#sets.get(address);
  }

  entries(): Iterable<[address: string, set: CachedKeySet]> {
    return this.#sets.entries();
  }

  /** Whether there is a place for one more, be it that another goes for it. Not when each of them is being fetched. */
  makePlace(): boolean {
    this.sweep();
    return this.#sets.size < VARIABLE_LIMITS.sets || this.#pushOut() !== undefined;
  }

  set(address: string, set: CachedKeySet): void {
    this.#sets.set(address, set);
  }

  delete(address: string): void {
    this.#sets.delete(address);
  }

  /** For a document of so many characters. */
  makeRoomFor(length: number): void {
    let left = VARIABLE_LIMITS.length - length;
    for (const { documentLength } of this.#sets.values()) left -= documentLength;
    while (left < 0) {
      const gone = this.#pushOut();
      if (gone === undefined) return;
      left += gone.documentLength;
    }
  }

  /** Forgets what nobody asks for any more; looks for it once in a while. */
  sweep(): void {
    const { forgetAfterMs, nowMs } = this.options;
    const now = nowMs();
    if (isWithin(this.#sweptAtMs, VARIABLE_LIMITS.sweepEveryMs, now)) return;
    this.#sweptAtMs = now;
    for (const [address, { isFetching, lastAskedAtMs }] of this.#sets) {
      if (!isFetching && now - lastAskedAtMs >= forgetAfterMs) this.#sets.delete(address);
    }
  }

  /** Not one that is being fetched: it would be fetched twice at once when somebody asks for it again. */
  #pushOut(): CachedKeySet | undefined {
    let first: [address: string, set: CachedKeySet] | undefined;
    for (const entry of this.#sets) {
      if (!entry[1].isFetching && (first === undefined || goesBefore(entry[1], first[1]))) first = entry;
    }
    if (first !== undefined) this.#sets.delete(first[0]);
    return first?.[1];
  }
}
