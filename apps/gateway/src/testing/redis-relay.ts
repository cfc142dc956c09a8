import { once } from 'node:events';
import net from 'node:net';
import { freePortsInARow } from '#libs/program-shell/testing';

/** Stands between a gateway and its Redis, so that a test can take Redis away from this gateway alone. */
export class RedisRelay {
  private readonly sockets = new Set<net.Socket>();
  private server: net.Server | undefined;
  private port = 0;
  private held: net.Socket[] | undefined;
  private readonly target: { readonly host: string; readonly port: number };

  constructor(url: string) {
    const { hostname: host, port } = new URL(url);
    this.target = { host, port: Number(port === '' ? 6379 : port) };
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** On the same port each time. */
  async open(): Promise<void> {
    if (this.port === 0) [this.port = 0] = await freePortsInARow(1);
    this.server = net.createServer((socket) => (this.held === undefined ? this.join(socket) : this.held.push(socket)));
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** Cuts every connection and refuses new ones. */
  async cut(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  /** Passes nothing on any more and closes nothing, as a Redis does that hangs. Until `cut`. */
  hang(): void {
    for (const socket of this.sockets) socket.unpipe().pause();
  }

  /** New connections are taken and get no answer, until `release`. */
  hold(): void {
    this.held = [];
  }

  release(): void {
    const { held = [] } = this;
    this.held = undefined;
    for (const socket of held) this.join(socket);
  }

  private join(near: net.Socket): void {
    const far = net.connect(this.target);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}
