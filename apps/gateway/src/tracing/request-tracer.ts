import type { ExchangeTrace, ExchangeTracer } from '../http-server/exchange-trace.ts';
import {
  handedOn,
  isRecorded,
  newSpanId,
  newTraceId,
  parentOf,
  traceparentOf,
  type ParentContext,
} from './trace-context.ts';

/** What was noted of one request while it was under way. Its spans are made of it when it is over. */
export class RequestTrace implements ExchangeTrace {
  readonly traceId: string;
  readonly isSampled: boolean;
  /** Of the span of the request here. */
  readonly spanId = newSpanId();
  /** Of the span of the request to the upstream: what the upstream's own hang from. */
  readonly upstreamSpanId = newSpanId();
  policiesBeganAt: number | undefined = undefined;
  policiesEndedAt: number | undefined = undefined;

  constructor(
    readonly parent: ParentContext | undefined,
    readonly tracestate: string | undefined,
    ratio: number,
  ) {
    this.traceId = parent?.traceId ?? newTraceId();
    this.isSampled = parent?.isSampled ?? isRecorded(this.traceId, ratio);
  }

  get traceparent(): string {
    return traceparentOf(this.traceId, this.upstreamSpanId, this.isSampled);
  }

  policiesBegan(): void {
    this.policiesBeganAt = performance.now();
  }

  policiesEnded(): void {
    this.policiesEndedAt = performance.now();
  }
}

/** Takes up the traces of callers, and begins one where there is none. */
export class RequestTracer implements ExchangeTracer {
  /** @param ratio share of the traces that begin here which is recorded, 0 to 1 */
  constructor(private readonly ratio: number) {}

  begin(traceparent: string | undefined, tracestate: string | undefined): RequestTrace {
    const parent = parentOf(traceparent);
    return new RequestTrace(parent, parent && handedOn(tracestate), this.ratio);
  }
}
