import { once } from 'node:events';
import net, { type Socket } from 'node:net';

/** `closed` breaks and refuses connections; the others keep them, but one direction leads nowhere. */
export type DoorState = 'open' | 'closed' | 'swallows requests' | 'swallows answers from a COMMIT on';

const BEGIN = 'BEGIN ISOLATION LEVEL';
/** PostgreSQL's simple query, alone: unlike the COMMIT among the statements that look at the epoch. */
const COMMIT = Buffer.from('Q\u0000\u0000\u0000\u000bCOMMIT\u0000');

/** What one connection asks: is it the COMMIT of a transaction that has sent one of these texts? */
class Transaction {
  private hasSent = false;

  isCommitted(bytes: Buffer, texts: readonly string[]): boolean {
    const begin = bytes.lastIndexOf(BEGIN);
    if (begin >= 0) this.hasSent = false;
    this.hasSent ||= texts.some((text) => bytes.includes(text, Math.max(begin, 0)));
    return this.hasSent && bytes.includes(COMMIT);
  }
}

/** The one address of a server that goes away, and comes back elsewhere. */
export class ServerDoor {
  private state: DoorState = 'open';
  /** Nobody hears the server any more. */
  private isDeaf = false;
  private committing: readonly string[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly server = net.createServer((client) => this.join(client));

  private constructor(private target: URL) {}

  static async to(targetUrl: string): Promise<ServerDoor> {
    const door = new ServerDoor(new URL(targetUrl));
    door.server.listen(0, '127.0.0.1');
    await once(door.server, 'listening');
    return door;
  }

  /** The address of the target by way of the door. */
  get url(): string {
    const url = new URL(this.target);
    url.port = String((this.server.address() as net.AddressInfo).port);
    return url.href;
  }

  leadTo(targetUrl: string): void {
    this.target = new URL(targetUrl);
  }

  /**
   * What was swallowed does not come later: whoever waited for it has to have given up.
   * @param committing texts; meant is the COMMIT of a transaction that sent one of them, and nobody else's
   */
  become(state: DoorState, committing: readonly string[] = []): void {
    this.state = state;
    this.committing = committing;
    this.isDeaf = false;
    if (state === 'closed' || state === 'open') this.cut();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private join(client: Socket): void {
    if (this.state === 'closed') return void client.destroy();
    const server = net.connect(Number(this.target.port), this.target.hostname);
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    const transaction = new Transaction();
    client.on('data', (bytes: Buffer) => {
      if (this.state === 'swallows requests') return;
      const isCommitted = transaction.isCommitted(bytes, this.committing);
      if (this.state === 'swallows answers from a COMMIT on' && isCommitted) this.isDeaf = true;
      server.write(bytes);
    });
    server.on('data', (bytes: Buffer) => void (this.isDeaf || client.write(bytes)));
  }
}
