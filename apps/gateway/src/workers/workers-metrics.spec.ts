import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { WorkersMetrics } from './workers-metrics.ts';

/** What a worker that did so much would tell, as it arrives over a channel that speaks JSON. */
async function told(requests: number, load = requests): Promise<Parameters<WorkersMetrics['told']>[1]> {
  const registry = new Registry();
  const registers = [registry];
  const counter = new Counter({ name: 'requests_total', help: 'r', labelNames: ['status'], registers });
  counter.inc({ status: '200' }, requests);
  const durations = new Histogram({ name: 'seconds', help: 's', buckets: [1, 2], registers });
  for (let at = 0; at < requests; at += 1) durations.observe(1.5);
  for (const aggregator of ['sum', 'min', 'max'] as const) {
    new Gauge({ name: `load_${aggregator}`, help: 'l', aggregator, registers }).set(load);
  }
  new Gauge({ name: 'lag', help: 'l', registers }).set(requests === 1 ? NaN : 4);
  return JSON.parse(JSON.stringify(await registry.getMetricsAsJSON())) as Awaited<ReturnType<typeof told>>;
}

describe('the metrics of several workers', () => {
  let metrics: WorkersMetrics;
  beforeEach(() => (metrics = new WorkersMetrics()));

  const lines = async (...answered: number[]): Promise<string[]> => {
    const text = await metrics.text(new Set(answered), { wanted: 2, serving: answered.length });
    return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  };

  it('are summed, or taken together as a metric says itself', async () => {
    metrics.told(1, await told(3));
    metrics.told(2, await told(5));
    expect(await lines(1, 2)).toEqual([
      'requests_total{status="200"} 8',
      'seconds_bucket{le="1"} 0',
      'seconds_bucket{le="2"} 8',
      'seconds_bucket{le="+Inf"} 8',
      'seconds_sum 12',
      'seconds_count 8',
      'load_sum 8',
      'load_min 3',
      'load_max 5',
      'lag 8',
      'gatewarden_worker_restarts_total 0',
      'gatewarden_connections_unserved_total 0',
      'gatewarden_workers{state="wanted"} 2',
      'gatewarden_workers{state="serving"} 2',
      'gatewarden_metrics_sources_missing 0',
    ]);
  });

  it('leave out what a gauge has no value for', async () => {
    metrics.told(1, await told(1));
    metrics.told(2, await told(2));
    expect(await lines(1, 2)).toContain('lag 4');
  });

  it('of a worker that is silent are what it had counted, and no gauge of before', async () => {
    metrics.told(1, await told(3));
    metrics.told(2, await told(5));
    const said = await lines(2);
    expect(said).toEqual(expect.arrayContaining(['requests_total{status="200"} 8', 'load_sum 5', 'load_min 5']));
    expect(said).toContain('gatewarden_metrics_sources_missing 1');
  });

  it('never count less when workers end, and count on with those that take their places', async () => {
    metrics.told(1, await told(3));
    metrics.told(2, await told(5));
    metrics.ended(1);
    metrics.ended(2);
    metrics.countRestart();
    metrics.countUnserved();
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'requests_total{status="200"} 8',
        'seconds_count 8',
        'gatewarden_worker_restarts_total 1',
        'gatewarden_connections_unserved_total 1',
      ]),
    );
    expect((await lines()).join()).not.toContain('load');
    metrics.told(1, await told(2));
    metrics.ended(1);
    metrics.told(1, await told(4));
    expect(await lines(1)).toEqual(expect.arrayContaining(['requests_total{status="200"} 14', 'load_sum 4']));
  });
});
