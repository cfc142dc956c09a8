const SIZE_BYTES = 64 * 1024;
/** From here on it is cheaper to give the memory away than to copy it. */
const GIVEN_AWAY_BYTES = 16 * 1024;

/**
 * What all connections read into: each read is over before the next one begins (libuv reads when there is something to
 * read, and calls back at once), so that idle connections hold no memory and most reads need no new one.
 */
const SHARED = Buffer.allocUnsafeSlow(SIZE_BYTES);

/** The memory that one connection reads into: the shared one, or while much comes, one of its own that is given away. */
export class ReadBuffer {
  #own: Buffer | undefined;
  #isGivenAway = false;

  /** For the next read. */
  next(): Buffer {
    if (this.#isGivenAway) {
      this.#isGivenAway = false;
      this.#own = Buffer.allocUnsafeSlow(SIZE_BYTES);
    }
    return this.#own ?? SHARED;
  }

  /** A piece of what was just read, the caller's to keep. */
  take(bytes: Buffer, from: number, to: number): Buffer {
    if (to - from < GIVEN_AWAY_BYTES) return Buffer.from(bytes.subarray(from, to));
    // The next read is likely to be as large.
    this.#isGivenAway = true;
    return bytes === SHARED ? Buffer.from(bytes.subarray(from, to)) : bytes.subarray(from, to);
  }

  /** Back to the shared one. */
  rest(): void {
    this.#own = undefined;
    this.#isGivenAway = false;
  }
}
