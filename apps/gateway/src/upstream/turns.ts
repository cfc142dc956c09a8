import type { LoadBalanceAlgorithm } from '#libs/policy-contracts';

/** Whether the address at a place may take a turn. At least one may. */
export type IsOpen = (place: number) => boolean;

/** Whose turn it is among the addresses of one proxy, by their places. Not asked when there is none. */
export interface Turns {
  /** For a new request. */
  next(isOpen: IsOpen): number;
  /** For another attempt of a request whose last one went to `failed`: that one only when no other is open. */
  after(failed: number, isOpen: IsOpen): number;
}

/** The next open place after one; itself when there is no other. */
function openAfter(failed: number, count: number, isOpen: IsOpen): number {
  for (let step = 1; step < count; step += 1) {
    const place = (failed + step) % count;
    if (isOpen(place)) return place;
  }
  return failed;
}

/**
 * Smooth weighted round robin: each turn every open address gains its weight, the richest is chosen and pays the sum, so
 * that a heavy address does not get its turns in a row.
 */
class SmoothWeighted implements Turns {
  readonly #credits: number[];

  constructor(private readonly weights: readonly number[]) {
    this.#credits = weights.map(() => 0);
  }

  next(isOpen: IsOpen): number {
    let chosen = 0;
    let total = 0;
    let most = -Infinity;
    for (let place = 0; place < this.weights.length; place += 1) {
      if (!isOpen(place)) continue;
      const weight = this.weights[place] ?? 0;
      const credit = (this.#credits[place] ?? 0) + weight;
      this.#credits[place] = credit;
      total += weight;
      if (credit <= most) continue;
      most = credit;
      chosen = place;
    }
    this.#credits[chosen] = most - total;
    return chosen;
  }

  after(failed: number, isOpen: IsOpen): number {
    return openAfter(failed, this.weights.length, isOpen);
  }
}

/** The address whose last turn, a further attempt included, is longest ago. */
class LeastRecentlyUsed implements Turns {
  /** Places in the order of their last turns. */
  readonly #order: number[];

  constructor(count: number) {
    this.#order = Array.from({ length: count }, (_, index) => index);
  }

  next(isOpen: IsOpen): number {
    return this.#take(this.#order.findIndex((place) => isOpen(place)));
  }

  /** Never the one that has just failed: while others are served, it may have become the oldest again. */
  after(failed: number, isOpen: IsOpen): number {
    const other = this.#order.findIndex((place) => place !== failed && isOpen(place));
    return this.#take(other === -1 ? this.#order.indexOf(failed) : other);
  }

  #take(at: number): number {
    const [taken = 0] = this.#order.splice(at, 1);
    this.#order.push(taken);
    return taken;
  }
}

class WeightedRandom implements Turns {
  constructor(
    private readonly weights: readonly number[],
    private readonly random: () => number,
  ) {}

  next(isOpen: IsOpen): number {
    let total = 0;
    for (let place = 0; place < this.weights.length; place += 1) if (isOpen(place)) total += this.weights[place] ?? 0;
    let left = this.random() * total;
    let last = 0;
    for (let place = 0; place < this.weights.length; place += 1) {
      if (!isOpen(place)) continue;
      left -= this.weights[place] ?? 0;
      if (left < 0) return place;
      last = place;
    }
    // The sum of fractions may miss its end by a hair.
    return last;
  }

  after(failed: number, isOpen: IsOpen): number {
    return openAfter(failed, this.weights.length, isOpen);
  }
}

/** The first as long as it is open and can be reached. */
class PickFirst implements Turns {
  constructor(private readonly count: number) {}

  next(isOpen: IsOpen): number {
    return isOpen(0) ? 0 : openAfter(0, this.count, isOpen);
  }

  after(failed: number, isOpen: IsOpen): number {
    return openAfter(failed, this.count, isOpen);
  }
}

/** The address with the fewest requests in flight for its weight; between equals, turns by weight. */
class LeastConnections implements Turns {
  readonly #ties: SmoothWeighted;
  // Not made for each request: the open places, the least load among them, and where it is found.
  #isOpen: IsOpen = () => true;
  #least = 0;
  readonly #isLeast: IsOpen = (place) => this.#isOpen(place) && this.#loadAt(place) === this.#least;

  constructor(
    private readonly weights: readonly number[],
    private readonly inFlightAt: (place: number) => number,
  ) {
    this.#ties = new SmoothWeighted(weights);
  }

  next(isOpen: IsOpen): number {
    this.#isOpen = isOpen;
    this.#least = Infinity;
    for (let place = 0; place < this.weights.length; place += 1) {
      if (isOpen(place)) this.#least = Math.min(this.#least, this.#loadAt(place));
    }
    return this.#ties.next(this.#isLeast);
  }

  after(failed: number, isOpen: IsOpen): number {
    if (openAfter(failed, this.weights.length, isOpen) === failed) return failed;
    return this.next((place) => place !== failed && isOpen(place));
  }

  #loadAt(place: number): number {
    return this.inFlightAt(place) / (this.weights[place] ?? 1);
  }
}

/** What an algorithm may ask for. */
export interface TurnSources {
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
  /** Requests in flight at the address of a place. */
  readonly inFlightAt: (place: number) => number;
}

export function turnsOf(algorithm: LoadBalanceAlgorithm, weights: readonly number[], sources: TurnSources): Turns {
  switch (algorithm) {
    case 'ROUND_ROBIN':
    case 'WEIGHTED':
      return new SmoothWeighted(weights);
    case 'LRU':
      return new LeastRecentlyUsed(weights.length);
    case 'RANDOM':
      return new WeightedRandom(weights, sources.random);
    case 'PICK_FIRST':
      return new PickFirst(weights.length);
    case 'LEAST_CONNECTIONS':
      return new LeastConnections(weights, sources.inFlightAt);
  }
}
