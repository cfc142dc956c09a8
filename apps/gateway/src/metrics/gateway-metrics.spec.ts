import { GatewayMetrics } from './gateway-metrics.ts';

const exchange = {
  correlationId: 'c',
  method: 'GET',
  proxy: 'shop/orders',
  endpoint: undefined,
  status: 200,
  durationMs: 20,
  isComplete: true,
  fault: undefined,
};

describe('GatewayMetrics', () => {
  it('counts requests by proxy, status, policy and fault', async () => {
    const metrics = new GatewayMetrics();
    metrics.countExchange(exchange);
    metrics.countExchange(exchange);
    const fault = { name: 'InvalidToken', policy: 'check-token', reason: 'expired' };
    metrics.countExchange({ ...exchange, status: 401, fault });
    metrics.countExchange({ ...exchange, proxy: undefined, status: undefined });
    const text = await metrics.registry.metrics();
    const line = (labels: string) => `gatewarden_requests_total{${labels}}`;
    expect(text).toContain(`${line('proxy="shop/orders",status="200",policy="",fault=""')} 2`);
    expect(text).toContain(`${line('proxy="shop/orders",status="401",policy="check-token",fault="InvalidToken"')} 1`);
    expect(text).toContain(`${line('proxy="",status="none",policy="",fault=""')} 1`);
    expect(text).toContain('gatewarden_request_duration_seconds_bucket{le="0.025",proxy="shop/orders"} 3');
  });

  it('reads the configuration when it is read itself', async () => {
    const metrics = new GatewayMetrics();
    const facts = { deployment: 7, proxies: 2, rejected: 1, ageSeconds: 0.5, isRedisUp: true };
    metrics.observe(() => facts);
    const before = await metrics.registry.metrics();
    facts.isRedisUp = false;
    const after = await metrics.registry.metrics();
    for (const line of ['deployment 7', 'proxies 2', 'rejected_deployments 1', 'configuration_age_seconds 0.5']) {
      expect(before).toContain(`gatewarden_${line}\n`);
    }
    expect([before.includes('gatewarden_redis_up 1'), after.includes('gatewarden_redis_up 0')]).toEqual([true, true]);
    expect(before).toContain('process_cpu_seconds_total');
  });
});
