import { randomUUID } from 'node:crypto';
import { createServer, ServerResponse, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ClientRequest } from '../client-exchange.ts';
import { rawAnswer } from '../fault-answer.ts';
import { gatewayFault, type GatewayFaultName, type GatewayRefusal } from '../gateway-faults.ts';
import { LISTENER_PACE } from '../gateway-settings.ts';
import { LISTENER_DEFAULTS } from '../listener/listener-settings.ts';
import type { RequestLimits } from '../request-limits.ts';
import type { TrafficHandler } from '../traffic-handler.ts';
import { EarlyBytes } from '../upgrade/early-bytes.ts';
import { UpgradableMessage } from '../upgrade/upgradable-message.ts';
import { UpgradeAnswer } from './upgrade-answer.ts';
import { NodeAnswer } from './node-answer.ts';
import { NodeConnection } from './node-connection.ts';

/** What the parser found wrong; everything else is a 400. */
const PARSER_FAULTS: ReadonlyMap<string, GatewayFaultName> = new Map([
  ['HPE_HEADER_OVERFLOW', 'headersTooLarge'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 'bodyTooLarge'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'requestTimeout'],
]);

/** `Expected CRLF after version` has the same code, but is a bare line feed: 400. */
function parserRefusal(error: NodeJS.ErrnoException): GatewayRefusal {
  const code = error.code ?? error.name;
  const isVersion = code === 'HPE_INVALID_VERSION' && error.message.includes('Invalid HTTP version');
  return { name: isVersion ? 'versionNotSupported' : (PARSER_FAULTS.get(code) ?? 'badRequest'), reason: code };
}

/** The connections that Node's own HTTP/1.1 server reads: it understands every form of a request. */
export class NodeFront {
  /** Listens, where it is to listen by itself. */
  readonly server: Server;
  /** The latest answer on each connection that has had a request: tells a broken body from a broken head. */
  readonly #answers = new WeakMap<Duplex, ServerResponse>();
  /**
   * Open connections, and the exchange of each: Node tells only the answer that is being written that its client is gone,
   * and forgets a connection that asked to CONNECT. Not in a Set: when one grows, V8 keeps its old table until the next
   * full collection, and with it every answer that was under way (5 to 14 µs of garbage collection for each token).
   */
  readonly #connections = new Map<Duplex, NodeConnection>();
  /** What Node does with a connection of its server. */
  readonly #read: (socket: Duplex) => void;
  #isDraining = false;

