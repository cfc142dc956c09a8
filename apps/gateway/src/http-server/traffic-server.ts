import { once } from 'node:events';
import { Server as TcpServer, type AddressInfo } from 'node:net';
import { AddressList } from '#libs/client-addresses';
import { LISTENER_PACE } from './gateway-settings.ts';
import { H2Front } from './h2/h2-front.ts';
import { LaneFront } from './lane/lane-front.ts';
import { acceptWaiting } from './listener/accept-waiting.ts';
import type { CertificateKeeper } from './listener/certificate-keeper.ts';
import { ClientListener } from './listener/client-listener.ts';
import type { ConnectionAcceptor } from './listener/connection-acceptor.port.ts';
import { HandedConnections } from './listener/handed-connections.ts';
import { LISTENER_DEFAULTS, type ListenerSettings } from './listener/listener-settings.ts';
import { NodeFront } from './node-http/node-front.ts';
import { TrafficHandler, type TrafficHandlerDeps } from './traffic-handler.ts';

export interface TrafficServerDeps extends TrafficHandlerDeps {
  /** Default: HTTP/1.1 in the clear. */
  readonly listener?: ListenerSettings | undefined;
  /** Where the listener's settings ask for TLS. */
  readonly certificate?: Pick<CertificateKeeper, 'current' | 'start' | 'stop'> | undefined;
  /** A connection was ended because its PROXY header is not to be believed. */
  readonly onProxyRefused?: ((reason: string) => void) | undefined;
}

/** What is open and under way now, for metrics. */
export interface TrafficLoad {
  /** Requests whose answers are not out. */
  readonly inFlight: number;
  /** Open connections of clients by who reads them. */
  readonly connections: Readonly<Record<string, number>>;
}

/** The traffic port in front of the request path. */
export class TrafficServer {
  readonly #handler: TrafficHandler;
  readonly #front: NodeFront;
  /** Sees every connection of HTTP/1.1 before `front`. */
  readonly #lane: LaneFront;
  readonly #h2: H2Front;
  /** Sees every connection first. */
  readonly #listener: ClientListener;
  readonly #certificate: TrafficServerDeps['certificate'];
  readonly #handed: HandedConnections;
  readonly #onOverload: TrafficServerDeps['onOverload'];
  /** Undefined: this server listens itself. */
  #acceptor: ConnectionAcceptor | undefined;

  /** @throws InvalidTrustedProxy */
  constructor(deps: TrafficServerDeps) {
    const handler = new TrafficHandler(deps);
    this.#handler = handler;
    const { limits } = deps.settings;
    this.#certificate = deps.certificate;
    this.#onOverload = deps.onOverload;
    this.#handed = new HandedConnections(limits.maxConnections);
    const settings = deps.listener ?? LISTENER_DEFAULTS;
    this.#front = new NodeFront(handler, limits, settings.webSocketIdleTimeoutMs);
    this.#lane = new LaneFront(handler, limits, (socket) => this.#front.accept(socket));
    const { http2MaxStreams: maxStreams, http2OverheadBytesPerSecond: overheadBytesPerSecond } = settings;
    this.#h2 = new H2Front({ handler, limits, maxStreams, overheadBytesPerSecond });
    this.#listener = new ClientListener({
      settings,
      certificate: deps.certificate,
      trusted: new AddressList(deps.settings.trustedProxies),
      onHttp1: (socket) => void this.#lane.accept(socket),
      onHttp2: (socket) => this.#h2.accept(socket),
      onProxyRefused: (reason) => deps.onProxyRefused?.(reason),
    });
    this.#front.server.on('connection', (socket) => this.#listener.accept(socket));
    this.#front.server.on('drop', () => this.#onOverload?.('connections'));
  }

  get load(): TrafficLoad {
    const connections = {
      lane: this.#lane.connectionCount,
      http1: this.#front.connectionCount,
      h2: this.#h2.connectionCount,
    };
    return { inFlight: this.#handler.inFlight, connections };
  }

  async listen(host: string, port: number): Promise<{ readonly port: number }> {
    const { server } = this.#front;
    this.#certificate?.start();
    server.listen(port, host);
    await once(server, 'listening');
    return { port: (server.address() as AddressInfo).port };
  }

  /** Serves the connections that another process accepts, instead of listening. */
  takeFrom(acceptor: ConnectionAcceptor): void {
    this.#certificate?.start();
    this.#acceptor = acceptor;
    this.#front.watchDeadlines();
    acceptor.open((socket) => {
      if (this.#handed.admit(socket)) this.#listener.accept(socket);
      else this.#onOverload?.('connections');
    });
  }

  /**
   * Stops accepting, lets requests in flight and those on their way finish, closes idle connections, and ends after
   * `timeoutMs` what is left.
   */
  async drain(timeoutMs: number): Promise<void> {
    const front = this.#front;
    const fronts = [front, this.#lane, this.#h2];
    const all = [...fronts, this.#listener];
    for (const each of fronts) each.stopKeeping();
    await (this.#acceptor?.close() ?? acceptWaiting(front.server));
    // Not the HTTP server's own close: it would cut connections whose first request is still on its way.
    const accepted = new Promise<void>((resolve) => TcpServer.prototype.close.call(front.server, () => resolve()));
    const closed = Promise.all([accepted, this.#handed.whenNone()]);
    let stopWaiting: () => void = () => undefined;
    const late = new Promise<void>((resolve) => (stopWaiting = resolve));
    const { drainIdleGraceMs, drainIdleLookMs } = LISTENER_PACE;
    let looking: NodeJS.Timeout | undefined;
    const grace = setTimeout(
      () => {
        looking = setInterval(() => all.forEach((each) => each.closeIdle()), drainIdleLookMs);
      },
      Math.min(drainIdleGraceMs, timeoutMs),
    );
    const deadline = setTimeout(() => {
      all.forEach((each) => each.destroyAll());
      // Whoever counts connections may have lost one; the process ends all the same.
      setTimeout(stopWaiting, LISTENER_PACE.deadlineCheckMs).unref();
    }, timeoutMs);
    await Promise.race([closed, late]);
    for (const timer of [grace, looking, deadline]) clearTimeout(timer);
    this.#lane.close();
    this.#certificate?.stop();
  }
}
