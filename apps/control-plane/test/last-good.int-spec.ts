import { FakeGateway } from './testing/fake-gateway.ts';
import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

let plane: RunningControlPlane;
let environment: Awaited<ReturnType<RunningControlPlane['environment']>>;
let gateway: FakeGateway;
let proxyId: string;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 4_000 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
  environment = await plane.environment();
  gateway = await FakeGateway.admitted(plane.redis, environment);
  const found = await plane.pool.query<{ entity_id: string }>(`select entity_id from names where kind = 'api-proxy'`);
  proxyId = found.rows[0]?.entity_id ?? '';
});
afterAll(() => plane.close());

const at = (): string => `/projects/shop/apiProxies/orders/environments/${environment.name}/`;
const kept = async () => (await gateway.channel.lastGood([proxyId])).get(proxyId);

/** Deploys it once more, to a gateway that rejects it. */
async function rejected(deployment: number): Promise<void> {
  await gateway.says();
  const asked = plane.done('POST', at());
  await until('it is published', async () => (await gateway.artifactOf(proxyId))?.deployment === deployment);
  const loaded = (await gateway.channel.position()) ?? null;
  await gateway.says({ loaded, deployment, rejected: [{ proxyId, deployment, reason: 'no' }] });
  expect((await asked).deploymentResult).toMatchObject({ success: false });
}

describe('beside what is published', () => {
  it('stays the newest deployment that succeeded, however many were rejected since', async () => {
    await plane.done('POST', at());
    expect(await kept()).toBeUndefined();
    for (const deployment of [2, 3]) {
      await rejected(deployment);
      expect(await kept()).toMatchObject({ deployment: 1, beside: deployment });
    }
  });

  it('stays nothing from before it was taken out: nobody wants that back', async () => {
    await gateway.ends();
    await plane.done('DELETE', at());
    await plane.done('POST', at());
    expect(await kept()).toBeUndefined();
    await plane.done('POST', at());
    expect(await kept()).toMatchObject({ deployment: 5, beside: 6 });
  });
});
