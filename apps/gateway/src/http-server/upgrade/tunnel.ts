import type { Duplex } from 'node:stream';

export interface TunnelEvents {
  /** Called once, when both connections are closed. @param isClean each side ended by itself */
  readonly onOver: (isClean: boolean) => void;
}

/**
 * Joins two connections: bytes of one go to the other as fast as that one takes them, the end of one direction leaves the other
 * open, and silence in both ends both.
 */
export class Tunnel {
  readonly #idle: NodeJS.Timeout;
  #open = 2;
  #ended = 0;

  constructor(
    private readonly client: Duplex,
    private readonly upstream: Duplex,
    idleTimeoutMs: number,
    private readonly events: TunnelEvents,
  ) {
    this.#idle = setTimeout(() => this.destroy(), idleTimeoutMs);
    this.#watch(client, upstream);
    this.#watch(upstream, client);
    client.pipe(upstream);
    upstream.pipe(client);
  }

  destroy(): void {
    this.client.destroy();
    this.upstream.destroy();
  }

  #watch(side: Duplex, other: Duplex): void {
    let hasEnded = false;
    const close = (): void => {
      this.#open -= 1;
      // Cut off in the middle, or nothing more can be told to it: there is nobody to go on with.
      if (!hasEnded || !side.writableFinished) other.destroy();
      if (this.#open === 0) this.#finish();
    };
    side
      .on('data', () => this.#idle.refresh())
      .once('end', () => {
        hasEnded = true;
        this.#ended += 1;
      })
      .on('error', () => undefined);
    if (side.destroyed) close();
    else side.once('close', close);
  }

  #finish(): void {
    clearTimeout(this.#idle);
    this.events.onOver(this.#ended === 2);
  }
}
