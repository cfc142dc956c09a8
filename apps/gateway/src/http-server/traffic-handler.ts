import { randomUUID } from 'node:crypto';
import type { UpstreamPool } from '../upstream/upstream-pool.ts';
import { Admission, memoryUsePercent, type Overload } from './admission.ts';
import { BodyWatch } from './body-watch.ts';
import type { ActiveConfiguration } from './active-configuration.ts';
import type { ClientAnswer, ClientRequest } from './client-exchange.ts';
import { clientFactsOf } from './client-facts.ts';
import { ExchangeFlow, type FlowContext, type FlowRequest } from './exchange-flow.ts';
import { FinishedExchange, refusedExchange, type ExchangeSummary, type RefusedRequest } from './exchange-summary.ts';
import type { ExchangeTracer } from './exchange-trace.ts';
import { writeAnswer, writeLastAnswer } from './fault-answer.ts';
import { gatewayFault, type GatewayRefusal } from './gateway-faults.ts';
import type { GatewaySettings } from './gateway-settings.ts';
import { PassedHeads } from './passed-head.ts';
import { readRequestHead } from './request-head.ts';
import type { TokenEndpointPort } from './token-endpoint.port.ts';
import { answerTokenRequest } from './token-flow.ts';
import { TrustedProxies } from '#libs/client-addresses';

export interface TrafficHandlerDeps {
  /** Asked once per request, which keeps the proxy that it found there; `undefined` is a 503. */
  readonly current: () => ActiveConfiguration | undefined;
  readonly tokenEndpoint: TokenEndpointPort;
  readonly upstream: UpstreamPool;
  readonly settings: GatewaySettings;
  /** Called once per request, when its answer is out or its connection gone. */
  readonly onExchange?: ((summary: ExchangeSummary) => void) | undefined;
  /** Undefined: nobody asked for traces. */
  readonly tracer?: ExchangeTracer | undefined;
  /** A request was refused because there is too much to do. `reason` is one of few. */
  readonly onOverload?: ((reason: string) => void) | undefined;
  /** Something that must not happen did; the client got a 500 without its text. */
  readonly onError: (error: unknown) => void;
  /** Milliseconds since the epoch. Default: the system's clock. */
  readonly nowMs?: (() => number) | undefined;
}

/** What becomes of every request, whoever read it from its connection. */
export class TrafficHandler {
  readonly #trusted: TrustedProxies;
  readonly #nowMs: () => number;
  readonly #flowContext: FlowContext;
  readonly #admission: Admission;
  readonly #bodies: BodyWatch;

  /** @throws InvalidTrustedProxy */
  constructor(private readonly deps: TrafficHandlerDeps) {
    this.#trusted = new TrustedProxies(deps.settings.trustedProxies);
    this.#nowMs = deps.nowMs ?? Date.now;
    const { upstream, onError, settings } = deps;
    this.#admission = new Admission(settings.limits, () => memoryUsePercent(settings.processes));
    this.#bodies = new BodyWatch(settings.limits);
    this.#flowContext = {
      upstream,
      limits: settings.limits,
      heads: new PassedHeads(),
      nowMs: this.#nowMs,
      onError,
    };
  }

  /** Requests whose answers are not out. */
  get inFlight(): number {
    return this.#admission.inFlight;
  }

  /** Never throws; whatever happens, the client gets an answer or sees its connection end. */
  handle(request: ClientRequest, answer: ClientAnswer): void {
    const startedAt = performance.now();
    const outcome = readRequestHead(request, this.deps.settings.limits);
    if (!outcome.ok) return this.refuse(request.method, answer, outcome.refusal);
    const { head } = outcome;
    const overload = this.#admission.enter(startedAt);
    if (overload !== undefined) return this.#turnAway(request, answer, overload);
    const client = clientFactsOf(request.connection, head.headers, this.#trusted, this.deps.settings.addsForwarded);
    const { settings, tokenEndpoint, tracer, onError } = this.deps;
    const trace = tracer?.begin(head.headers.value('traceparent'), head.headers.value('tracestate'));
    const flowRequest: FlowRequest = { request, answer, head, client, trace };
    if (tokenEndpoint.owns(head.path)) {
      answer.onOver(() => this.#finish(flowRequest, startedAt, undefined));
      const { maxTokenBodyBytes } = settings.limits;
      this.#watchBody(flowRequest, startedAt, (refusal) => {
        answer.closeAfterwards();
        writeLastAnswer(answer, gatewayFault(refusal, client.correlationId), client.correlationId);
      });
      void answerTokenRequest(flowRequest, { tokenEndpoint, maxTokenBodyBytes, nowMs: this.#nowMs, onError });
      return;
    }
    const flow = new ExchangeFlow(this.#flowContext, flowRequest);
    answer.onOver(() => this.#finish(flowRequest, startedAt, flow));
    this.#watchBody(flowRequest, startedAt, (refusal) => flow.refuseBody(refusal));
    flow.start(this.deps.current());
  }

  /** A request that is refused at the door: mostly what follows on its connection is not trusted either. */
  refuse(method: string, answer: ClientAnswer, refusal: GatewayRefusal, keepsConnection = false): void {
    const startedAt = performance.now();
    const correlationId = randomUUID();
    const fault = gatewayFault(refusal, correlationId);
    if (!keepsConnection) answer.closeAfterwards();
    answer.onOver(() => this.refused({ correlationId, method, status: fault.status, startedAt, fault, answer }));
    writeAnswer(answer, fault, correlationId);
  }

  /** Tells of a request that was refused, by whoever read its connection too. */
  refused(request: RefusedRequest): void {
    this.deps.onExchange?.(refusedExchange(request));
  }

  /** Its connection stays where nothing of the request is still to come. */
  #turnAway({ method, body }: ClientRequest, answer: ClientAnswer, overload: Overload): void {
    this.deps.onOverload?.(overload);
    const refusal = { name: 'overloaded', reason: overload, headers: [['Retry-After', '1']] } as const;
    this.refuse(method, answer, refusal, body === undefined || Buffer.isBuffer(body));
  }

  #watchBody(
    { request: { body }, head }: FlowRequest,
    startedAt: number,
    refuse: (refusal: GatewayRefusal) => void,
  ): void {
    if (head.hasBody && body !== undefined && !Buffer.isBuffer(body)) this.#bodies.watch(body, startedAt, refuse);
  }

  #finish(asked: FlowRequest, startedAt: number, flow: ExchangeFlow | undefined): void {
    const { answer } = asked;
    const { body } = asked.request;
    this.#admission.left();
    if (body !== undefined && !Buffer.isBuffer(body)) this.#bodies.release(body);
    if (!answer.isComplete) {
      // An answer that waited in line does not know yet that nobody will read it.
      answer.breakOff();
      flow?.abandon();
    }
    this.deps.onExchange?.(new FinishedExchange(asked, flow, startedAt));
  }
}
