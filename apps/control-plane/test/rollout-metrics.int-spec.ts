import { PENDING_DEPLOYMENTS } from '../src/operations/control-plane-metrics.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { SeverableServer } from './testing/severable-server.ts';
import { testRedisUrl, until } from './testing/test-servers.ts';

let plane: RunningControlPlane;
let gateways: FakeGateway[] = [];
let proxies = 0;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 1_000 });
  await plane.done('POST', '/projects/', { name: 'shop' });
});
afterEach(async () => {
  for (const gateway of gateways) await gateway.ends();
  gateways = [];
});
afterAll(() => plane.close());

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;

async function gateway(of: Environment, gatewayId: string): Promise<FakeGateway> {
  const admitted = await FakeGateway.admitted(plane.redis, of, gatewayId);
  gateways.push(admitted);
  return admitted;
}

async function deploy(to: Environment): Promise<void> {
  proxies += 1;
  const order = { deploy: true, deployTargetEnvironmentNameList: [to.name] };
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody(`p${proxies}`, order));
}

/** The values of one environment, by metric and its other labels. */
async function metricsOf({ name }: Pick<Environment, 'name'>): Promise<Record<string, number>> {
  const { statusCode, body } = await plane.app.inject({ method: 'GET', url: '/metrics' });
  if (statusCode !== 200) throw new Error(`/metrics: ${statusCode}`);
  const lines = body.split('\n').filter((line) => line.includes(`environment="${name}"`));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      const label = line
        .slice(0, at)
        .replace(/(,)?environment="[^"]*"(,)?/, (_found, before, after) =>
          before !== undefined && after !== undefined ? ',' : '',
        );
      return [label.replace('{}', '').replace('gatewarden_', ''), Number(line.slice(at + 1))];
    }),
  );
}

describe('the metrics of rollouts', () => {
  it('count what ended, by outcome, with the time it took', async () => {
    const environment = await plane.environment();
    const one = await gateway(environment, 'gateway-1');
    await one.appliesEverything();
    await deploy(environment);
    await deploy(environment);
    await one.says({ rejected: [{ proxyId: 'p', deployment: 3, reason: 'no' }] });
    await deploy(environment);
    const ended = (outcome: string) => `{kind="publish",outcome="${outcome}"}`;
    const found = await metricsOf(environment);
    expect(found).toMatchObject({
      [`deployments_ended_total${ended('succeeded')}`]: 2,
      [`deployments_ended_total${ended('failed')}`]: 1,
      [`deployment_duration_seconds_count${ended('succeeded')}`]: 2,
    });
    expect(found[`deployment_duration_seconds_sum${ended('succeeded')}`]).toBeGreaterThan(0);
    expect(await metricsOf(environment)).toMatchObject({ [`deployments_ended_total${ended('succeeded')}`]: 2 });
  });

  it('show gateways that live, are behind, or reject something, and what waits for them', async () => {
    const environment = await plane.environment();
    expect(await metricsOf(environment)).toMatchObject({
      ...{ gateways_live: 0, gateways_behind: 0, gateways_rejecting: 0, environment_redis_up: 1 },
      ...{ pending_deployments: 0, oldest_pending_deployment_seconds: 0 },
    });
    await (await gateway(environment, 'silent')).says();
    const rejecting = await gateway(environment, 'rejecting');
    await rejecting.appliesEverything();
    await rejecting.says({ rejected: [{ proxyId: 'p', deployment: 77, reason: 'no' }] });
    await deploy(environment);
    const found = await metricsOf(environment);
    expect(found).toMatchObject({
      ...{ gateways_live: 2, gateways_behind: 1, gateways_rejecting: 1, pending_deployments: 1 },
      environment_redis_up: 1,
    });
    expect(found['oldest_pending_deployment_seconds']).toBeGreaterThan(0);
    const jobs = ['waiting', 'active', 'delayed'].map((state) => found[`queue_jobs{state="${state}"}`] ?? NaN);
    expect(jobs.reduce((sum, count) => sum + count, 0)).toBe(1);
  });

  it('count leases that were not sealed with the key of the environment', async () => {
    const environment = await plane.environment();
    const honest = await gateway(environment, 'gateway-1');
    await honest.appliesEverything();
    await honest.channel.renewLease('liar', 'not sealed at all');
    await deploy(environment);
    expect(await metricsOf(environment)).toMatchObject({ foreign_leases_total: 1, gateways_live: 1 });
  });

  it('come without what is in a Redis that is away, and say that it is', async () => {
    const server = await SeverableServer.closed(testRedisUrl());
    await server.open();
    try {
      const environment = await plane.environment({ redisUrl: server.url });
      await until('its gateways are counted', async () => 'gateways_live' in (await metricsOf(environment)));
      await server.sever();
      await until('its Redis is noticed to be away', async () => {
        const found = await metricsOf(environment);
        return found['environment_redis_up'] === 0 && !('gateways_live' in found);
      });
      const revoked = { username: 'alice' };
      await plane.done('POST', `/environments/${environment.name}/revocations/`, revoked);
      expect(await metricsOf(environment)).toMatchObject({ pending_deployments: 0, untold_revocations: 1 });
      const { body } = await plane.app.inject({ method: 'GET', url: '/metrics' });
      expect(body).toContain('gatewarden_metrics_sources_missing 1');
    } finally {
      await server.sever();
    }
  });

  it('do not read the history of deployments', async () => {
    await plane.pool.query(
      `insert into deployments (environment_id, deployment, proxy_id, kind, revision, actor, description, requested_at,
         state, settled_at)
       select 'gone', number, 'p', 'publish', 1, 'a', '', now(), 'succeeded', now() from generate_series(1, 20000) number`,
    );
    await plane.pool.query('analyze deployments');
    const explained = await plane.pool.query<{ 'QUERY PLAN': string }>(`explain ${PENDING_DEPLOYMENTS}`);
    const plan = explained.rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain('deployments_open');
    expect(plan).not.toContain('Seq Scan on deployments');
  });
});
