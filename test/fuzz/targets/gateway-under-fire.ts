import { connect, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  Rig,
  proxyOf,
  verifyJwt,
  type GatewayWishes,
  type RunningGateway,
} from '../../../apps/gateway/src/http-server/testing/rig.ts';
import { StrictUpstream } from '../strict-upstream.ts';

/** On any machine; what takes longer stays open for good. */
const ENDS_WITHIN_MS = 15_000;

const CALM_TURNS = 12;

export interface Fired {
  /** Everything that was answered, one character for each byte. */
  readonly received: string;
  /** The gateway never ended the connection. */
  readonly isStuck: boolean;
}

export interface Firing {
  readonly open?: (port: number) => Promise<Socket> | Socket;
  /** Whether the gateway said that it is over: it is not waited for the end of the connection then. */
  readonly isGivenUp?: (received: Buffer) => boolean;
}

/** A gateway in this process before a strict upstream: what is left of each attempt shows. */
export class GatewayUnderFire {
  private constructor(
    private readonly rig: Rig,
    readonly gateway: RunningGateway,
    readonly upstream: StrictUpstream,
    private readonly url: string,
  ) {}

  /** Connections that are open, whoever reads them. */
  get connections(): number {
    return Object.values(this.gateway.server.load.connections).reduce((sum, count) => sum + count, 0);
  }

  static async start(wishes: GatewayWishes = {}): Promise<GatewayUnderFire> {
    const rig = new Rig();
    const upstream = new StrictUpstream();
    const url = await upstream.listen();
    const form = verifyJwt('of the form', { source: 'request.formparam.jwt', continueOnError: true });
    const proxies = [
      proxyOf({ proxy: 'plain', paths: ['/p', '/orders'], addresses: [url] }),
      proxyOf({ proxy: 'form', paths: ['/f'], addresses: [url], pipelines: { request: [form] } }),
    ];
    return new GatewayUnderFire(rig, await rig.gateway({ proxies, ...wishes }), upstream, url);
  }

  /** Sends pieces over a connection of its own, waits, leaves, and reads until the gateway ends it. */
  async fire(pieces: readonly Buffer[], { open = plainSocket, isGivenUp }: Firing = {}): Promise<Fired> {
    this.upstream.begin();
    const socket = await open(this.gateway.port);
    const parts: Buffer[] = [];
    socket.on('data', (part: Buffer) => parts.push(part)).on('error', () => undefined);
    let isStuck = false;
    const late = setTimeout(() => {
      isStuck = true;
      socket.destroy();
    }, ENDS_WITHIN_MS);
    // Not `once`: an error on the way is part of the end.
    const closed = new Promise<void>((resolve) => (socket.destroyed ? resolve() : void socket.once('close', resolve)));
    for (const piece of pieces) {
      socket.write(piece);
      // Another turn of the event loop: another packet.
      await nextTurn();
    }
    await this.calm(socket, () => parts.length);
    if (isGivenUp?.(Buffer.concat(parts)) === true) socket.destroy();
    else socket.end();
    await closed;
    clearTimeout(late);
    return { received: Buffer.concat(parts).toString('latin1'), isStuck };
  }

  /** What is wrong after an attempt, whatever was sent. `waits`: until nothing of it is left. */
  async violation({ isStuck }: Fired, { waits }: { readonly waits: boolean }): Promise<string | undefined> {
    const isQuiet = !waits || (await this.quiet());
    if (this.upstream.violation !== undefined) return this.upstream.violation;
    const [error] = this.gateway.errors.splice(0);
    if (error !== undefined) return `was told an error that nobody foresaw: ${inspect(error)}`;
    if (isStuck) return 'does not end the connection';
    this.gateway.summaries.length = 0;
    this.gateway.proxyRefusals.length = 0;
    return isQuiet ? undefined : 'is not quiet afterwards';
  }

  end(): Promise<void> {
    return this.rig.stop().then(() => this.upstream.close());
  }

  /**
   * Waits until nothing comes any more: to whoever ends its connection before its answer, none is sent. What is to come,
   * comes within this process and so within a few turns of its loop.
   */
  private async calm(socket: Socket, received: () => number): Promise<void> {
    for (let [turns, seen] = [0, '']; turns < CALM_TURNS && !socket.destroyed; turns += 1) {
      await nextTurn();
      const now = `${received()} ${this.upstream.requests.length} ${this.gateway.server.load.inFlight}`;
      if (now !== seen) [turns, seen] = [0, now];
    }
  }

  /** Waits until nothing is under way. */
  async quiet(): Promise<boolean> {
    const endMs = performance.now() + ENDS_WITHIN_MS;
    while (this.isBusy) {
      if (performance.now() > endMs) return false;
      await nextTurn();
    }
    return true;
  }

  private get isBusy(): boolean {
    const { inFlight } = this.gateway.server.load;
    return inFlight + this.gateway.pool.health.of(this.url).inFlight + this.connections > 0;
  }
}

const plainSocket = (port: number): Socket => connect({ port, host: '127.0.0.1', noDelay: true });
