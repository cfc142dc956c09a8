/** Lets so many in at once; the others wait in the order in which they came. */
export class Turnstile {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  /**
   * @param room at least 1
   * @param mostWaiting who would be one more is to be sent away, by whoever asks `hasRoom`
   */
  constructor(
    private readonly room: number,
    private readonly mostWaiting = Infinity,
  ) {}

  hasRoom(): boolean {
    return this.inside < this.room || this.waiting.length < this.mostWaiting;
  }

  async pass<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.inside >= this.room) await new Promise<void>((enter) => this.waiting.push(enter));
    else this.inside += 1;
    try {
      return await work();
    } finally {
      // Whoever waits takes this place: nobody who comes just now slips in before.
      const next = this.waiting.shift();
      if (next === undefined) this.inside -= 1;
      else next();
    }
  }
}
