import { Counter, type Registry } from 'prom-client';

export type SpanOutcome = 'exported' | 'failed' | 'dropped';

/** What becomes of the spans of recorded traces. */
export class TraceMetrics {
  private readonly spans: Counter<'outcome'>;

  constructor(registry: Registry) {
    this.spans = new Counter({
      name: 'gatewarden_trace_spans_total',
      help: 'Spans by what became of them: taken by the collector, not taken, or lost because too many waited',
      labelNames: ['outcome'],
      registers: [registry],
    });
  }

  count(outcome: SpanOutcome, spans: number): void {
    this.spans.inc({ outcome }, spans);
  }
}
