/**
 * Runs one piece of work every so often and whenever asked. Runs never overlap; what is asked for during a run is done
 * by one more run after it.
 */
export class RepeatedWork {
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  /** @param work must not reject */
  constructor(
    private readonly work: () => Promise<void>,
    private readonly everyMs: number,
  ) {}

  start(): void {
    this.timer ??= setInterval(() => void this.run(), this.everyMs);
    void this.run();
  }

  /** Fulfils when a run that began after this call is over, or at once when stopped. */
  run(): Promise<void> {
    if (this.isStopped) return Promise.resolve();
    if (this.running === undefined) {
      this.running = this.work().finally(() => (this.running = undefined));
      return this.running;
    }
    this.next ??= this.running.then(() => {
      this.next = undefined;
      return this.run();
    });
    return this.next;
  }

  /** No run begins any more; fulfils when the last one is over. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    await this.running;
  }
}
