import type { LoadBalanceAlgorithm } from '#libs/policy-contracts';

/** Whose turn it is among the addresses of one proxy, by their places. Not asked when there is none. */
export interface Turns {
  /** For a new request. */
  next(): number;
  /** For another attempt of a request whose last one went to `failed`. */
  after(failed: number): number;
}

/**
 * Smooth weighted round robin: each turn every address gains its weight, the richest is chosen and pays the sum, so that
 * a heavy address does not get its turns in a row.
 */
class SmoothWeighted implements Turns {
  readonly #credits: number[];
  readonly #total: number;

  constructor(private readonly weights: readonly number[]) {
    this.#credits = weights.map(() => 0);
    this.#total = weights.reduce((sum, weight) => sum + weight, 0);
  }

  next(): number {
    let chosen = 0;
    for (const [index, weight] of this.weights.entries()) {
      this.#credits[index] = (this.#credits[index] ?? 0) + weight;
      if ((this.#credits[index] ?? 0) > (this.#credits[chosen] ?? 0)) chosen = index;
    }
    this.#credits[chosen] = (this.#credits[chosen] ?? 0) - this.#total;
    return chosen;
  }

  after(failed: number): number {
    return (failed + 1) % this.weights.length;
  }
}

/** The address whose last turn, a further attempt included, is longest ago. */
class LeastRecentlyUsed implements Turns {
  /** Places in the order of their last turns. */
  readonly #order: number[];

  constructor(count: number) {
    this.#order = Array.from({ length: count }, (_, index) => index);
  }

  next(): number {
    return this.#take(0);
  }

  /** Never the one that has just failed: while others are served, it may have become the oldest again. */
  after(failed: number): number {
    const isOldest = this.#order[0] === failed;
    return this.#take(isOldest && this.#order.length > 1 ? 1 : 0);
  }

  #take(at: number): number {
    const [taken = 0] = this.#order.splice(at, 1);
    this.#order.push(taken);
    return taken;
  }
}

class WeightedRandom implements Turns {
  readonly #total: number;

  constructor(
    private readonly weights: readonly number[],
    private readonly random: () => number,
  ) {
    this.#total = weights.reduce((sum, weight) => sum + weight, 0);
  }

  next(): number {
    let left = this.random() * this.#total;
    const found = this.weights.findIndex((weight) => (left -= weight) < 0);
    // The sum of fractions may miss its end by a hair.
    return found === -1 ? this.weights.length - 1 : found;
  }

  after(failed: number): number {
    return (failed + 1) % this.weights.length;
  }
}

/** The first as long as it can be reached. */
class PickFirst implements Turns {
  constructor(private readonly count: number) {}

  next(): number {
    return 0;
  }

  after(failed: number): number {
    return (failed + 1) % this.count;
  }
}

/** @param random from 0 up to, but not including, 1 */
export function turnsOf(algorithm: LoadBalanceAlgorithm, weights: readonly number[], random: () => number): Turns {
  switch (algorithm) {
    case 'ROUND_ROBIN':
    case 'WEIGHTED':
      return new SmoothWeighted(weights);
    case 'LRU':
      return new LeastRecentlyUsed(weights.length);
    case 'RANDOM':
      return new WeightedRandom(weights, random);
    case 'PICK_FIRST':
      return new PickFirst(weights.length);
  }
}
