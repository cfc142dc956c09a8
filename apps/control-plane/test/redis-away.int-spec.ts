import { FakeGateway } from './testing/fake-gateway.ts';
import { credentialBody, policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { SeverableServer } from './testing/severable-server.ts';
import { testRedisUrl, until } from './testing/test-servers.ts';

const SUITE_MS = 180_000;

describe('while Redis cannot be reached', () => {
  let redis: SeverableServer;
  let plane: RunningControlPlane;
  beforeAll(async () => {
    redis = await SeverableServer.closed(testRedisUrl());
    plane = await RunningControlPlane.start({ redisUrl: redis.url, deployTimeoutMs: 1_500 });
    await plane.done('POST', '/projects/', { name: 'shop' });
  }, SUITE_MS);
  afterAll(async () => {
    await plane.close();
    await redis.sever();
  }, SUITE_MS);

  it(
    'changes are recorded, the answer says pending, and they deploy by themselves once it is there',
    async () => {
      const environment = await plane.environment();
      await plane.done('POST', '/projects/shop/credentials/', credentialBody('alice', 'a password'));
      const order = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
      await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
      const { status, body } = await plane.call(
        'POST',
        '/projects/shop/apiProxies/orders/policies/a/',
        policyBody(order),
      );
      expect(status).toBe(200);
      expect(body).toMatchObject({
        success: true,
        deploymentResult: {
          success: false,
          deploymentResults: [
            {
              ...{ environmentName: environment.name, success: false, deployment: 1, revision: 2 },
              message: expect.stringMatching(/^Deployment pending: .*recorded/) as string,
            },
          ],
        },
      });
      const { resultList } = await plane.done('GET', '/projects/shop/apiProxies/orders/policies/a/');
      expect(resultList).toMatchObject([{ policy: { name: 'a' } }]);
      expect(await plane.deployments()).toMatchObject([{ deployment: 1, state: 'pending' }]);

      await redis.open();
      const said = (text: string) => plane.logLines.filter((line) => line.includes(text)).length;
      await until('the way back is in the log', () => said('the queue can be reached again') === 1);
      expect(said('the queue cannot be reached')).toBe(1);
      await until('the deployment succeeds', async () => (await plane.deployments())[0]?.state === 'succeeded', 15_000);
      const gateway = await FakeGateway.admitted(plane.redis, environment);
      await until('the user is known', () => gateway.identity('credential', 'alice'));
      expect(await gateway.channel.recordsAfter(0, 10)).toMatchObject([{ deployment: 1 }]);
    },
    SUITE_MS,
  );

  it(
    'and is lost in between, the next change deploys as soon as it is back',
    async () => {
      await redis.open();
      await redis.sever();
      const { body } = await plane.call(
        'PUT',
        '/projects/shop/apiProxies/orders/policies/a/',
        policyBody({ deploy: true }),
      );
      expect(body).toMatchObject({ success: true, deploymentResult: { success: false } });
      await redis.open();
      await until('it succeeds', async () => (await plane.deployments()).at(-1)?.state === 'succeeded', 15_000);
      expect(await plane.deployments()).toMatchObject([{ state: 'succeeded' }, { deployment: 2, state: 'succeeded' }]);
    },
    SUITE_MS,
  );

  it(
    'a control plane can be stopped',
    async () => {
      await redis.sever();
      const another = await plane.process();
      await expect(another.close()).resolves.toBeUndefined();
      await redis.open();
    },
    SUITE_MS,
  );
});

describe('while one environment cannot be reached', () => {
  it(
    'the others are deployed to all the same, and the delete of a proxy is not held up',
    async () => {
      const away = await SeverableServer.closed(testRedisUrl());
      const plane = await RunningControlPlane.start({ deployTimeoutMs: 1_500 });
      try {
        await plane.done('POST', '/projects/', { name: 'shop' });
        const [lost, near] = [await plane.environment({ redisUrl: away.url }), await plane.environment()];
        const order = { deploy: true, deployTargetEnvironmentNameList: [lost.name, near.name] };
        const created = await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders', order));
        const outcomes = new Map(
          created.deploymentResult.deploymentResults.map((one) => [one.environmentName, one.success]),
        );
        expect(outcomes).toEqual(
          new Map([
            [lost.name, false],
            [near.name, true],
          ]),
        );
        const deleted = await plane.done('DELETE', '/projects/shop/apiProxies/orders/');
        expect(
          deleted.deploymentResult.deploymentResults.map((one) => [one.environmentName, one.success]),
        ).toContainEqual([near.name, true]);
        await away.open();
        await until(
          'the lost one follows',
          async () => (await plane.deployments()).every((one) => one.state !== 'pending'),
          20_000,
        );
        const gateway = await FakeGateway.admitted(plane.redis, lost);
        const records = await gateway.channel.recordsAfter(0, 10);
        expect(records.at(-1)).toMatchObject({ deployment: 2 });
      } finally {
        await plane.close();
        await away.sever();
      }
    },
    SUITE_MS,
  );
});

describe('when the Redis of an environment has lost its data', () => {
  it(
    'everything is published again under new numbers, the deleted proxies as such',
    async () => {
      const plane = await RunningControlPlane.start({ deployTimeoutMs: 1_500 });
      try {
        await plane.done('POST', '/projects/', { name: 'shop' });
        const environment = await plane.environment();
        const order = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
        await plane.done('POST', '/projects/shop/credentials/', credentialBody('alice', 'a password'));
        for (const name of ['one', 'two', 'gone']) {
          await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody(name, order));
        }
        await plane.done('DELETE', '/projects/shop/apiProxies/gone/');
        const gateway = await FakeGateway.admitted(plane.redis, environment);
        await until('the user is known', () => gateway.identity('credential', 'alice'));
        const before = await gateway.channel.position();
        expect((await plane.deployments()).map(({ deployment }) => deployment)).toEqual([1, 2, 3, 4]);

        await plane.redis.del(...(await plane.redis.keys(`gw:{${environment.name}}:*`)));
        const repaired = await until('everything is published again', async () => {
          const rows = await plane.deployments();
          return rows.length === 7 && rows.every(({ state }) => state === 'succeeded') && rows;
        });
        expect(
          repaired
            .slice(4)
            .map(({ kind }) => kind)
            .sort(),
        ).toEqual(['publish', 'publish', 'undeploy']);
        const again = await FakeGateway.admitted(plane.redis, environment);
        await until('the user is known again', () => again.identity('credential', 'alice'));
        const records = await again.channel.recordsAfter(0, 10);
        expect(records.map(({ deployment }) => deployment).sort()).toEqual([5, 6, 7]);
        expect((await again.channel.position())?.epoch).not.toBe(before?.epoch);
      } finally {
        await plane.close();
      }
    },
    SUITE_MS,
  );
});
