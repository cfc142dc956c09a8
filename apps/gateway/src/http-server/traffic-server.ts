import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Server as TcpServer, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { UpstreamPool } from '../upstream/upstream-pool.ts';
import type { ActiveConfiguration } from './active-configuration.ts';
import { clientFactsOf } from './client-facts.ts';
import { ExchangeFlow, type FlowRequest } from './exchange-flow.ts';
import type { ExchangeSummary } from './exchange-summary.ts';
import { rawAnswer, writeAnswer } from './fault-answer.ts';
import { gatewayFault, type GatewayFaultName, type GatewayRefusal } from './gateway-faults.ts';
import { LISTENER_LIMITS, type GatewaySettings } from './gateway-settings.ts';
import { readRequestHead } from './request-head.ts';
import type { TokenEndpointPort } from './token-endpoint.port.ts';
import { answerTokenRequest } from './token-flow.ts';
import { TrustedProxies } from './trusted-proxies.ts';

/** So many turns of the event loop without a new connection mean that none is waiting. */
const QUIET_TURNS = 5;
const MOST_ACCEPTING_TURNS = 1_000;

export interface TrafficServerDeps {
  /** Asked once per request, which keeps the proxy that it found there; `undefined` is a 503. */
  readonly current: () => ActiveConfiguration | undefined;
  readonly tokenEndpoint: TokenEndpointPort;
  readonly upstream: UpstreamPool;
  readonly settings: GatewaySettings;
  /** Called once per request, when its answer is out or its connection gone. */
  readonly onExchange?: ((summary: ExchangeSummary) => void) | undefined;
  /** Something that must not happen did; the client got a 500 without its text. */
  readonly onError: (error: unknown) => void;
  /** Milliseconds since the epoch. Default: the system's clock. */
  readonly nowMs?: (() => number) | undefined;
}

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

/** The traffic port: node:http in front of the request path. */
export class TrafficServer {
  readonly #server: Server;
  readonly #trusted: TrustedProxies;
  readonly #nowMs: () => number;
  /** The latest answer on each connection that has had a request: tells a broken body from a broken head. */
  readonly #answers = new WeakMap<Duplex, ServerResponse>();
  readonly #inFlight = new Set<ServerResponse>();
  /**
   * Open connections, and what ends the exchanges of each: Node tells only the answer that is being written that its
   * client is gone, and forgets a connection that asked to CONNECT.
   */
  readonly #connections = new Map<Duplex, Set<() => void>>();
  #isDraining = false;

