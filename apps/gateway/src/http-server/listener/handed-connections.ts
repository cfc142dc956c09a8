import type { Socket } from 'node:net';

/** Connections that another process accepted: counted, and set up, as Node's HTTP server does with its own. */
export class HandedConnections {
  #count = 0;
  #whenNone: (() => void) | undefined;

  /** @param most open at the same time */
  constructor(private readonly most: number) {}

  /** @returns whether there is room for it; if not, it is closed */
  admit(socket: Socket): boolean {
    if (this.#count >= this.most) {
      socket.destroy();
      return false;
    }
    this.#count += 1;
    socket.once('close', () => this.#closed());
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    return true;
  }

  /** Fulfils when none is open. */
  async whenNone(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => (this.#whenNone = resolve));
  }

  #closed(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#whenNone?.();
  }
}
