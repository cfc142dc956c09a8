import { setTimeout as pause } from 'node:timers/promises';

/** One that asks each of some addresses again and again, and remembers every answer that was not the one that had to come. */
export class KeptTraffic {
  readonly wrong: string[] = [];
  readonly answered = new Map<string, number>();
  private isOver = false;
  private readonly clients: readonly Promise<void>[];

  constructor(
    urls: readonly string[],
    private readonly status: number,
  ) {
    this.clients = urls.map((url) => this.ask(url));
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.clients);
  }

  private async ask(url: string): Promise<void> {
    while (!this.isOver) {
      const status = await fetch(url).then(
        async (response) => (await response.arrayBuffer(), response.status),
        (error: unknown) => String(error),
      );
      if (status !== this.status) this.wrong.push(`${url}: ${status}`);
      this.answered.set(url, (this.answered.get(url) ?? 0) + 1);
      await pause(20);
    }
  }
}
