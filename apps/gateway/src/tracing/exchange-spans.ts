import {
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Attributes,
  type HrTime,
  type SpanContext,
} from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { ExchangeSummary } from '../http-server/exchange-summary.ts';
import type { UpstreamFacts } from '../upstream/call-record.ts';
import type { RequestTrace } from './request-tracer.ts';
import { newSpanId } from './trace-context.ts';

/** What all spans have in common. */
export interface SpanOrigin {
  readonly resource: Resource;
  readonly instrumentationScope: ReadableSpan['instrumentationScope'];
}

/** What is particular to one span. Times are those of `performance.now()`. */
interface SpanParts {
  readonly name: string;
  readonly kind: SpanKind;
  readonly spanId: string;
  readonly parent: SpanContext | undefined;
  readonly from: number;
  readonly to: number;
  readonly attributes: Attributes;
  readonly isError: boolean;
}

const MS_PER_SECOND = 1_000;
const NS_PER_MS = 1_000_000;
/** RFC 9110 section 9.3 and RFC 5789; others are `_OTHER`, by the semantic conventions: clients may send anything. */
const METHODS: ReadonlySet<string> = new Set([
  ...['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE'],
]);
const OTHER = '_OTHER';
/** Longer texts of clients are cut: so many spans wait for a collector that paths of a MiB would fill the memory. */
const LONGEST_TEXT = 1_024;

/** A copy, where it is cut: a part of a text keeps all of it in memory. */
const cut = (text: string): string =>
  text.length > LONGEST_TEXT ? Buffer.from(text.slice(0, LONGEST_TEXT)).toString() : text;

function hrTime(epochMs: number): HrTime {
  const seconds = Math.floor(epochMs / MS_PER_SECOND);
  return [seconds, Math.round((epochMs - seconds * MS_PER_SECOND) * NS_PER_MS)];
}

/** Host and port of an authority or an origin, as the semantic conventions name them. */
function serverOf(authority: string): Attributes {
  const [, address, port] = /^(?:[a-z]+:\/\/)?(\[[^\]]*\]|[^:]*)(?::(\d+))?$/i.exec(authority) ?? [];
  if (address === undefined || address === '') return {};
  const known = { 'server.address': address.replace(/^\[|\]$/g, '') };
  return port === undefined ? known : { ...known, 'server.port': Number(port) };
}

/** Of an exchange as the client saw it; undefined: nothing went wrong on this side. */
function errorOf({ status, fault, isComplete }: ExchangeSummary): string | undefined {
  if (status !== undefined && status >= 500) return fault?.name ?? String(status);
  return isComplete ? undefined : 'broken-off';
}

const defined = (attributes: Readonly<Record<string, string | number | undefined>>): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));

/** Attributes by the stable semantic conventions for HTTP servers; `gatewarden.…` are our own. */
function serverAttributes(exchange: ExchangeSummary): Attributes {
  const { method, fault } = exchange;
  return {
    ...defined({
      'http.request.method': METHODS.has(method) ? method : OTHER,
      'http.route': exchange.route,
      'http.response.status_code': exchange.status,
      'url.path': cut(exchange.path),
      'url.scheme': exchange.scheme,
      'client.address': exchange.clientAddress,
      'network.protocol.version': exchange.httpVersion === '2.0' ? '2' : exchange.httpVersion,
      'error.type': errorOf(exchange),
      'gatewarden.correlation_id': exchange.correlationId,
      'gatewarden.proxy': exchange.proxy,
      'gatewarden.revision': exchange.revision,
      'gatewarden.fault': fault?.name,
      'gatewarden.policy': fault?.policy === '' ? undefined : fault?.policy,
    }),
    ...serverOf(cut(exchange.host)),
  };
}

function upstreamAttributes(method: string, { status, attempts, origin, failure }: UpstreamFacts): Attributes {
  return {
    ...defined({
      'http.request.method': METHODS.has(method) ? method : OTHER,
      'http.response.status_code': status,
      'http.request.resend_count': attempts > 1 ? attempts - 1 : undefined,
      'error.type': failure ?? (status !== undefined && status >= 400 ? String(status) : undefined),
    }),
    ...serverOf(origin),
  };
}

/** The spans of one finished exchange: itself, its request policies, and its request to the upstream. */
export class ExchangeSpans {
  /** From `performance.now()` to the epoch, as the system's clock tells it now: it may have been set since the start. */
  private readonly toEpochMs = Date.now() - performance.now();

  constructor(
    private readonly origin: SpanOrigin,
    private readonly exchange: ExchangeSummary,
    private readonly trace: RequestTrace,
  ) {}

  all(): readonly ReadableSpan[] {
    const { exchange } = this;
    const spans = [this.server()];
    const { policiesBeganAt, policiesEndedAt } = this.trace;
    if (exchange.hasPolicies && policiesBeganAt !== undefined && policiesEndedAt !== undefined) {
      spans.push(this.policies(policiesBeganAt, policiesEndedAt));
    }
    if (exchange.upstream !== undefined) spans.push(this.upstream(exchange.upstream));
    return spans;
  }

  private server(): ReadableSpan {
    const { exchange, trace } = this;
    const { method, route, startedAt, durationMs } = exchange;
    const verb = METHODS.has(method) ? method : 'HTTP';
    return this.span({
      name: route === undefined ? verb : `${verb} ${route}`,
      kind: SpanKind.SERVER,
      spanId: trace.spanId,
      parent: trace.parent && { ...this.context(trace.parent.spanId), isRemote: true },
      from: startedAt,
      to: startedAt + durationMs,
      attributes: serverAttributes(exchange),
      isError: errorOf(exchange) !== undefined,
    });
  }

  private policies(from: number, to: number): ReadableSpan {
    const { fault } = this.exchange;
    const refusedBy = fault === undefined || fault.policy === '' ? undefined : fault;
    return this.span({
      ...{
        name: 'request policies',
        kind: SpanKind.INTERNAL,
        spanId: newSpanId(),
        parent: this.context(this.trace.spanId),
      },
      ...{ from, to, isError: false },
      attributes: defined({ 'gatewarden.policy': refusedBy?.policy, 'gatewarden.fault': refusedBy?.name }),
    });
  }

  private upstream(facts: UpstreamFacts): ReadableSpan {
    const { method, startedAt, durationMs } = this.exchange;
    const attributes = upstreamAttributes(method, facts);
    return this.span({
      ...{ name: METHODS.has(method) ? method : 'HTTP', kind: SpanKind.CLIENT, spanId: this.trace.upstreamSpanId },
      parent: this.context(this.trace.spanId),
      from: facts.sentAt,
      to: facts.endedAt ?? startedAt + durationMs,
      attributes,
      isError: attributes['error.type'] !== undefined,
    });
  }

  private context(spanId: string): SpanContext {
    return { traceId: this.trace.traceId, spanId, traceFlags: TraceFlags.SAMPLED };
  }

  private span(parts: SpanParts): ReadableSpan {
    const { name, kind, spanId, parent, from, to, attributes, isError } = parts;
    const context = this.context(spanId);
    return {
      ...{ name, kind, attributes, ...this.origin },
      spanContext: () => context,
      ...(parent && { parentSpanContext: parent }),
      startTime: hrTime(this.toEpochMs + from),
      endTime: hrTime(this.toEpochMs + to),
      duration: hrTime(to - from),
      status: { code: isError ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
      ...{ links: [], events: [], ended: true },
      ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
    };
  }
}