  /** @throws InvalidTrustedProxy */
  constructor(private readonly deps: TrafficServerDeps) {
    this.#trusted = new TrustedProxies(deps.settings.trustedProxies);
    this.#nowMs = deps.nowMs ?? Date.now;
    this.#server = createServer({
      insecureHTTPParser: false,
      // A missing Host is refused here, in the gateway's own envelope.
      requireHostHeader: false,
      maxHeaderSize: LISTENER_LIMITS.headBytes,
      headersTimeout: LISTENER_LIMITS.headTimeoutMs,
      requestTimeout: LISTENER_LIMITS.requestTimeoutMs,
      keepAliveTimeout: LISTENER_LIMITS.idleConnectionMs,
      connectionsCheckingInterval: LISTENER_LIMITS.deadlineCheckMs,
    });
    this.#server
      .on('connection', (socket) => this.#watch(socket))
      .on('request', (request, response) => this.#handle(request, response, false))
      .on('checkContinue', (request, response) => this.#handle(request, response, true))
      .on('checkExpectation', (request, response) => this.#refuseExpectation(request, response))
      .on('connect', (_request, socket: Duplex) => this.#refuseRaw(socket, { name: 'badRequest', reason: 'CONNECT' }))
      .on('clientError', (error, socket) => this.#handleClientError(error, socket));
  }

  async listen(host: string, port: number): Promise<{ readonly port: number }> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    return { port: (this.#server.address() as AddressInfo).port };
  }

  /**
   * Stops accepting, lets requests in flight and those on their way finish, closes idle connections, and ends after
   * `timeoutMs` what is left.
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#isDraining = true;
    for (const response of this.#inFlight) response.shouldKeepAlive = false;
    await this.#acceptWaiting();
    // Not the HTTP server's own close: it would cut connections whose first request is still on its way.
    const closed = new Promise<void>((resolve) => TcpServer.prototype.close.call(this.#server, () => resolve()));
    const { drainIdleGraceMs, drainIdleLookMs } = LISTENER_LIMITS;
    let looking: NodeJS.Timeout | undefined;
    const grace = setTimeout(
      () => {
        looking = setInterval(() => this.#server.closeIdleConnections(), drainIdleLookMs);
      },
      Math.min(drainIdleGraceMs, timeoutMs),
    );
    const deadline = setTimeout(() => this.#connections.forEach((_, socket) => socket.destroy()), timeoutMs);
    await closed;
    for (const timer of [grace, looking, deadline]) clearTimeout(timer);
  }

  /** Connections that wait to be accepted are accepted first: closing the listener would reset them. One comes a turn. */
  async #acceptWaiting(): Promise<void> {
    let accepted = 0;
    const count = () => (accepted += 1);
    this.#server.on('connection', count);
    let [quiet, seen] = [0, 0];
    for (let turn = 0; turn < MOST_ACCEPTING_TURNS && quiet < QUIET_TURNS; turn += 1) {
      await nextTurn();
      quiet = accepted === seen ? quiet + 1 : 0;
      seen = accepted;
    }
    this.#server.off('connection', count);
  }

  #watch(socket: Duplex): void {
    const unfinished = new Set<() => void>();
    this.#connections.set(socket, unfinished);
    // Node takes its own listener off before `connect`, and a reset that nobody listens for ends the process.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#connections.delete(socket);
      unfinished.forEach((finish) => finish());
    });
  }

  /** Calls back once: when the answer is out, or when its connection is gone. */
  #whenOver({ request, response }: FlowRequest, then: () => void): void {
    const unfinished = this.#connections.get(request.socket);
    const finish = (): void => {
      unfinished?.delete(finish);
      response.off('close', finish);
      then();
    };
    unfinished?.add(finish);
    response.once('close', finish);
  }

  #handle(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    const startedAt = performance.now();
    this.#answers.set(request.socket, response);
    const outcome = readRequestHead(request);
    if (!outcome.ok) return this.#refuse(request, response, outcome.refusal);
    const { head } = outcome;
    const client = clientFactsOf(request, head.headers, this.#trusted);
    const flowRequest: FlowRequest = { request, response, head, client, awaitsContinue };
    this.#inFlight.add(response);
    if (this.#isDraining) response.shouldKeepAlive = false;
    const { settings, tokenEndpoint, upstream, onError } = this.deps;
    if (tokenEndpoint.owns(head.path)) {
      this.#whenOver(flowRequest, () => this.#finish(flowRequest, startedAt, undefined));
      const { maxTokenBodyBytes } = settings;
      void answerTokenRequest(flowRequest, { tokenEndpoint, maxTokenBodyBytes, nowMs: this.#nowMs, onError });
      return;
    }
    const { maxBufferedBodyBytes } = settings;
    const flow = new ExchangeFlow({ upstream, maxBufferedBodyBytes, nowMs: this.#nowMs, onError }, flowRequest);
    this.#whenOver(flowRequest, () => this.#finish(flowRequest, startedAt, flow));
    flow.start(this.deps.current());
  }

  #finish({ response, head, client }: FlowRequest, startedAt: number, flow: ExchangeFlow | undefined): void {
    const isComplete = response.writableFinished;
    this.#inFlight.delete(response);
    if (!isComplete) {
      // An answer that waited in line does not know yet that nobody will read it.
      response.destroy();
      flow?.abandon();
    }
    const fault = flow?.fault;
    this.deps.onExchange?.({
      correlationId: client.correlationId,
      method: head.method,
      proxy: flow?.proxyName,
      endpoint: flow?.endpoint,
      status: response.headersSent ? response.statusCode : undefined,
      durationMs: performance.now() - startedAt,
      isComplete,
      fault: fault && { name: fault.name, policy: fault.policy, reason: fault.reason },
    });
  }

  /** A request that is refused at the door: what follows on its connection is not trusted either. */
  #refuse(request: IncomingMessage, response: ServerResponse, refusal: GatewayRefusal): void {
    const startedAt = performance.now();
    const correlationId = randomUUID();
    const fault = gatewayFault(refusal, correlationId);
    response.shouldKeepAlive = false;
    response.once('close', () =>
      this.deps.onExchange?.({
        correlationId,
        method: request.method ?? '',
        proxy: undefined,
        endpoint: undefined,
        status: fault.status,
        durationMs: performance.now() - startedAt,
        isComplete: response.writableFinished,
        fault: { name: fault.name, policy: '', reason: fault.reason },
      }),
    );
    writeAnswer(response, fault, correlationId);
  }

  #refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
    this.#answers.set(request.socket, response);
    this.#refuse(request, response, { name: 'expectationFailed', reason: 'unknown expectation' });
  }

  #handleClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    const answer = this.#answers.get(socket);
    // Already refused for what the parser found wrong after the head: Node ends the connection behind that answer.
    if (answer !== undefined && answer.writableEnded && !answer.shouldKeepAlive) return;
    const isMidAnswer = answer !== undefined && answer.headersSent && !answer.writableFinished;
    if (error.code === 'ECONNRESET' || !socket.writable || isMidAnswer) return void socket.destroy(error);
    this.#refuseRaw(socket, parserRefusal(error));
  }

  #refuseRaw(socket: Duplex, refusal: GatewayRefusal): void {
    const correlationId = randomUUID();
    // Whoever does not read the answer keeps no connection for it.
    const late = setTimeout(() => socket.destroy(), LISTENER_LIMITS.headTimeoutMs);
    socket.once('close', () => clearTimeout(late));
    socket.end(rawAnswer(gatewayFault(refusal, correlationId), correlationId), () => socket.destroy());
  }
}
