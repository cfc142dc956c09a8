import { AggregatorRegistry, Registry } from 'prom-client';
import { exchangeOf } from '../http-server/testing/exchanges.ts';
import { ExchangeMetrics } from './exchange-metrics.ts';

const REFUSED = { name: 'InvalidToken', policy: 'check-token', reason: 'expired' };
const UPSTREAM = {
  ...{ attempts: 1, origin: 'http://127.0.0.1:1', sentAt: 1_000, headAt: 1_008, endedAt: 1_015 },
  ...{ status: 200, receivedBytes: 10, failure: undefined },
};

describe('ExchangeMetrics', () => {
  const registry = new Registry();
  const metrics = new ExchangeMetrics(registry);
  const linesOf = async (name: string): Promise<string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith(name));

  it('counts requests by proxy, status, policy and fault', async () => {
    metrics.count(exchangeOf({ durationMs: 20 }));
    metrics.count(exchangeOf({ durationMs: 20 }));
    metrics.count(exchangeOf({ durationMs: 20, status: 401, fault: REFUSED }));
    metrics.count(exchangeOf({ durationMs: 20, status: 401, fault: REFUSED }));
    metrics.count(exchangeOf({ proxy: undefined, status: undefined }));
    expect(await linesOf('gatewarden_requests_total')).toEqual([
      'gatewarden_requests_total{proxy="shop/orders",status="200",policy="",fault=""} 2',
      'gatewarden_requests_total{proxy="shop/orders",status="401",policy="check-token",fault="InvalidToken"} 2',
      'gatewarden_requests_total{proxy="",status="none",policy="",fault=""} 1',
    ]);
  });

  it('tells the time of the upstream, up to its head and whole, apart from the gateway’s own', async () => {
    metrics.count(exchangeOf({ proxy: 'a/timed', durationMs: 18, upstream: UPSTREAM }));
    metrics.count(exchangeOf({ proxy: 'a/timed', durationMs: 61_000, upstream: { ...UPSTREAM, endedAt: 61_900 } }));
    const ofProxy = async (name: string) =>
      (await linesOf(`gatewarden_${name}_duration_seconds`)).filter((line) => line.includes('a/timed'));
    const whole = await ofProxy('upstream');
    expect(whole).toContain('gatewarden_upstream_duration_seconds_bucket{le="0.01",proxy="a/timed"} 0');
    expect(whole).toContain('gatewarden_upstream_duration_seconds_bucket{le="0.025",proxy="a/timed"} 1');
    expect(whole).toContain('gatewarden_upstream_duration_seconds_bucket{le="60",proxy="a/timed"} 1');
    expect(whole).toContain('gatewarden_upstream_duration_seconds_bucket{le="+Inf",proxy="a/timed"} 2');
    expect(whole).toContain('gatewarden_upstream_duration_seconds_sum{proxy="a/timed"} 60.915');
    expect(whole).toContain('gatewarden_upstream_duration_seconds_count{proxy="a/timed"} 2');
    const head = await ofProxy('upstream_head');
    expect(head).toContain('gatewarden_upstream_head_duration_seconds_bucket{le="0.01",proxy="a/timed"} 2');
    expect(await ofProxy('request')).toContain('gatewarden_request_duration_seconds_count{proxy="a/timed"} 2');
    const own = await linesOf('gatewarden_own_duration_seconds');
    expect(own).toContain('gatewarden_own_duration_seconds_bucket{le="0.0025"} 0');
    expect(own).toContain('gatewarden_own_duration_seconds_bucket{le="0.005"} 1');
    expect(own).toContain('gatewarden_own_duration_seconds_count 2');
  });

  it('counts retries, bytes and failures of upstreams', async () => {
    const failed = {
      ...UPSTREAM,
      attempts: 3,
      headAt: undefined,
      status: undefined,
      receivedBytes: 0,
      failure: 'unreachable',
    } as const;
    metrics.count(exchangeOf({ proxy: 'a/retried', upstream: UPSTREAM }));
    metrics.count(exchangeOf({ proxy: 'a/retried', upstream: failed }));
    metrics.count(exchangeOf({ proxy: 'a/retried', upstream: failed }));
    const found = (await linesOf('gatewarden_upstream_')).filter(
      (line) => line.includes('a/retried') && !line.includes('_duration_'),
    );
    expect(found.sort()).toEqual([
      'gatewarden_upstream_failures_total{proxy="a/retried",kind="unreachable"} 2',
      'gatewarden_upstream_received_bytes_total{proxy="a/retried"} 10',
      'gatewarden_upstream_retries_total{proxy="a/retried"} 4',
    ]);
  });

  it('counts what policies let pass, let go on and refused, by a cause that no client can choose', async () => {
    const verdicts = metrics.verdictsOf({ project: 'shop', proxy: 'orders', policy: 'check' });
    const fault = { status: 401, headers: [], body: '', policy: 'check' };
    verdicts.passed();
    metrics.verdictsOf({ project: 'shop', proxy: 'orders', policy: 'check' }).passed();
    verdicts.refused({ ...fault, name: 'TokenExpired', reason: 'quotes algorithm(whatever a client said)' });
    verdicts.continued({ ...fault, name: 'TokenExpired', reason: 'quotes more' });
    verdicts.refused({ ...fault, name: 'ERR-044', reason: 'revoked', envelope: { code: 'ERR-044', text: 't' } });
    const line = (rest: string) => `gatewarden_policy_verdicts_total{proxy="shop/orders",policy="check",${rest}`;
    expect(await linesOf('gatewarden_policy_verdicts_total')).toEqual([
      line('outcome="passed",reason=""} 2'),
      line('outcome="refused",reason="TokenExpired"} 1'),
      line('outcome="continued",reason="TokenExpired"} 1'),
      line('outcome="refused",reason="revoked"} 1'),
    ]);
  });

  it('is added up over worker processes, histograms too', async () => {
    const workers = [new Registry(), new Registry()];
    for (const worker of workers) new ExchangeMetrics(worker).count(exchangeOf({ durationMs: 3 }));
    const parts = await Promise.all(workers.map((worker) => worker.getMetricsAsJSON()));
    const text = await AggregatorRegistry.aggregate(JSON.parse(JSON.stringify(parts)) as object[]).metrics();
    expect(text).toContain('gatewarden_requests_total{proxy="shop/orders",status="200",policy="",fault=""} 2');
    expect(text).toMatch(/gatewarden_request_duration_seconds_bucket\{le="0.005",proxy="shop\/orders"\} 2/);
    expect(text).toMatch(/gatewarden_request_duration_seconds_count\{proxy="shop\/orders"\} 2/);
  });
});
