/**
 * The trace of one exchange under way (W3C Trace Context): what is sent on, and what is noted for its spans. Times are
 * those of `performance.now()`.
 */
export interface ExchangeTrace {
  /** 32 hex digits. */
  readonly traceId: string;
  /** For the upstream. */
  readonly traceparent: string;
  /** For the upstream: what came with the client's own traceparent. */
  readonly tracestate: string | undefined;
  policiesBegan(): void;
  policiesEnded(): void;
}

/** Begins traces; there is none where nobody asked for traces. */
export interface ExchangeTracer {
  /** From the client's headers of these names. They come from anybody: nothing but the trace may hang on them. */
  begin(traceparent: string | undefined, tracestate: string | undefined): ExchangeTrace;
}
