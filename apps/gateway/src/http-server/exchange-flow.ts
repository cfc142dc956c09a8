import type { IncomingMessage, ServerResponse } from 'node:http';
import { Exchange, type Fault, type LinkedProxy, type LinkedRoute } from '#libs/policy-runtime';
import type { UpstreamCall } from '../upstream/upstream-call.ts';
import type { UpstreamPool } from '../upstream/upstream-pool.ts';
import type { ActiveConfiguration } from './active-configuration.ts';
import { AnswerShape, hasShape } from './answer-shape.ts';
import { ClientBody } from './client-body.ts';
import type { ClientFacts } from './client-facts.ts';
import { writeAnswer, writeLastAnswer } from './fault-answer.ts';
import { gatewayFault, type GatewayRefusal } from './gateway-faults.ts';
import { holdBody, type HeldBody } from './held-body.ts';
import { findPreflight } from './preflight.ts';
import type { RequestHead } from './request-head.ts';
import { ResponseRelay } from './response-relay.ts';
import { upstreamHeaders, visibleQuery } from './upstream-headers.ts';

/** What one request came with. */
export interface FlowRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly head: RequestHead;
  readonly client: ClientFacts;
  /** The client sends its body only after `100 Continue`. */
  readonly awaitsContinue: boolean;
}

/** What all requests share. */
export interface FlowContext {
  readonly upstream: UpstreamPool;
  readonly maxBufferedBodyBytes: number;
  readonly nowMs: () => number;
  readonly onError: (error: unknown) => void;
}

interface MatchedRoute {
  readonly proxy: LinkedProxy;
  readonly route: LinkedRoute;
  readonly pathSuffix: string;
}

const nameOf = ({ artifact }: LinkedProxy): string => `${artifact.project}/${artifact.proxy}`;

/**
 * One request on its way: route, request policies, upstream, response policies, answer. It waits only where a policy
 * does; refusals are values. The configuration is the one that was active when it came.
 */
export class ExchangeFlow {
  /** What a summary says of it. */
  proxyName: string | undefined;
  endpoint: string | undefined;
  fault: Fault | undefined;

  /** Of the proxy, as soon as it is known; most have none. */
  #shape: AnswerShape | undefined;
  #matched: MatchedRoute | undefined;
  #exchange: Exchange | undefined;
  #call: UpstreamCall | undefined;
  #isContinueSent = false;

  constructor(
    private readonly context: FlowContext,
    private readonly flow: FlowRequest,
  ) {}

