import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { ExchangeMetrics } from './exchange-metrics.ts';
import { REPORTED_PROBLEMS, type ReportedProblem } from './reported-problems.ts';

/** What the configuration is like now; asked for when the metrics are read. */
export interface ConfigurationFacts {
  readonly deployment: number;
  readonly proxies: number;
  readonly rejected: number;
  /** Since the configuration was last compared with Redis; since the start when it never was. */
  readonly ageSeconds: number;
  readonly isRedisUp: boolean;
}

/** The metrics of one gateway, in a registry of its own. No label holds text that a client chose. */
export class GatewayMetrics {
  readonly registry = new Registry();
  readonly exchanges = new ExchangeMetrics(this.registry);
  private readonly reports: Counter<'problem'>;
  private readonly droppedHeaders: Counter;
  private readonly ignoredReferences: Counter;

  constructor() {
    const registers = [this.registry];
    this.reports = new Counter({
      name: 'gatewarden_reports_total',
      help: 'What a gateway refused, missed or found broken, by problem',
      labelNames: ['problem'],
      registers,
    });
    for (const problem of REPORTED_PROBLEMS) this.reports.inc({ problem }, 0);
    this.droppedHeaders = new Counter({
      name: 'gatewarden_dropped_headers_total',
      help: 'Forwarded variables that may not stand in a header',
      registers,
    });
    this.ignoredReferences = new Counter({
      name: 'gatewarden_ignored_references_total',
      help: 'Checks that demanded nothing of a request: their variable was not set, and the policy ignores that',
      registers,
    });
  }

  /** Adds what needs to be asked for: the configuration's gauges and those of the process. Once. */
  observe(facts: () => ConfigurationFacts): void {
    // Of several workers each gauge is that of the one that is worst off.
    type Value = (now: ConfigurationFacts) => number;
    const gauge = (aggregator: 'min' | 'max', name: string, help: string, value: Value): void => {
      const registers = [this.registry];
      new Gauge({
        name: `gatewarden_${name}`,
        help,
        aggregator,
        registers,
        collect: function () {
          this.set(value(facts()));
        },
      });
    };
    gauge(
      'max',
      'configuration_age_seconds',
      'Since the configuration was last compared with Redis',
      (now) => now.ageSeconds,
    );
    gauge('min', 'deployment', 'Highest deployment applied', (now) => now.deployment);
    gauge('min', 'proxies', 'Proxies served', (now) => now.proxies);
    gauge('max', 'rejected_deployments', 'Proxies whose newest deployment could not be applied', (now) => now.rejected);
    gauge('min', 'redis_up', '1 when the last look at Redis succeeded', (now) => (now.isRedisUp ? 1 : 0));
    collectDefaultMetrics({ register: this.registry });
  }

  countReport(problem: ReportedProblem): void {
    this.reports.inc({ problem });
  }

  countDroppedHeader(): void {
    this.droppedHeaders.inc();
  }

  countIgnoredReference(): void {
    this.ignoredReferences.inc();
  }
}
