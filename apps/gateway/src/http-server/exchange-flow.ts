import { Exchange, type Fault, type LinkedProxy, type LinkedRoute } from '#libs/policy-runtime';
import type { UpstreamFacts } from '../upstream/call-record.ts';
import type { UpstreamCall } from '../upstream/upstream-call.ts';
import type { UpstreamPool } from '../upstream/upstream-pool.ts';
import type { ActiveConfiguration } from './active-configuration.ts';
import { AnswerShape, hasShape } from './answer-shape.ts';
import { ClientBody } from './client-body.ts';
import type { ClientAnswer, ClientRequest } from './client-exchange.ts';
import type { ClientFacts } from './client-facts.ts';
import type { ExchangeTrace } from './exchange-trace.ts';
import { writeAnswer, writeLastAnswer } from './fault-answer.ts';
import { gatewayFault, type GatewayRefusal } from './gateway-faults.ts';
import { holdBody, type HeldBody } from './held-body.ts';
import type { PassedHeads } from './passed-head.ts';
import { findPreflight } from './preflight.ts';
import type { RequestHead } from './request-head.ts';
import type { RequestLimits } from './request-limits.ts';
import { ResponseRelay } from './response-relay.ts';
import { upstreamHeaders, visibleQuery } from './upstream-headers.ts';

/** What one request came with. */
export interface FlowRequest {
  readonly request: ClientRequest;
  readonly answer: ClientAnswer;
  readonly head: RequestHead;
  readonly client: ClientFacts;
  /** Undefined where nobody asked for traces. */
  readonly trace: ExchangeTrace | undefined;
}

/** What all requests share. */
export interface FlowContext {
  readonly upstream: UpstreamPool;
  readonly limits: RequestLimits;
  readonly heads: PassedHeads;
  readonly nowMs: () => number;
  readonly onError: (error: unknown) => void;
}

