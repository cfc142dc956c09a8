import { randomUUID } from 'node:crypto';
import { DeploymentQueues } from '../src/deployment-requests/deployment-queues.ts';
import { DeploymentRelay } from '../src/deployment-requests/deployment-relay.ts';
import { requestDeployments } from '../src/deployment-requests/deployment-requests.ts';
import { ownContext, UnitOfWork } from '../src/persistence/unit-of-work.ts';
import { deploymentsNotEndedOnce } from '../../../test/support/recorded-once.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;

const SUITE_MS = 180_000;
/** A deployment that is waited for until its time is over would be waited for until the test has failed. */
const NEVER_OVER_MS = 600_000;

const order = ({ name }: Environment) => ({ deploy: true, deployTargetEnvironmentNameList: [name] });
const redeploy = (plane: RunningControlPlane, { name }: Environment) =>
  plane.done('POST', `/projects/shop/apiProxies/orders/environments/${name}/`);

/** The open deployments of proxies that nothing is to be compiled for. */
async function takeOut(
  plane: RunningControlPlane,
  environment: Environment,
  proxyIds: readonly string[],
): Promise<void> {
  const target = { environmentId: environment.id, environmentName: environment.name };
  await plane.app.get(UnitOfWork).run(ownContext('test'), async (unit) => {
    for (const proxyId of proxyIds) {
      await requestDeployments(unit, [target], { kind: 'undeploy', proxyId, revision: 1, description: '' });
    }
  });
}

describe('a burst of changes to one proxy while nobody deploys', () => {
  it(
    'leads to one publishing, the newest; the others end as superseded and leave the queue',
    async () => {
      const plane = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 50 });
      try {
        await plane.done('POST', '/projects/', { name: 'shop' });
        const [environment, another] = [await plane.environment(), await plane.environment()];
        await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders', order(environment)));
        for (let change = 0; change < 30; change += 1) await redeploy(plane, environment);
        await redeploy(plane, another);
        await plane.app.get(DeploymentRelay).flush();
        const states = async () =>
          (
            await plane.pool.query<{ state: string; message: string | null }>(
              `select state, result ->> 'message' as message from deployments where environment_id = $1 order by deployment`,
              [environment.id],
            )
          ).rows;
        const waiting = { state: 'pending', message: null };
        const superseded = { state: 'superseded', message: 'Superseded; what gateways get instead is deployment 31' };
        const before = await states();
        expect(before.at(-1)).toEqual(waiting);
        expect(before.slice(0, -1).map(({ state }) => state)).toEqual(Array.from({ length: 30 }, () => 'superseded'));
        expect(before.at(-2)).toEqual(superseded);
        const queues = plane.app.get(DeploymentQueues);
        const left = await until('one job is left', async () => {
          const { counts, jobs } = await queues.stateOf(environment.id);
          return counts.waiting === 1 && jobs;
        });
        expect(left.map(({ deployment }) => deployment)).toEqual([31]);

        await plane.process({ roles: new Set(['deployer'] as const) });
        await until('it is deployed', async () => (await states()).at(-1)?.state === 'succeeded');
        const gateway = await FakeGateway.admitted(plane.redis, environment);
        expect(await gateway.channel.recordsAfter(0, 100)).toMatchObject([{ deployment: 31 }]);
        await until('everything has ended once', async () => (await deploymentsNotEndedOnce(plane.pool)).length === 0);
      } finally {
        await plane.close();
      }
    },
    SUITE_MS,
  );

  it('answers whoever waits for an older one with the newest', async () => {
    const plane = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 20_000 });
    try {
      await plane.done('POST', '/projects/', { name: 'shop' });
      const environment = await plane.environment();
      await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
      const asked = [redeploy(plane, environment)];
      await until('it waits', async () => (await plane.deployments()).length === 1);
      asked.push(redeploy(plane, environment));
      await until('it is overtaken', async () => (await plane.deployments())[0]?.state === 'superseded');
      await plane.process({ roles: new Set(['deployer'] as const) });
      const results = (await Promise.all(asked)).map(({ deploymentResult }) => deploymentResult.deploymentResults[0]);
      expect(results.map((result) => [result?.success, result?.deployment, result?.message.split(';')[0]])).toEqual([
        [true, 1, 'Superseded by deployment 2 (publish of revision 1): Deployment successful'],
        [true, 2, 'Deployment successful'],
      ]);
      expect((await plane.deployments()).map(({ state }) => state)).toEqual(['superseded', 'succeeded']);
    } finally {
      await plane.close();
    }
  });
});

