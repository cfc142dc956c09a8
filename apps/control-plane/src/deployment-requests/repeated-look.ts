import type { DeploymentSettled } from './deployment-settled.ts';

/**
 * Looks at what is recorded whenever a deployment ends in this process and every so often: what is to be done stands in
 * rows and events, so that a process that dies at any moment loses nothing. One look at a time; asked for while one runs, it
 * looks once more.
 */
export class RepeatedLook {
  private timer: NodeJS.Timeout | undefined;
  private unlisten: (() => void) | undefined;
  private running: Promise<void> | undefined;
  private again = false;
  private stopped = false;

  /** @param lookOnce never rejects; gives whether it is to be called once more at once */
  constructor(
    private readonly everyMs: number,
    private readonly settled: DeploymentSettled,
    private readonly lookOnce: () => Promise<boolean>,
  ) {}

  get isStopped(): boolean {
    return this.stopped;
  }

  start(): void {
    this.timer = setInterval(() => void this.now(), this.everyMs);
    this.unlisten = this.settled.onAny(() => void this.now());
  }

  /** Fulfils when the look in hand is over. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    this.unlisten?.();
    await this.running;
  }

  now(): Promise<void> {
    if (this.running !== undefined) {
      this.again = true;
      return this.running;
    }
    this.running = this.untilDone().finally(() => (this.running = undefined));
    return this.running;
  }

  private async untilDone(): Promise<void> {
    do {
      this.again = false;
      if (await this.lookOnce()) this.again = true;
    } while (this.again && !this.stopped);
  }
}
