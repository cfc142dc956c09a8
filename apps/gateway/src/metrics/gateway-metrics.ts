import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { ExchangeSummary } from '../http-server/exchange-summary.ts';

/** What the configuration is like now; asked for when the metrics are read. */
export interface ConfigurationFacts {
  readonly deployment: number;
  readonly proxies: number;
  readonly rejected: number;
  /** Since the configuration was last compared with Redis; since the start when it never was. */
  readonly ageSeconds: number;
  readonly isRedisUp: boolean;
}

const DURATION_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const MS_PER_SECOND = 1_000;

/** The metrics of one gateway, in a registry of its own. No label holds text that a client chose. */
export class GatewayMetrics {
  readonly registry = new Registry();
  private readonly requests: Counter<'proxy' | 'status' | 'policy' | 'fault'>;
  private readonly durations: Histogram<'proxy'>;
  private readonly tokenAnswers: Counter<'grant_type' | 'outcome'>;
  private readonly reports: Counter<'problem'>;
  private readonly droppedHeaders: Counter;
  private readonly ignoredReferences: Counter;

  constructor() {
    const registers = [this.registry];
    this.requests = new Counter({
      name: 'gatewarden_requests_total',
      help: 'Requests by proxy, status sent, and the policy and fault that refused them',
      labelNames: ['proxy', 'status', 'policy', 'fault'],
      registers,
    });
    this.durations = new Histogram({
      name: 'gatewarden_request_duration_seconds',
      help: 'Time from the head of a request to the end of its answer',
      labelNames: ['proxy'],
      buckets: DURATION_BUCKETS_SECONDS,
      registers,
    });
    this.tokenAnswers = new Counter({
      name: 'gatewarden_token_answers_total',
      help: 'Answers of the token endpoint by grant type and outcome',
      labelNames: ['grant_type', 'outcome'],
      registers,
    });
    this.reports = new Counter({
      name: 'gatewarden_reports_total',
      help: 'What was refused or found broken in Redis or on disk, by problem',
      labelNames: ['problem'],
      registers,
    });
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
    const gauge = (name: string, help: string, value: (now: ConfigurationFacts) => number): void => {
      const registers = [this.registry];
      new Gauge({
        name: `gatewarden_${name}`,
        help,
        registers,
        collect: function () {
          this.set(value(facts()));
        },
      });
    };
    gauge('configuration_age_seconds', 'Since the configuration was last compared with Redis', (now) => now.ageSeconds);
    gauge('deployment', 'Highest deployment applied', (now) => now.deployment);
    gauge('proxies', 'Proxies served', (now) => now.proxies);
    gauge('rejected_deployments', 'Proxies whose newest deployment could not be applied', (now) => now.rejected);
    gauge('redis_up', '1 when the last look at Redis succeeded', (now) => (now.isRedisUp ? 1 : 0));
    collectDefaultMetrics({ register: this.registry });
  }

  countExchange(summary: ExchangeSummary): void {
    const proxy = summary.proxy ?? '';
    const { policy = '', name: fault = '' } = summary.fault ?? {};
    const status = summary.status === undefined ? 'none' : String(summary.status);
    this.requests.inc({ proxy, status, policy, fault });
    this.durations.observe({ proxy }, summary.durationMs / MS_PER_SECOND);
  }

  countTokenAnswer(grantType: string, outcome: string): void {
    this.tokenAnswers.inc({ grant_type: grantType, outcome });
  }

  countReport(problem: string): void {
    this.reports.inc({ problem });
  }

  countDroppedHeader(): void {
    this.droppedHeaders.inc();
  }

  countIgnoredReference(): void {
    this.ignoredReferences.inc();
  }
}