describe('a deployment that an undeployment overtakes', () => {
  it('is no success, and what is said of it later does not change any more', async () => {
    const plane = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 20_000 });
    try {
      await plane.done('POST', '/projects/', { name: 'shop' });
      const environment = await plane.environment();
      await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
      const asked = redeploy(plane, environment);
      await until('it waits', async () => (await plane.deployments()).length === 1);
      const removed = plane.done('DELETE', `/projects/shop/apiProxies/orders/environments/${environment.name}/`);
      await until('it is overtaken', async () => (await plane.deployments())[0]?.state === 'superseded');
      const seen = async () => (await plane.done('GET', `/deployments/${environment.name}:1/`)).resultList[0];
      const before = await seen();
      expect(before).toMatchObject({
        ...{ state: 'superseded', settled: true },
        deploymentResult: { deploymentResults: [{ message: 'Superseded; what gateways get instead is deployment 2' }] },
      });
      await plane.process({ roles: new Set(['deployer'] as const) });
      expect((await asked).deploymentResult.deploymentResults[0]).toMatchObject({
        ...{ success: false, deployment: 1 },
        message: expect.stringMatching(
          /^Superseded by deployment 2 \(undeploy of revision 1\): Undeployment successful/,
        ) as string,
      });
      expect((await removed).deploymentResult.success).toBe(true);
      expect(await seen()).toEqual(before);
    } finally {
      await plane.close();
    }
  });
});

describe('while a gateway lives and never answers', () => {
  let plane: RunningControlPlane;
  let environment: Environment;
  let gateway: FakeGateway;

  beforeEach(async () => {
    plane = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: NEVER_OVER_MS });
    await plane.done('POST', '/projects/', { name: 'shop' });
    environment = await plane.environment();
    await plane.process({ roles: new Set(['deployer'] as const) });
    gateway = await FakeGateway.admitted(plane.redis, environment);
    await gateway.says();
  }, SUITE_MS);
  afterEach(async () => {
    await gateway.ends();
    await plane.close();
  }, SUITE_MS);

  const published = (atLeast: number) => async (): Promise<boolean> =>
    ((await gateway.channel.position())?.sequence ?? 0) >= atLeast;
  const deployedState = async (deployment: number) =>
    (await plane.deployments()).find((one) => one.deployment === deployment)?.state;

  it(
    'hundreds of deployments of other proxies go out at once',
    async () => {
      const proxyIds = Array.from({ length: 700 }, () => randomUUID());
      await takeOut(plane, environment, proxyIds);
      await until('all are published', published(proxyIds.length), SUITE_MS / 2);
      expect((await plane.deployments()).some(({ state }) => state !== 'pending')).toBe(false);
    },
    SUITE_MS,
  );

  it(
    'a deployment ends at once when a newer one of its proxy is asked for, whichever process begins that',
    async () => {
      const [proxyId, another] = [randomUUID(), randomUUID()];
      await takeOut(plane, environment, [proxyId, another]);
      await until('it is published', published(2));
      await takeOut(plane, environment, [proxyId]);
      await until('the first is superseded', async () => (await deployedState(1)) === 'superseded');
      expect([await deployedState(2), await deployedState(3)]).toEqual(['pending', 'pending']);
      await until('its job is no longer in hand', async () => {
        const { jobs } = await plane.app.get(DeploymentQueues).stateOf(environment.id);
        return JSON.stringify(jobs.map(({ deployment }) => deployment)) === '[2,3]';
      });
    },
    SUITE_MS,
  );
});
