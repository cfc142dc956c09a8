import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startRedis, type RunningServer } from '#libs/embedded-servers';
import { Backoff } from './backoff.ts';
import { type ProcessSurroundings } from './supervised-process.ts';

/**
 * The Redis of the stack: started again on the same port, with its data, whenever it dies. The next run takes that port
 * too: environments and gateways that the user added keep its address.
 */
export class OwnRedis {
  private server: RunningServer | undefined;
  private readonly stopping = new AbortController();
  private readonly backoff = new Backoff();
  private supervision: Promise<void> = Promise.resolve();

  constructor(private readonly surroundings: ProcessSurroundings) {}

  /**
   * @returns its address
   * @throws EmbeddedServerError
   */
  async start(): Promise<string> {
    const server = await this.startOnce(undefined);
    this.rememberPort(server.port);
    this.supervision = this.supervise(server);
    return server.url;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.server?.stop();
    await this.supervision;
    await this.server?.stop();
  }

  kill(): void {
    this.stopping.abort();
    if (this.server !== undefined) process.kill(this.server.pid, 'SIGKILL');
  }

  private async startOnce(port: number | undefined): Promise<RunningServer> {
    const { dataDir, say } = this.surroundings;
    this.server = await startRedis({
      dataDir: path.join(dataDir, 'redis'),
      toolsDir: path.join(dataDir, 'tools'),
      onProgress: say,
      ...(port === undefined ? this.portOfBefore() : { port }),
    });
    return this.server;
  }

  private get portFile(): string {
    return path.join(this.surroundings.dataDir, 'redis', 'port');
  }

  private portOfBefore(): { preferredPort?: number } {
    try {
      const port = Number(readFileSync(this.portFile, 'utf8'));
      return Number.isInteger(port) && port > 0 && port < 65_536 ? { preferredPort: port } : {};
    } catch {
      return {};
    }
  }

  private rememberPort(port: number): void {
    const { preferredPort } = this.portOfBefore();
    if (preferredPort === port) return;
    if (preferredPort !== undefined) {
      this.surroundings.say(`Redis has port ${port} now: ${preferredPort}, which it had before, is taken`);
    }
    writeFileSync(this.portFile, `${port}\n`);
  }

  private async supervise(first: RunningServer): Promise<void> {
    let current: RunningServer | undefined = first;
    let startedAtMs = performance.now();
    while (!this.stopping.signal.aborted) {
      await current?.exited;
      if (this.stopping.signal.aborted) return;
      const waitMs = this.backoff.delayMs(performance.now() - startedAtMs);
      this.surroundings.say(`Redis ended unexpectedly: starting it again on port ${first.port} in ${waitMs} ms`);
      await delay(waitMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      if (this.stopping.signal.aborted) return;
      startedAtMs = performance.now();
      current = await this.startAgain(first.port);
    }
  }

  private async startAgain(port: number): Promise<RunningServer | undefined> {
    try {
      const server = await this.startOnce(port);
      this.surroundings.say(`Redis is back (process ${server.pid})`);
      return server;
    } catch (error) {
      this.surroundings.say(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }
}
