import type { LinkedProxy } from '#libs/policy-runtime';
import type { UpstreamFacts } from '../upstream/call-record.ts';
import type { ClientAnswer, HttpVersion } from './client-exchange.ts';
import type { ExchangeFlow, FlowRequest } from './exchange-flow.ts';
import type { ExchangeTrace } from './exchange-trace.ts';
import type { RequestHead } from './request-head.ts';

/** Why something else than the upstream's answer was sent. `reason` is for logs, and bounded like a code. */
export interface FaultSummary {
  readonly name: string;
  /** Of the policy that raised it; `''`: the gateway itself. */
  readonly policy: string;
  readonly reason: string;
}

/**
 * One finished exchange, for metrics, traces and the access log. Holds no header, query, token or body. Of a request that
 * was refused at the door most is unknown.
 */
export interface ExchangeSummary {
  readonly correlationId: string;
  readonly method: string;
  /** `project/proxy` when one was found. */
  readonly proxy: string | undefined;
  readonly endpoint: string | undefined;
  readonly revision: number | undefined;
  /** Base path and path template of the endpoint: where the request went, whatever its parameters. */
  readonly route: string | undefined;
  /** Whether any request policy stood before the upstream. */
  readonly hasPolicies: boolean;
  /** Authority as the client named it. */
  readonly host: string;
  /** Normalised, percent-encoded; without the query, which may hold a token. */
  readonly path: string;
  readonly scheme: 'http' | 'https';
  readonly httpVersion: HttpVersion | undefined;
  readonly clientAddress: string;
  /** Status that was sent; `undefined` when the client left before. */
  readonly status: number | undefined;
  /** When its head was read, as `performance.now()` tells it. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** False when either side broke off before the answer was complete. */
  readonly isComplete: boolean;
  /** Of the answer's body, before any is lost on its way; undefined when not known. */
  readonly bodyBytes: number | undefined;
  readonly fault: FaultSummary | undefined;
  /** Undefined when nothing was forwarded. */
  readonly upstream: UpstreamFacts | undefined;
  readonly trace: ExchangeTrace | undefined;
}

/**
 * Answers only what somebody asks for: of most exchanges that is little. What it asks is private to the language: whoever
 * prints one whole, as loggers do, must not print the query and the headers of its request.
 */
export class FinishedExchange implements ExchangeSummary {
  readonly #asked: FlowRequest;
  readonly #flow: ExchangeFlow | undefined;
  readonly status: number | undefined;
  readonly durationMs: number;
  readonly isComplete: boolean;

  /** @param flow undefined: the token endpoints answered */
  constructor(
    asked: FlowRequest,
    flow: ExchangeFlow | undefined,
    readonly startedAt: number,
  ) {
    this.#asked = asked;
    this.#flow = flow;
    const { answer } = asked;
    this.status = answer.isBegun ? answer.status : undefined;
    this.isComplete = answer.isComplete;
    this.durationMs = performance.now() - startedAt;
  }

  get correlationId(): string {
    return this.#asked.client.correlationId;
  }

  get method(): string {
    return this.#asked.head.method;
  }

  get proxy(): string | undefined {
    return this.#flow?.proxyName;
  }

  get endpoint(): string | undefined {
    return this.#flow?.endpoint;
  }

  get revision(): number | undefined {
    return this.#flow?.matched?.proxy.artifact.revision;
  }

  get route(): string | undefined {
    const matched = this.#flow?.matched;
    return matched && routeOf(this.#asked.head, matched.pathSuffix, this.endpoint);
  }

  get hasPolicies(): boolean {
    const matched = this.#flow?.matched;
    return matched !== undefined && hasRequestPolicies(matched.proxy, this.endpoint);
  }

  get host(): string {
    return this.#asked.head.host;
  }

  get path(): string {
    return this.#asked.head.path;
  }

  get scheme(): 'http' | 'https' {
    return this.#asked.client.scheme;
  }

  get httpVersion(): HttpVersion {
    return this.#asked.request.httpVersion;
  }

  get clientAddress(): string {
    return this.#asked.client.clientAddress;
  }

  get fault(): FaultSummary | undefined {
    return this.#flow?.fault;
  }

  get upstream(): UpstreamFacts | undefined {
    return this.#flow?.upstream;
  }

  get trace(): ExchangeTrace | undefined {
    return this.#asked.trace;
  }

  get bodyBytes(): number | undefined {
    const flow = this.#flow;
    if (flow?.fault !== undefined) return Buffer.byteLength(flow.fault.body);
    return flow?.upstream?.receivedBytes;
  }
}

const routeOf = (head: RequestHead, pathSuffix: string, endpoint = ''): string => {
  const basePath = head.path.slice(0, head.path.length - pathSuffix.length);
  return `${basePath}${endpoint}` || '/';
};

const hasRequestPolicies = ({ artifact }: LinkedProxy, endpoint: string | undefined): boolean =>
  artifact.pipelines.request.length > 0 ||
  artifact.endpoints.some(({ name, pipelines }) => name === endpoint && pipelines.request.length > 0);

/** A request that was refused before it was understood. */
export interface RefusedRequest {
  readonly correlationId: string;
  readonly method: string;
  readonly status: number;
  readonly startedAt: number;
  readonly fault: FaultSummary;
  readonly answer: Pick<ClientAnswer, 'isComplete'>;
}

/** What is known of a request that was refused at the door: nothing of what it said is repeated. */
export function refusedExchange(refused: RefusedRequest): ExchangeSummary {
  const { correlationId, method, status, startedAt, fault, answer } = refused;
  const unknown = { proxy: undefined, endpoint: undefined, revision: undefined, route: undefined, trace: undefined };
  return {
    ...unknown,
    ...{ correlationId, method, status, startedAt, hasPolicies: false, host: '', path: '', scheme: 'http' },
    ...{ httpVersion: undefined, clientAddress: '', bodyBytes: undefined, upstream: undefined },
    durationMs: performance.now() - startedAt,
    isComplete: answer.isComplete,
    fault: { name: fault.name, policy: '', reason: fault.reason },
  };
}
