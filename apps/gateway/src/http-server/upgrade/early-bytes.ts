import type { Socket } from 'node:net';

/** What a client may send before it knows that its connection was upgraded. */
const MOST_HELD_BYTES = 64 * 1024;

/** Watches a connection whose upgrade is being decided: somebody must read it, or nobody learns that the client left. */
export class EarlyBytes {
  readonly #pieces: Buffer[] = [];
  #sizeBytes = 0;

  /** @param head what was read together with the request */
  constructor(
    private readonly socket: Socket,
    head: Buffer,
  ) {
    this.#take(head);
    socket.on('data', this.#take).once('end', this.#leave);
  }

  /** Stops watching and puts everything back, for whoever reads next. */
  release(): void {
    this.socket.off('data', this.#take).off('end', this.#leave).pause();
    if (this.#sizeBytes > 0) this.socket.unshift(Buffer.concat(this.#pieces.splice(0)));
  }

  readonly #take = (piece: Buffer): void => {
    this.#pieces.push(piece);
    this.#sizeBytes += piece.length;
    if (this.#sizeBytes > MOST_HELD_BYTES) this.socket.pause();
  };

  readonly #leave = (): void => {
    this.socket.destroy();
  };
}
