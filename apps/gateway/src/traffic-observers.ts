import type { Logger } from '#libs/program-shell';
import { accessFacts } from './access-log/access-facts.ts';
import { AccessLog } from './access-log/access-log.ts';
import { openAccessOutput } from './access-log/access-output.ts';
import type { GatewayConfig } from './config/gateway.config.ts';
import type { ExchangeSummary } from './http-server/exchange-summary.ts';
import type { ExchangeTracer } from './http-server/exchange-trace.ts';
import { AccessLogMetrics } from './metrics/access-log-metrics.ts';
import type { GatewayMetrics } from './metrics/gateway-metrics.ts';
import { TraceMetrics } from './metrics/trace-metrics.ts';
import type { ProgramIdentity } from './tracing/span-exporter.ts';
import { Tracing } from './tracing/tracing.ts';

const STDOUT = 1;
const VERBOSE_LEVELS: ReadonlySet<string> = new Set(['debug', 'trace']);

export interface ObserverDeps {
  readonly config: Pick<GatewayConfig, 'accessLog' | 'traces' | 'logLevel'>;
  readonly program: ProgramIdentity;
  readonly logger: Logger;
  readonly metrics: GatewayMetrics;
}

type Observer = (exchange: ExchangeSummary) => void;

/** Whoever is told of every finished exchange: the metrics, and what was asked for beside them. */
export class TrafficObservers {
  private readonly accessLog: AccessLog | undefined;
  private readonly tracing: Tracing | undefined;
  private readonly beside: readonly Observer[];

  constructor(private readonly deps: ObserverDeps) {
    const { config, logger } = deps;
    this.accessLog = this.createAccessLog();
    this.tracing = this.createTracing();
    const { accessLog, tracing } = this;
    this.beside = [
      ...(accessLog === undefined ? [] : [(exchange: ExchangeSummary) => accessLog.note(exchange)]),
      ...(tracing === undefined ? [] : [(exchange: ExchangeSummary) => tracing.note(exchange)]),
      ...(VERBOSE_LEVELS.has(config.logLevel)
        ? [(exchange: ExchangeSummary) => logger.debug(accessFacts(exchange), 'exchange')]
        : []),
    ];
  }

  /** Undefined: no traces. */
  get tracer(): ExchangeTracer | undefined {
    return this.tracing?.tracer;
  }

  /** As `TrafficHandlerDeps.onExchange`. */
  readonly onExchange = (exchange: ExchangeSummary): void => {
    this.deps.metrics.exchanges.count(exchange);
    for (const note of this.beside) note(exchange);
  };

  /** Before traffic. */
  async open(): Promise<void> {
    await this.tracing?.open();
  }

  /** After the last exchange: what waits is written and sent. */
  async close(): Promise<void> {
    await this.tracing?.close();
    this.accessLog?.close();
  }

  private createAccessLog(): AccessLog | undefined {
    const { config, metrics } = this.deps;
    if (config.accessLog === undefined) return undefined;
    const counted = new AccessLogMetrics(metrics.registry);
    return new AccessLog(
      config.accessLog,
      openAccessOutput(STDOUT, () => counted.countDropped()),
    );
  }

  private createTracing(): Tracing | undefined {
    const { config, program, logger, metrics } = this.deps;
    if (config.traces === undefined) return undefined;
    const counted = new TraceMetrics(metrics.registry);
    const countSpans = counted.count.bind(counted);
    return new Tracing({ settings: config.traces, program, logger, countSpans });
  }
}
