import { GatewayMetrics } from './gateway-metrics.ts';

describe('GatewayMetrics', () => {
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
    expect(before).toContain('nodejs_eventloop_lag_p99_seconds');
  });
});
