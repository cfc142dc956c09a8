interface BusyHost {
  running: number;
  /** In the order they came. */
  readonly waiting: { readonly first: Set<() => void>; readonly last: Set<() => void> };
}

export interface TurnWish {
  readonly host: string;
  /** Who is `first` goes before everybody who is `last`, whoever came earlier. */
  readonly rank: 'first' | 'last';
  readonly signal: AbortSignal;
}

/** Lets so much work run at a time for one host; the rest waits for its turn. */
export class HostTurns {
  readonly #busy = new Map<string, BusyHost>();

  constructor(private readonly atOnce: number) {}

  /** @throws the reason of the wish's `signal` when it is aborted before the turn comes */
  async run<Result>(wish: TurnWish, work: () => Promise<Result>): Promise<Result> {
    await this.#turn(wish);
    try {
      return await work();
    } finally {
      this.#done(wish.host);
    }
  }

  #turn({ host, rank, signal }: TurnWish): Promise<void> {
    signal.throwIfAborted();
    const busy = this.#busy.get(host) ?? { running: 0, waiting: { first: new Set(), last: new Set() } };
    const waiting = busy.waiting[rank];
    this.#busy.set(host, busy);
    if (busy.running < this.atOnce) {
      busy.running += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        waiting.delete(begin);
        reject(signal.reason as Error);
      };
      const begin = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      waiting.add(begin);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #done(host: string): void {
    const busy = this.#busy.get(host);
    if (busy === undefined) return;
    for (const waiting of [busy.waiting.first, busy.waiting.last]) {
      const [next] = waiting;
      if (next === undefined) continue;
      waiting.delete(next);
      return next();
    }
    busy.running -= 1;
    if (busy.running === 0) this.#busy.delete(host);
  }
}
