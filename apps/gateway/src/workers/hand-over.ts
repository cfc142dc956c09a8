import type { Socket } from 'node:net';

/** How long a connection waits to be taken; then it is closed. Longer than a worker takes to start. */
const LONGEST_WAIT_MS = 5_000;
/** How long a gateway that is to end waits for workers to take what was accepted. */
const LONGEST_FINISH_MS = 1_000;

/** A process that serves connections. */
export interface Taker {
  /** @param socket undefined: the taker is asked again what became of it */
  hand(id: number, socket: Socket | undefined): void;
}

/** An accepted connection of which nobody has read anything here. */
interface Accepted {
  readonly id: number;
  readonly socket: Socket;
  readonly late: NodeJS.Timeout;
}

export interface HandOverDeps {
  /** A connection was closed because nobody took it in time. */
  readonly onUnserved: () => void;
}

/**
 * Hands accepted connections to processes in turn, and keeps each one until it is known to be taken: what is handed to a
 * process that ends goes to another. One at a time is on its way to each, so a process that hangs holds up one connection and
 * gets no other.
 */
export class HandOver {
  /** In the order of their turns. */
  readonly #free = new Set<Taker>();
  readonly #onTheWay = new Map<Taker, Accepted>();
  readonly #leaving = new WeakSet<Taker>();
  /** In the order in which they came. */
  #waiting = new Set<Accepted>();
  #lastId = 0;
  #finished: Promise<void> | undefined;
  #whenAllTaken: (() => void) | undefined;

  constructor(private readonly deps: HandOverDeps) {}

  /** From now on it gets its turns. */
  join(taker: Taker): void {
    this.#free.add(taker);
    this.#handOn();
  }

  accept(socket: Socket): void {
    const id = (this.#lastId += 1);
    const accepted = { id, socket, late: setTimeout(() => this.#late(accepted), LONGEST_WAIT_MS) };
    this.#waiting.add(accepted);
    this.#handOn();
  }

  taken(taker: Taker, id: number): void {
    const accepted = this.#onTheWay.get(taker);
    if (accepted?.id !== id) return;
    this.#onTheWay.delete(taker);
    close(accepted);
    if (!this.#leaving.has(taker)) this.#free.add(taker);
    this.#handOn();
  }

  /**
   * Fulfils when nothing more is handed to it; one connection may still be on its way. Where all are to end, it goes on until
   * everything that was accepted is taken.
   */
  async leave(taker: Taker): Promise<void> {
    await this.#finished;
    this.#leaving.add(taker);
    this.#free.delete(taker);
  }

  /** It has ended, and everything that it said was heard before. */
  gone(taker: Taker): void {
    this.#leaving.add(taker);
    this.#free.delete(taker);
    const lost = this.#onTheWay.get(taker);
    this.#onTheWay.delete(taker);
    if (lost !== undefined && !lost.socket.destroyed) this.#waiting = new Set([lost, ...this.#waiting]);
    this.#handOn();
  }

  /**
   * Fulfils when all connections are taken; those that are not after a second are closed.
   *
   * @param allCame fulfils when no more will come
   */
  finish(allCame: Promise<unknown>): Promise<void> {
    return (this.#finished ??= this.#finish(allCame));
  }

  async #finish(allCame: Promise<unknown>): Promise<void> {
    await allCame;
    const allTaken = new Promise<void>((resolve) => (this.#whenAllTaken = resolve));
    const late = setTimeout(() => {
      for (const accepted of [...this.#waiting, ...this.#onTheWay.values()]) this.#late(accepted);
      this.#whenAllTaken?.();
    }, LONGEST_FINISH_MS);
    this.#handOn();
    await allTaken;
    clearTimeout(late);
  }

  #handOn(): void {
    for (const accepted of this.#waiting) {
      const [taker] = this.#free;
      if (taker === undefined) break;
      this.#free.delete(taker);
      this.#waiting.delete(accepted);
      this.#onTheWay.set(taker, accepted);
      taker.hand(accepted.id, accepted.socket);
    }
    if (this.#waiting.size === 0 && this.#onTheWay.size === 0) this.#whenAllTaken?.();
  }

  /**
   * A taker may hold it by now, so it is given to nobody else. Asked again, one that lives but did not get it, having no
   * descriptor left, is free again; one that hangs stays where it is.
   */
  #late(accepted: Accepted): void {
    if (accepted.socket.destroyed) return;
    close(accepted);
    if (this.#waiting.delete(accepted)) return this.deps.onUnserved();
    for (const [taker, { id }] of this.#onTheWay) if (id === accepted.id) taker.hand(id, undefined);
  }
}

/** This process's hold on it: a connection that another process has stays open. */
function close({ socket, late }: Accepted): void {
  clearTimeout(late);
  socket.destroy();
}