  /** Never throws; whatever happens, the client gets an answer or sees its connection end. */
  start(configuration: ActiveConfiguration | undefined): void {
    this.#guarded(() => {
      if (configuration === undefined) return this.#refuse({ name: 'notReady', reason: 'no configuration' });
      const preflight = findPreflight(configuration.router, this.flow.head);
      if (preflight !== undefined) {
        this.proxyName = nameOf(preflight.proxy);
        return writeAnswer(this.flow.response, preflight.answer, this.flow.client.correlationId);
      }
      const matched = this.#findRoute(configuration);
      if (matched === undefined) return;
      this.#matched = matched;
      if (!matched.route.readsRequestBody || !this.flow.head.hasBody) return this.#runRequest(matched, undefined);
      this.#holdBody(matched);
    });
  }

  /** The client is gone: so is its interest in the upstream's answer. */
  abandon(): void {
    this.#call?.abort();
  }

  #findRoute(configuration: ActiveConfiguration): MatchedRoute | undefined {
    const { head, client } = this.flow;
    const { method, hostName, path, headers } = head;
    const match = configuration.router.match(hostName, method, path, headers);
    const { variesBy } = match;
    const vary: Fault['headers'] = variesBy === undefined ? [] : [['Vary', variesBy.join(', ')]];
    if (match.kind === 'not-found') {
      return this.#refuse({ name: 'proxyNotFound', reason: 'no proxy', headers: vary });
    }
    if (match.kind === 'method-not-allowed') return this.#refuseMethod(match.allowed, vary);
    const { proxy, pathSuffix } = match;
    this.proxyName = nameOf(proxy);
    if (hasShape(match)) this.#shape = new AnswerShape(match, { head, client });
    const endpoint = proxy.matchEndpoint(method, pathSuffix);
    if (endpoint.kind === 'not-found') return this.#refuse({ name: 'endpointNotFound', reason: 'no endpoint' });
    if (endpoint.kind === 'method-not-allowed') return this.#refuseMethod(endpoint.allowed);
    this.endpoint = endpoint.route.endpoint;
    return { proxy, route: endpoint.route, pathSuffix };
  }

  #refuseMethod(allowed: readonly string[], more: Fault['headers'] = []): undefined {
    this.#refuse({ name: 'methodNotAllowed', reason: 'method', headers: [['Allow', allowed.join(', ')], ...more] });
  }

  #holdBody(matched: MatchedRoute): void {
    const { request, head, awaitsContinue } = this.flow;
    const limitBytes = this.context.maxBufferedBodyBytes;
    if ((head.contentLengthBytes ?? 0) > limitBytes) {
      return this.#refuse({ name: 'bodyTooLarge', reason: 'declared length' });
    }
    if (awaitsContinue) this.#sendContinue();
    this.#whenDone(holdBody(request, limitBytes), (held: HeldBody) => {
      if (held.kind === 'complete') return this.#runRequest(matched, held.body);
      if (held.kind === 'too-large') this.#refuse({ name: 'bodyTooLarge', reason: 'received length' });
    });
  }

  #runRequest(matched: MatchedRoute, body: Buffer | undefined): void {
    const exchange = this.#begin(matched, body);
    const verdict = matched.route.runRequest(exchange, exchange.startedAtMs);
    if (!(verdict instanceof Promise)) return this.#proceed(matched, exchange, verdict);
    this.#whenDone(verdict, (fault) => this.#proceed(matched, exchange, fault));
  }

  #begin(matched: MatchedRoute, body: Buffer | undefined): Exchange {
    const { head, client, request } = this.flow;
    this.#exchange = new Exchange(
      {
        method: head.method,
        path: head.path,
        queryString: head.queryString,
        rawHeaders: request.rawHeaders,
        httpVersion: request.httpVersion,
        peerAddress: client.peerAddress,
        clientAddress: client.clientAddress,
        host: head.host,
        scheme: client.scheme,
        body,
      },
      matched.proxy,
      matched.pathSuffix,
      this.context.nowMs(),
      client.correlationId,
    );
    return this.#exchange;
  }

  #proceed(matched: MatchedRoute, exchange: Exchange, fault: Fault | undefined): void {
    if (fault !== undefined) return this.#answer(fault);
    if (this.flow.response.destroyed) return;
    if (/(?:^|,)\s*websocket\s*(?:,|$)/i.test(this.flow.head.headers.upgrade ?? '')) {
      return this.#refuse({ name: 'upgradeNotSupported', reason: 'websocket' });
    }
    this.#forward(matched, exchange);
  }

  #forward({ proxy, route, pathSuffix }: MatchedRoute, exchange: Exchange): void {
    const { request, response, head, client } = this.flow;
    const shape = this.#shape;
    const relay = new ResponseRelay({
      response,
      exchange,
      route,
      correlationId: client.correlationId,
      isHttp11: request.httpVersionMinor === 1,
      nowMs: this.context.nowMs,
      shapeHeaders: shape && ((headers) => shape.headers(headers)),
      onFault: (fault) => this.#guarded(() => this.#answer(fault)),
      onRefusal: (refusal) => this.#guarded(() => this.#refuse(refusal)),
      onBroken: (error) => this.#breakOff(error),
    });
    const heldBody = exchange.request.body;
    this.#call = this.context.upstream.forward(
      proxy.artifact.upstream,
      {
        method: route.backendMethod ?? head.method,
        path: route.backendPath(pathSuffix),
        queryString: visibleQuery(head.queryString, exchange.hiddenQueryParameters),
        headers: upstreamHeaders({
          head,
          client,
          httpVersion: request.httpVersion,
          overrides: exchange.upstreamHeaders,
          isBodyHeld: heldBody !== undefined,
        }),
        body: heldBody ?? (head.hasBody ? new ClientBody(request, () => this.#sendContinue()) : undefined),
      },
      relay,
    );
    relay.attach(this.#call);
  }

  #sendContinue(): void {
    if (!this.flow.awaitsContinue || this.#isContinueSent) return;
    this.#isContinueSent = true;
    this.flow.response.writeContinue();
  }

  #refuse(refusal: GatewayRefusal): undefined {
    this.#answer(gatewayFault(refusal, this.flow.client.correlationId));
  }

  /** A fault becomes the answer, after the ERROR pipeline where there is a route (contract 5.2). */
  #answer(raised: Fault): void {
    // Apinizer's order: the template first, then the policies of the ERROR pipeline.
    const fault = this.#shape?.fault(raised) ?? raised;
    this.fault = fault;
    if (this.#matched === undefined) return this.#write(fault);
    // A body that is too large is refused before its policies have begun.
    const exchange = this.#exchange ?? this.#begin(this.#matched, undefined);
    const final = this.#matched.route.runError(exchange, fault, this.context.nowMs());
    if (!(final instanceof Promise)) return this.#write(final);
    this.#whenDone(final, (answer) => this.#write(answer));
  }

  #write(fault: Fault): void {
    writeAnswer(this.flow.response, this.#shape?.withHeaders(fault) ?? fault, this.flow.client.correlationId);
  }

  #whenDone<Value>(pending: Promise<Value>, then: (value: Value) => void): void {
    pending.then(then).catch((error: unknown) => this.#breakOff(error));
  }

  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#breakOff(error);
    }
  }

  /** Something that must not happen did: reported in full, answered without a word of it. */
  #breakOff(error: unknown): void {
    const { response, client } = this.flow;
    this.context.onError(error);
    this.#call?.abort();
    const refusal: GatewayRefusal = { name: 'internalError', reason: error instanceof Error ? error.name : 'unknown' };
    const fault = gatewayFault(refusal, client.correlationId);
    if (!response.headersSent) this.fault = fault;
    const shape = this.#shape;
    writeLastAnswer(response, shape?.withHeaders(shape.fault(fault)) ?? fault, client.correlationId);
  }
}
