/**
 * Which digests came a while ago, in a table that never grows: a number for each place, and whoever comes last has the
 * place. It may forget somebody and, once in four billion, take one for another; neither changes a verdict.
 */
export class SeenOnce {
  readonly #marks: Uint32Array;

  /** @param most about how many are remembered */
  constructor(most: number) {
    this.#marks = new Uint32Array(2 ** Math.max(4, Math.ceil(Math.log2(most))));
  }

  /** Whether it came before; from now on it did. A digest is a text of at least 8 characters, each a byte. */
  cameBefore(digest: string): boolean {
    const place = number32(digest, 0) & (this.#marks.length - 1);
    const mark = number32(digest, 4);
    const isKnown = this.#marks[place] === mark;
    this.#marks[place] = mark;
    return isKnown;
  }
}

const number32 = (digest: string, at: number): number =>
  (digest.charCodeAt(at) |
    (digest.charCodeAt(at + 1) << 8) |
    (digest.charCodeAt(at + 2) << 16) |
    (digest.charCodeAt(at + 3) << 24)) >>>
  0;
