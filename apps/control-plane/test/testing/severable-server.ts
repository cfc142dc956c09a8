import { once } from 'node:events';
import net from 'node:net';
import { freePortsInARow } from '#libs/program-shell/testing';

/** A port that leads to a server of the test run, and can be closed and opened again under the same number. */
export class SeverableServer {
  private readonly sockets = new Set<net.Socket>();
  private server: net.Server | undefined;
  port = 0;

  private constructor(private readonly target: URL) {}

  /** The port is known and closed. */
  static async closed(targetUrl: string): Promise<SeverableServer> {
    const one = new SeverableServer(new URL(targetUrl));
    await one.open();
    await one.sever();
    return one;
  }

  /** The address of the target with this port in place of its own. */
  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String(this.port);
    return url.href;
  }

  async open(): Promise<void> {
    if (this.server !== undefined) return;
    if (this.port === 0) [this.port = 0] = await freePortsInARow(1);
    const server = net.createServer((client) => this.join(client));
    this.server = server;
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
  }

  /** Breaks what is connected and refuses what comes. */
  async sever(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private join(client: net.Socket): void {
    const upstream = net.connect(Number(this.target.port), this.target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}
