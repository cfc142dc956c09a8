import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';
import type { ToldMetric } from './worker-protocol.ts';

type Metrics = readonly ToldMetric[];

/** Of these a process that is gone or silent must not take anything away again: a counter never falls. */
const ONLY_GROWING: ReadonlySet<string> = new Set(['counter', 'histogram', 'summary']);

const onlyGrowing = (metrics: Metrics): Metrics => metrics.filter(({ type }) => ONLY_GROWING.has(String(type)));

/** JSON has no word for what a gauge says that has nothing to say. */
const withoutGaps = (metrics: Metrics): Metrics =>
  metrics.map((metric) => ({ ...metric, values: metric.values.filter(({ value }) => Number.isFinite(value)) }));

/** Each metric as its own `aggregator` says: sums, unless its definition names another. */
const joined = (sources: readonly Metrics[]): Registry => AggregatorRegistry.aggregate(sources as object[]);

/** The metrics of a gateway of several processes: what its workers tell, taken together, and what becomes of them. */
export class WorkersMetrics {
  readonly #own = new Registry();
  readonly #restarts: Counter;
  readonly #unserved: Counter;
  readonly #workers: Gauge<'state'>;
  readonly #missing: Gauge;
  /** What each worker told last, by its number. */
  readonly #told = new Map<number, Metrics>();
  /** What processes that ended had counted, each or several of them together. */
  #gone: readonly Metrics[] = [];

  constructor() {
    const registers = [this.#own];
    this.#restarts = new Counter({
      name: 'gatewarden_worker_restarts_total',
      help: 'Workers that ended and whose place another one took',
      registers,
    });
    this.#unserved = new Counter({
      name: 'gatewarden_connections_unserved_total',
      help: 'Connections that were closed because no worker took them in time',
      registers,
    });
    this.#workers = new Gauge({
      name: 'gatewarden_workers',
      help: 'Processes that share the traffic port: wanted, and serving',
      labelNames: ['state'],
      registers,
    });
    this.#missing = new Gauge({
      name: 'gatewarden_metrics_sources_missing',
      help: 'Workers that could not be asked in time for these metrics',
      registers,
    });
  }

  countRestart(): void {
    this.#restarts.inc();
  }

  countUnserved(): void {
    this.#unserved.inc();
  }

  /** What a worker told, also when it ends. */
  told(number: number, metrics: Metrics): void {
    this.#told.set(number, withoutGaps(metrics));
  }

  /** The process of a worker is gone; what it counted stays counted, as far as it told it. */
  ended(number: number): void {
    const last = this.#told.get(number);
    if (last === undefined) return;
    this.#told.delete(number);
    this.#gone = [...this.#gone, onlyGrowing(last)];
  }

  /**
   * Prometheus text.
   *
   * @param answered numbers of the workers that told theirs just now
   */
  async text(
    answered: ReadonlySet<number>,
    counts: { readonly wanted: number; readonly serving: number },
  ): Promise<string> {
    this.#workers.set({ state: 'wanted' }, counts.wanted);
    this.#workers.set({ state: 'serving' }, counts.serving);
    this.#missing.set(counts.wanted - answered.size);
    const told = [...this.#told].map(([number, metrics]) => (answered.has(number) ? metrics : onlyGrowing(metrics)));
    return joined([...told, await this.#counted(), await this.#own.getMetricsAsJSON()]).metrics();
  }

  async #counted(): Promise<Metrics> {
    const gone = this.#gone;
    const sums = await joined(gone).getMetricsAsJSON();
    // Unless another ended meanwhile.
    if (this.#gone === gone) this.#gone = [sums];
    return sums;
  }
}
