interface BusyHost {
  running: number;
  /** In the order they came. */
  readonly waiting: Set<() => void>;
}

/** Lets so much work run at a time for one host; the rest waits for its turn. */
export class HostTurns {
  readonly #busy = new Map<string, BusyHost>();

  constructor(private readonly atOnce: number) {}

  /** @throws the reason of `signal` when it is aborted before the turn comes */
  async run<Result>(host: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    await this.#turn(host, signal);
    try {
      return await work();
    } finally {
      this.#done(host);
    }
  }

  #turn(host: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const busy = this.#busy.get(host) ?? { running: 0, waiting: new Set() };
    this.#busy.set(host, busy);
    if (busy.running < this.atOnce) {
      busy.running += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        busy.waiting.delete(begin);
        reject(signal.reason as Error);
      };
      const begin = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      busy.waiting.add(begin);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #done(host: string): void {
    const busy = this.#busy.get(host);
    if (busy === undefined) return;
    const [next] = busy.waiting;
    if (next !== undefined) {
      busy.waiting.delete(next);
      return next();
    }
    busy.running -= 1;
    if (busy.running === 0) this.#busy.delete(host);
  }
}
