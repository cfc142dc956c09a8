import { FakeGateway } from './testing/fake-gateway.ts';
import { policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

const X = '/projects/shop/apiProxies/orders';

let plane: RunningControlPlane;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 1_500 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
});
afterAll(() => plane.close());

async function revisionsIn({ id }: { id: string }): Promise<number[]> {
  const found = await plane.pool.query<{ revision: number }>(
    'select revision from deployments where environment_id = $1 order by deployment',
    [id],
  );
  return found.rows.map(({ revision }) => revision);
}

describe('PATCH X/settings/keys/', () => {
  it('with deploy overtakes waves that wait: no older revision comes after it', async () => {
    const [one, two] = [await plane.environment(), await plane.environment()];
    const slow = await FakeGateway.admitted(plane.redis, one);
    await slow.says();
    const waves = [[one.name], [two.name]];
    await plane.done('POST', `${X}/policies/a/`, policyBody({ deploy: true, deployStrategy: { waves } }));
    await plane.done('POST', `${X}/policies/b/`, policyBody({ deploy: false }));
    const list = { deploy: true, deployTargetEnvironmentNameList: [two.name] };
    await plane.done('PATCH', `${X}/settings/keys/`, { secretKey: 'another secret of the proxy', ...list });
    expect(await revisionsIn(two)).toEqual([3]);
    await plane.applied(slow, one);
    await until('the rollout is over', async () => {
      const rows = await plane.pool.query(`select 1 from rollouts where state = 'running'`);
      return rows.rows.length === 0;
    });
    expect(await revisionsIn(two)).toEqual([3]);
    await slow.ends();
  });

  it('without deploy changes the keys of a proxy whatever state its content is in', async () => {
    await plane.done('PATCH', `${X}/settings/keys/`, { publicKey: 'renamed' });
    expect((await plane.done('GET', `${X}/settings/keys/`)).resultList).toEqual([{ publicKey: 'renamed' }]);
  });
});