export interface MatchedRoute {
  readonly proxy: LinkedProxy;
  readonly route: LinkedRoute;
  readonly pathSuffix: string;
}

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
  /** Whose policies see a fault: known as soon as the proxy is, though no endpoint of it takes the request. */
  #place: MatchedRoute | undefined;
  #exchange: Exchange | undefined;
  #call: UpstreamCall | undefined;
  #relay: ResponseRelay | undefined;
  #isAnswering = false;
  #isContinueSent = false;
  #isBodyRefused = false;

  constructor(
    private readonly context: FlowContext,
    private readonly flow: FlowRequest,
  ) {}

  /** Where it went; undefined when there was no such place. */
  get matched(): MatchedRoute | undefined {
    return this.#matched;
  }

  /** What became of it at the upstream; undefined when it was not forwarded. */
  get upstream(): UpstreamFacts | undefined {
    return this.#call?.record;
  }

  /** Never throws; whatever happens, the client gets an answer or sees its connection end. */
  start(configuration: ActiveConfiguration | undefined): void {
    this.#guarded(() => {
      if (configuration === undefined) return this.#refuse({ name: 'notReady', reason: 'no configuration' });
      const preflight = findPreflight(configuration.router, this.flow.head);
      if (preflight !== undefined) {
        this.proxyName = preflight.proxy.name;
        return writeAnswer(this.flow.answer, preflight.answer, this.flow.client.correlationId);
      }
      const matched = this.#findRoute(configuration);
      if (matched === undefined) return;
      this.#matched = this.#place = matched;
      if (this.#isDeclaredTooLarge()) return this.#refuse({ name: 'bodyTooLarge', reason: 'declared length' });
      if (!matched.route.readsRequestBody || !this.flow.head.hasBody) return this.#runRequest(matched, undefined);
      this.#holdBody(matched);
    });
  }

  /** The client is gone: so is its interest in the upstream's answer. */
  abandon(): void {
    this.#relay?.abandon();
  }

  /** Too large or too slow. What of it went to the upstream never looks complete there. */
  refuseBody(refusal: GatewayRefusal): void {
    if (this.#isBodyRefused) return;
    this.#isBodyRefused = true;
    this.#guarded(() => {
      const { answer } = this.flow;
      this.abandon();
      if (answer.isBegun) return answer.breakOff();
      if (refusal.name === 'requestTimeout') answer.closeAfterwards();
      this.#refuse(refusal);
    });
  }

  /** RFC 9110 section 15.5.14; before policies, and before `100 Continue`. */
  #isDeclaredTooLarge(): boolean {
    const { maxBodyBytes } = this.context.limits;
    return maxBodyBytes > 0 && (this.flow.head.contentLengthBytes ?? 0) > maxBodyBytes;
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
    this.proxyName = proxy.name;
    if (hasShape(match)) this.#shape = new AnswerShape(match, { head, client });
    const endpoint = proxy.matchEndpoint(method, pathSuffix);
    if (endpoint.kind !== 'matched') {
      this.#place = { proxy, route: proxy.outsideEndpoints, pathSuffix };
      if (endpoint.kind === 'method-not-allowed') return this.#refuseMethod(endpoint.allowed);
      return this.#refuse({ name: 'endpointNotFound', reason: 'no endpoint' });
    }
    this.endpoint = endpoint.route.endpoint;
    return { proxy, route: endpoint.route, pathSuffix };
  }

  #refuseMethod(allowed: readonly string[], more: Fault['headers'] = []): undefined {
    this.#refuse({ name: 'methodNotAllowed', reason: 'method', headers: [['Allow', allowed.join(', ')], ...more] });
  }

  #holdBody(matched: MatchedRoute): void {
    const { request, head } = this.flow;
    const limitBytes = this.context.limits.maxBufferedBodyBytes;
    if ((head.contentLengthBytes ?? 0) > limitBytes) {
      return this.#refuse({ name: 'bodyTooLarge', reason: 'declared length' });
    }
    this.#sendContinue();
    this.#whenDone(holdBody(request.body, limitBytes), (held: HeldBody) => {
      if (this.#isBodyRefused) return;
      if (held.kind === 'complete') return this.#runRequest(matched, held.body);
      if (held.kind === 'too-large') this.#refuse({ name: 'bodyTooLarge', reason: 'received length' });
    });
  }

  #runRequest(matched: MatchedRoute, body: Buffer | undefined): void {
    const exchange = this.#begin(matched, body);
    this.flow.trace?.policiesBegan();
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
    this.flow.trace?.policiesEnded();
    if (this.#isBodyRefused) return;
    if (fault !== undefined) return this.#answer(fault);
    if (this.flow.answer.isGone) return;
    this.#forward(matched, exchange);
  }

  #forward({ proxy, route, pathSuffix }: MatchedRoute, exchange: Exchange): void {
    const { request, answer, head, client, trace } = this.flow;
    const shape = this.#shape;
    if (trace !== undefined) {
      exchange.upstreamHeaders.set('traceparent', trace.traceparent).set('tracestate', trace.tracestate);
    }
    const relay = new ResponseRelay({
      answer,
      exchange,
      route,
      heads: this.context.heads,
      correlationId: client.correlationId,
      upgrade: request.upgrade,
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
          overrides: exchange.changedUpstreamHeaders,
          isBodyHeld: heldBody !== undefined,
        }),
        body: heldBody ?? this.#bodyOf(head),
        upgrade: request.upgrade?.protocol,
      },
      relay,
    );
    this.#relay = relay;
    relay.attach(this.#call);
  }

  #sendContinue(): void {
    if (!this.flow.request.awaitsContinue || this.#isContinueSent) return;
    this.#isContinueSent = true;
    this.flow.answer.continue();
  }

  #bodyOf({ hasBody }: RequestHead): Buffer | ClientBody | undefined {
    const { body } = this.flow.request;
    if (!hasBody || body === undefined || Buffer.isBuffer(body))
      return hasBody ? (body as Buffer | undefined) : undefined;
    return new ClientBody(body, () => this.#sendContinue());
  }

  #refuse(refusal: GatewayRefusal): undefined {
    this.#answer(gatewayFault(refusal, this.flow.client.correlationId));
  }

  /**
   * A fault becomes the answer, after the ERROR pipeline where there is a proxy (contract 5.2). The first one: what else
   * goes wrong while its policies wait changes nothing.
   */
  #answer(raised: Fault): void {
    if (this.#isAnswering) return;
    this.#isAnswering = true;
    // Apinizer's order: the template first, then the policies of the ERROR pipeline.
    const fault = this.#shape?.fault(raised) ?? raised;
    this.fault = fault;
    if (this.#place === undefined) return this.#write(fault);
    // A body that is too large is refused before its policies have begun.
    const exchange = this.#exchange ?? this.#begin(this.#place, undefined);
    const final = this.#place.route.runError(exchange, fault, this.context.nowMs());
    if (!(final instanceof Promise)) return this.#write(final);
    this.#whenDone(final, (answer) => this.#write(answer));
  }

  #write(fault: Fault): void {
    writeAnswer(this.flow.answer, this.#shape?.withHeaders(fault) ?? fault, this.flow.client.correlationId);
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
    const { answer, client } = this.flow;
    this.context.onError(error);
    this.abandon();
    const refusal: GatewayRefusal = { name: 'internalError', reason: error instanceof Error ? error.name : 'unknown' };
    const fault = gatewayFault(refusal, client.correlationId);
    if (!answer.isBegun) this.fault = fault;
    const shape = this.#shape;
    writeLastAnswer(answer, shape?.withHeaders(shape.fault(fault)) ?? fault, client.correlationId);
  }
}
