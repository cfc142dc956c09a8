import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import { type FaultPoint, type Step } from './fault-point.ts';

/** A part of what a client sends that the server answers as one. */
export interface Asked {
  readonly bytes: Buffer;
  /** How many answers, as the same wire counts them, it will get. */
  readonly answers: 0 | 1;
  /** Undefined: talk at the beginning or the end of a connection. */
  readonly step: Step | undefined;
}

/** How a client and a server talk on one connection. */
export interface Wire {
  /** Everything complete in what has come so far. */
  asked(bytes: Buffer): Asked[];
  /** How many answers end in these bytes. */
  answersIn(bytes: Buffer): number;
}

/** Stands between a program and a server and knows what each asks of the other; see {@link FaultPoint}. */
export class FaultProxy {
  private readonly sockets = new Set<Socket>();
  private readonly server = net.createServer((client) => this.join(client));

  private constructor(
    private readonly target: URL,
    private readonly point: FaultPoint,
    private readonly newWire: () => Wire,
  ) {}

  static async before(targetUrl: string, point: FaultPoint, newWire: () => Wire): Promise<FaultProxy> {
    const proxy = new FaultProxy(new URL(targetUrl), point, newWire);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  /** The address of the target by way of this. */
  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String((this.server.address() as net.AddressInfo).port);
    return url.href;
  }

  /** Breaks every connection; new ones are welcome. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(client: Socket): void {
    const server = net.connect(Number(this.target.port), this.target.hostname);
    const end = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', end).on('close', () => {
        this.sockets.delete(socket);
        end();
      });
    }
    const link = new Link(client, server, this.point, this.newWire());
    client.on('data', (bytes: Buffer) => link.toServer(bytes));
    server.on('data', (bytes: Buffer) => link.toClient(bytes));
  }
}

/** One connection through the proxy. */
class Link {
  private answersDue = 0;
  private answersSeen = 0;
  /** The number of the answer that the client must not hear any more. */
  private strikeAt: number | undefined;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly point: FaultPoint,
    private readonly wire: Wire,
  ) {}

  toServer(bytes: Buffer): void {
    for (const asked of this.wire.asked(bytes)) this.pass(asked);
  }

  toClient(bytes: Buffer): void {
    this.answersSeen += this.wire.answersIn(bytes);
    if (this.strikeAt === undefined) {
      if (!this.point.isStruck) this.client.write(bytes);
    } else if (this.answersSeen >= this.strikeAt) {
      this.point.strike();
    }
  }

  private pass({ bytes, answers, step }: Asked): void {
    if (this.point.isStruck || this.strikeAt !== undefined) return;
    const moment = step === undefined ? undefined : this.point.meet(step);
    if (moment === 'before') return this.point.strike();
    this.server.write(bytes);
    this.answersDue += answers;
    if (moment === 'after') this.strikeAt = this.answersDue;
  }
}
