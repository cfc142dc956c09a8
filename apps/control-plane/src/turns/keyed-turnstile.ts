import { Turnstile } from './turnstile.ts';

interface Entrance {
  readonly turnstile: Turnstile;
  /** Inside or waiting. */
  users: number;
}

/** Lets so many in at once for each key; those of one key wait in the order in which they came, others not for them. */
export class KeyedTurnstile {
  private readonly entrances = new Map<string, Entrance>();

  /**
   * @param room for each key, at least 1
   * @param mostWaiting for each key: who would be one more is to be sent away, by whoever asks `hasRoom`
   */
  constructor(
    private readonly room: number,
    private readonly mostWaiting = Infinity,
  ) {}

  hasRoom(key: string): boolean {
    return (this.entrances.get(key)?.users ?? 0) < this.room + this.mostWaiting;
  }

  async pass<Value>(key: string, work: () => Promise<Value>): Promise<Value> {
    const entrance = this.entrances.get(key) ?? { turnstile: new Turnstile(this.room), users: 0 };
    this.entrances.set(key, entrance);
    entrance.users += 1;
    try {
      return await entrance.turnstile.pass(work);
    } finally {
      entrance.users -= 1;
      if (entrance.users === 0) this.entrances.delete(key);
    }
  }

  /** Whether one more would have to wait. */
  isFull(key: string): boolean {
    return (this.entrances.get(key)?.users ?? 0) >= this.room;
  }
}
