/** How exact deadlines are: none comes early, and none more than two of these late. */
export const TICK_MS = 50;

/** Later than every deadline. */
export const NEVER = Number.MAX_SAFE_INTEGER;

/** Has deadlines of its own to look at. */
export interface Watched {
  /** Everything whose deadline is before `tick` is late. */
  lookAt(tick: number): void;
}

/**
 * A coarse clock for the deadlines of connections: one timer for all of them, since a
 * timer set and cleared for each request costs 0.2 µs.
 * It counts its own ticks, not the time: after a long turn of the event loop nothing is late before what has arrived
 * meanwhile was read.
 */
export class Ticks {
  now = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #watched = new Set<Watched>();

  /** The first tick that is certainly `durationMs` away. */
  after(durationMs: number): number {
    return this.now + Math.ceil(durationMs / TICK_MS);
  }

  /** Goes on as long as anybody watches. */
  watch(watched: Watched): void {
    this.#watched.add(watched);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
  }

  unwatch(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    this.now += 1;
    for (const watched of this.#watched) watched.lookAt(this.now);
  }
}
