import type { Logger } from '#libs/program-shell';
import type { TraceSettings } from '../config/observability-settings.ts';
import type { ExchangeSummary } from '../http-server/exchange-summary.ts';
import { ExchangeSpans } from './exchange-spans.ts';
import { RequestTrace, RequestTracer } from './request-tracer.ts';
import { loadExporter, type LoadedExporter, type ProgramIdentity } from './span-exporter.ts';
import { SpanQueue } from './span-queue.ts';

const FLUSH_TIMEOUT_MS = 3_000;

export interface TracingDeps {
  readonly settings: TraceSettings;
  readonly program: ProgramIdentity;
  readonly logger: Logger;
  /** How long a flush waits for spans to leave. */
  readonly flushTimeoutMs?: number;
  readonly countSpans: (outcome: 'exported' | 'failed' | 'dropped', spans: number) => void;
}

/** The traces of a gateway that was asked for them. */
export class Tracing {
  readonly tracer: RequestTracer;
  private exporter: LoadedExporter | undefined;
  private queue: SpanQueue | undefined;
  private isCollectorAway = false;

  constructor(private readonly deps: TracingDeps) {
    this.tracer = new RequestTracer(deps.settings.ratio);
  }

  /** Loads what is needed to send. Before traffic: spans of requests that end earlier are not there. */
  async open(): Promise<void> {
    const { settings, program } = this.deps;
    const exporter = await loadExporter(settings, program);
    this.exporter = exporter;
    this.queue = new SpanQueue(exporter.send, {
      onSent: (spans) => this.sent(spans),
      onLost: (spans, why) => this.lost(spans, why),
    });
  }

  /** Makes the spans of an exchange that is over. */
  note(exchange: ExchangeSummary): void {
    const { trace } = exchange;
    if (!(trace instanceof RequestTrace) || !trace.isSampled) return;
    if (this.exporter === undefined || this.queue === undefined) return;
    this.queue.add(new ExchangeSpans(this.exporter.origin, exchange, trace).all());
  }

  /** Sends what waits, for a short time. */
  async flush(): Promise<void> {
    await this.queue?.flush(this.deps.flushTimeoutMs ?? FLUSH_TIMEOUT_MS);
  }

  /** The last flush: what did not leave is lost, and nobody waits for a batch that is still on its way. */
  async close(): Promise<void> {
    await this.queue?.close(this.deps.flushTimeoutMs ?? FLUSH_TIMEOUT_MS);
    void this.exporter?.close().catch(() => undefined);
  }

  private sent(spans: number): void {
    this.deps.countSpans('exported', spans);
    if (this.isCollectorAway) this.deps.logger.info('the trace collector takes spans again');
    this.isCollectorAway = false;
  }

  /** Said once until it works again. */
  private lost(spans: number, why: string): void {
    this.deps.countSpans(why === 'full' ? 'dropped' : 'failed', spans);
    if (this.isCollectorAway) return;
    this.isCollectorAway = true;
    const { host } = new URL(this.deps.settings.endpoint);
    this.deps.logger.warn({ collector: host, why }, 'spans are lost: the trace collector does not take them');
  }
}
