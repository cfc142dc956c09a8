/** Chance that is the same for the same seed (mulberry32); each part of a run takes a source of its own. */
export class SeededRandom {
  private state: number;

  constructor(
    private readonly seed: number,
    part = '',
  ) {
    this.state = seed >>> 0;
    for (const letter of part) this.state = Math.imul(this.state ^ letter.charCodeAt(0), 0x01_00_01_93) >>> 0;
  }

  /** Another source, which drawing from this one does not move. */
  forPart(part: string): SeededRandom {
    return new SeededRandom(this.seed, part);
  }

  /** At least 0, below 1. */
  next(): number {
    this.state = (this.state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  pick<Value>(from: readonly Value[]): Value {
    const picked = from[this.between(0, from.length - 1)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }

  /** By weight. */
  pickWeighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const names = Object.keys(weights) as Name[];
    return this.pick(names.flatMap((name) => Array<Name>(weights[name]).fill(name)));
  }
}