  constructor(
    private readonly handler: TrafficHandler,
    private readonly limits: RequestLimits,
    private readonly webSocketIdleTimeoutMs: number = LISTENER_DEFAULTS.webSocketIdleTimeoutMs,
  ) {
    this.server = createServer({
      IncomingMessage: UpgradableMessage,
      insecureHTTPParser: false,
      // A missing Host is refused here, in the gateway's own envelope.
      requireHostHeader: false,
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headerTimeoutMs,
      requestTimeout: limits.bodyTimeoutMs + limits.headerTimeoutMs,
      keepAliveTimeout: limits.clientIdleTimeoutMs,
      connectionsCheckingInterval: LISTENER_PACE.deadlineCheckMs,
    });
    this.server.maxConnections = limits.maxConnections;
    // Node leaves out what is above: one more than may be, so that it is seen and refused.
    this.server.maxHeadersCount = limits.maxHeaderLines + 1;
    this.server.timeout = limits.writeIdleTimeoutMs;
    // What becomes of an accepted connection is decided by whoever listens, and not always at once.
    const [read] = this.server.listeners('connection') as [(this: Server, socket: Duplex) => void];
    this.#read = read.bind(this.server);
    this.server
      .removeAllListeners('connection')
      .on('request', (request, response) => this.#take(request, () => this.#handle(request, response, false)))
      .on('checkContinue', (request, response) => this.#take(request, () => this.#handle(request, response, true)))
      .on('checkExpectation', (request, response) =>
        this.#take(request, () => this.#refuseExpectation(request, response)),
      )
      .on('upgrade', (request, socket, head: Buffer) =>
        this.#takeLast(socket, () => this.#upgrade(request, socket as Socket, head)),
      )
      .on('connect', (_request, socket: Duplex) =>
        this.#takeLast(socket, () => this.#refuseRaw(socket, { name: 'badRequest', reason: 'CONNECT' })),
      )
      .on('timeout', (socket: Socket) => this.#endSilent(socket))
      .on('clientError', (error, socket) => this.#handleClientError(error, socket));
  }

  /** Reads requests from this connection until it ends: in the clear or decrypted, unread bytes put back before. */
  accept(socket: Socket): void {
    this.#watch(socket);
    this.#read(socket);
  }

  /** For a server that does not listen itself: with this event Node begins to look for requests that are not there in time. */
  watchDeadlines(): void {
    this.server.emit('listening');
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** No connection is kept after its present answer, nor any later one after its first. */
  stopKeeping(): void {
    this.#isDraining = true;
    for (const connection of this.#connections.values()) connection.stopKeeping();
  }

  /** Ends the connections on which nothing is under way. */
  closeIdle(): void {
    this.server.closeIdleConnections();
  }

  destroyAll(): void {
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  #watch(socket: Socket): void {
    const connection = new NodeConnection(socket);
    this.#connections.set(socket, connection);
    // Node takes its own listener off before `connect`, and a reset that nobody listens for ends the process.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#connections.delete(socket);
      connection.closed();
    });
  }

  /** Nothing moved for long. While an answer is worked on, that is nobody's fault unless it waits to be read. */
  #endSilent(socket: Socket): void {
    if (this.#connections.get(socket)?.isIdle !== false || socket.writableLength > 0) socket.destroy();
  }

  #take(request: IncomingMessage, start: () => void): void {
    this.#connections.get(request.socket)?.take({ request, start });
  }

  /** What Node's server itself does no more for the connection is done here. */
  #takeLast(socket: Duplex, start: () => void): void {
    const connection = this.#connections.get(socket);
    connection?.tellDrains();
    connection?.takeLast({ start });
  }

  #handle(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    const answer = this.#answerOf(request, response);
    const { method = '', httpVersion, socket } = request;
    if (httpVersion !== '1.1' && httpVersion !== '1.0') {
      return this.handler.refuse(method, answer, { name: 'versionNotSupported', reason: `HTTP/${httpVersion}` });
    }
    if (this.#isDraining) answer.closeAfterwards();
    const asked: ClientRequest = {
      connection: this.#connections.get(socket) ?? { peerAddress: '', isEncrypted: false },
      method,
      target: request.url ?? '',
      httpVersion,
      rawHeaders: request.rawHeaders,
      body: request,
      awaitsContinue,
    };
    this.handler.handle(asked, answer);
  }

  /** A request for a WebSocket. */
  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (socket.destroyed) return;
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    const answer = new UpgradeAnswer(response, socket, new EarlyBytes(socket, head), this.webSocketIdleTimeoutMs);
    const asked: ClientRequest = {
      connection: this.#connections.get(socket) ?? { peerAddress: '', isEncrypted: false },
      method: 'GET',
      target: request.url ?? '',
      httpVersion: '1.1',
      rawHeaders: request.rawHeaders,
      body: undefined,
      awaitsContinue: false,
      upgrade: answer,
    };
    this.handler.handle(asked, answer);
  }

  #answerOf({ socket, httpVersion }: IncomingMessage, response: ServerResponse): NodeAnswer {
    this.#answers.set(socket, response);
    return new NodeAnswer(response, httpVersion === '1.1', (then) =>
      this.#connections.get(socket)?.whenOver(response, then),
    );
  }

  #refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
    const refusal: GatewayRefusal = { name: 'expectationFailed', reason: 'unknown expectation' };
    this.handler.refuse(request.method ?? '', this.#answerOf(request, response), refusal);
  }

  #handleClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    const answer = this.#answers.get(socket);
    // Already refused for what the parser found wrong after the head: Node ends the connection behind that answer.
    if (answer !== undefined && answer.writableEnded && !answer.shouldKeepAlive) return;
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy(error);
    const connection = this.#connections.get(socket);
    const refusal = parserRefusal(error);
    if (connection?.isReceiving !== true) {
      // What came before is answered first.
      connection?.dropBroken();
      return connection?.takeLast({ start: () => this.#refuseRaw(socket, refusal) });
    }
    // The body of the present exchange is broken; it tells of itself.
    if (answer?.headersSent === true) socket.destroy(error);
    else this.#refuseRaw(socket, refusal, false);
  }

  /** @param isUntold nobody else tells of this request */
  #refuseRaw(socket: Duplex, refusal: GatewayRefusal, isUntold = true): void {
    const startedAt = performance.now();
    const correlationId = randomUUID();
    const fault = gatewayFault(refusal, correlationId);
    // Whoever does not read the answer keeps no connection for it.
    const late = setTimeout(() => socket.destroy(), this.limits.headerTimeoutMs);
    socket.once('close', () => {
      clearTimeout(late);
      const answer = { isComplete: socket.writableFinished };
      if (isUntold) this.handler.refused({ correlationId, method: '', status: fault.status, startedAt, fault, answer });
    });
    socket.end(rawAnswer(fault, correlationId), () => socket.destroy());
  }
}
