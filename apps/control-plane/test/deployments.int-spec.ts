import { randomUUID } from 'node:crypto';
import { requestDeployments } from '../src/deployment-requests/deployment-requests.ts';
import { DeploymentRelay } from '../src/deployment-requests/deployment-relay.ts';
import { DeploymentQueues } from '../src/deployment-requests/deployment-queues.ts';
import { DeployJob } from '../src/deployments/job/deploy-job.ts';
import { UnitOfWork } from '../src/persistence/unit-of-work.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { policyBody, proxyBody, verificationBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { removeKeys, until } from './testing/test-servers.ts';

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;

let plane: RunningControlPlane;
beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 60_000 });
  await plane.done('POST', '/projects/', { name: 'shop' });
});
afterAll(() => plane.close());

async function proxy(name: string): Promise<{ at: string; id: string }> {
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody(name));
  const found = await plane.pool.query<{ entity_id: string }>(
    `select entity_id from names where kind = 'api-proxy' and name = $1`,
    [name],
  );
  return { at: `/projects/shop/apiProxies/${name}`, id: found.rows[0]?.entity_id ?? '' };
}

const rowsOf = async (environment: Environment) => {
  const found = await plane.pool.query<{ deployment: string; state: string; kind: string; proxy_id: string }>(
    'select deployment, state, kind, proxy_id from deployments where environment_id = $1 order by deployment',
    [environment.id],
  );
  return found.rows.map((row) => ({ ...row, deployment: Number(row.deployment) }));
};
const to = (...environments: Environment[]) => ({
  deploy: true,
  deployTargetEnvironmentNameList: environments.map(({ name }) => name),
});

describe('a change that deploys', () => {
  it('reaches every environment it names, and those where the proxy runs when it names none', async () => {
    const [one, two] = [await plane.environment(), await plane.environment()];
    const orders = await proxy('orders');
    const first = await plane.done('POST', `${orders.at}/policies/a/`, policyBody(to(one, two)));
    expect(first.deploymentResult).toMatchObject({ success: true });
    expect(first.deploymentResult.deploymentResults.map((result) => result.environmentName).sort()).toEqual(
      [one.name, two.name].sort(),
    );
    expect(first.deploymentResult.deploymentResults[0]).toMatchObject({
      ...{ success: true, deployment: 1, revision: 2, detailList: [] },
      gateways: { live: 0, applied: 0, rejected: 0, pending: 0 },
    });
    expect(first.deploymentResult.deploymentResults[0]?.message).toMatch(/^Deployment successful.*at start$/);
    await plane.done('DELETE', `${orders.at}/environments/${two.name}/`);
    const second = await plane.done('PUT', `${orders.at}/policies/a/`, policyBody({ deploy: true }));
    expect(second.deploymentResult.deploymentResults).toMatchObject([
      { environmentName: one.name, deployment: 2, revision: 3 },
    ]);
  });

  it('is recorded with its wish in one transaction: when the work fails after both, there is neither', async () => {
    const environment = await plane.environment();
    const before = (await plane.events()).length;
    const units = plane.app.get(UnitOfWork);
    const target = { environmentId: environment.id, environmentName: environment.name };
    const wish = { kind: 'publish', proxyId: 'none', revision: 1, description: '' } as const;
    const failing = units.run({ actor: 'test', requestId: 'r', mayDeploy: true }, async (unit) => {
      expect(await requestDeployments(unit, [target], wish)).toMatchObject([{ deployment: 1 }]);
      throw new RangeError('after the wish');
    });
    await expect(failing).rejects.toThrow('after the wish');
    expect(await rowsOf(environment)).toEqual([]);
    expect((await plane.events()).length).toBe(before);
    const counters = await plane.pool.query('select 1 from deployment_counters where environment_id = $1', [
      environment.id,
    ]);
    expect(counters.rowCount).toBe(0);
  });

  it('leaves nothing when one of its environments does not exist', async () => {
    const environment = await plane.environment();
    const { at } = await proxy('half');
    const before = (await plane.events()).length;
    const body = policyBody({ deploy: true, deployTargetEnvironmentNameList: [environment.name, 'nowhere'] });
    expect((await plane.call('POST', `${at}/policies/a/`, body)).status).toBe(400);
    expect((await plane.events()).length).toBe(before);
    expect(await rowsOf(environment)).toEqual([]);
  });

  it('ends in the log of the environment: wished for by the asker, carried out by the deployer', async () => {
    const environment = await plane.environment();
    const { at, id } = await proxy('logged');
    await plane.done(
      'POST',
      `${at}/environments/${environment.name}/`,
      { description: 'by hand' },
      { 'x-request-id': 'r-1' },
    );
    const events = (await plane.events()).filter((event) => event.stream_id.endsWith(environment.id));
    expect(events.filter((event) => event.type.startsWith('Deployment'))).toMatchObject([
      {
        ...{ type: 'DeploymentRequested', metadata: { actor: 'admin', requestId: 'r-1' } },
        data: { deployment: 1, proxyId: id, kind: 'publish', description: 'by hand' },
      },
      { type: 'DeploymentSucceeded', metadata: { actor: 'deployer' }, data: { deployment: 1, proxyId: id } },
    ]);
  });
});

describe('what is published', () => {
  it('is the newest content, sealed for the environment, and gone after it is undeployed', async () => {
    const environment = await plane.environment();
    const gateway = await FakeGateway.admitted(plane.redis, environment);
    const { at, id } = await proxy('content');
    await plane.done('POST', `${at}/policies/issue/`, policyBody(to(environment)));
    const published = await gateway.artifactOf(id);
    expect(published?.deployment).toBe(1);
    expect(JSON.parse(published?.text ?? '')).toMatchObject({
      ...{ proxy: 'content', revision: 2, environment: { name: environment.name } },
      pipelines: { request: [{ name: 'issue' }] },
      signingKeys: { issue: { signing: { kty: 'oct', alg: 'HS256' } } },
    });
    const undeployed = await plane.done('DELETE', `${at}/environments/${environment.name}/`);
    expect(undeployed.deploymentResult.deploymentResults[0]?.message).toMatch(/^Undeployment successful/);
    expect(await gateway.artifactOf(id)).toBeUndefined();
    expect((await plane.call('DELETE', `${at}/environments/${environment.name}/`)).status).toBe(404);
  });

  it('has the same signing key in every deployment of an environment, and another elsewhere', async () => {
    const [one, two] = [await plane.environment(), await plane.environment()];
    const gateways = [await FakeGateway.admitted(plane.redis, one), await FakeGateway.admitted(plane.redis, two)];
    const { at, id } = await proxy('signing');
    const keyIds = async () =>
      Promise.all(
        gateways.map(async (gateway) => {
          const { text } = (await gateway.artifactOf(id))!;
          return (JSON.parse(text) as { signingKeys: { issue: { signing: { kid: string } } } }).signingKeys.issue
            .signing.kid;
        }),
      );
    await plane.done('POST', `${at}/policies/issue/`, policyBody(to(one, two)));
    const first = await keyIds();
    await plane.done('PUT', `${at}/policies/issue/`, policyBody(to(one, two), { description: 'again' }));
    expect(await keyIds()).toEqual(first);
    expect(new Set(first).size).toBe(2);
  });

  it('is gone everywhere once the proxy is deleted', async () => {
    const environment = await plane.environment();
    const gateway = await FakeGateway.admitted(plane.redis, environment);
    const { at, id } = await proxy('deleted');
    await plane.done('POST', `${at}/policies/issue/`, policyBody(to(environment)));
    const { deploymentResult } = await plane.done('DELETE', `${at}/`);
    expect(deploymentResult).toMatchObject({
      success: true,
      deploymentResults: [{ environmentName: environment.name }],
    });
    expect(await gateway.artifactOf(id)).toBeUndefined();
    expect((await plane.call('GET', `${at}/`)).status).toBe(404);
  });
});

describe('the relay', () => {
  const api = { roles: new Set(['api'] as const) };

  it('makes one job for each wish, and makes it again after the queue lost its data', async () => {
    const lonely = await RunningControlPlane.start({ ...api, deployTimeoutMs: 300 });
    try {
      await lonely.done('POST', '/projects/', { name: 'shop' });
      const environments = [await lonely.environment(), await lonely.environment()];
      const names = environments.map(({ name }) => name);
      const body = proxyBody('orders', { deploy: true, deployTargetEnvironmentNameList: names });
      const { deploymentResult } = await lonely.done('POST', '/projects/shop/apiProxies/url/', body);
      expect(deploymentResult.success).toBe(false);
      for (const result of deploymentResult.deploymentResults) {
        expect(result).toMatchObject({
          success: false,
          message: expect.stringMatching(/^Deployment pending/) as string,
        });
      }
      const jobs = async () =>
        Promise.all(environments.map(({ id }) => lonely.redis.keys(`gatewarden:deploy-${id}:${id}-*`)));
      const made = environments.map(({ id }) => [`gatewarden:deploy-${id}:${id}-1`]);
      expect(await jobs()).toEqual(made);
      await lonely.app.get(DeploymentRelay).flush();
      expect(await jobs()).toEqual(made);
      for (const { id } of environments) await removeKeys(lonely.redis, `gatewarden:deploy-${id}:*`);
      // Jobs that may have been lost are made again after a while: here it has passed.
      await lonely.pool.query(`update deployments set enqueued_at = enqueued_at - interval '1 hour'`);
      await lonely.app.get(DeploymentRelay).flush();
      expect(await jobs()).toEqual(made);
      await lonely.process({ roles: new Set(['deployer'] as const) });
      await until('both are deployed', async () =>
        (await lonely.deployments()).every(({ state }) => state === 'succeeded'),
      );
    } finally {
      await lonely.close();
    }
  });
});

describe('a job', () => {
  it('that runs twice, at once or late, changes nothing', async () => {
    const environment = await plane.environment();
    const { at, id } = await proxy('repeated');
    await plane.done('POST', `${at}/policies/issue/`, policyBody(to(environment)));
    await plane.done('PUT', `${at}/policies/issue/`, policyBody(to(environment), { description: 'newer' }));
    const gateway = await FakeGateway.admitted(plane.redis, environment);
    const look = async () => ({
      rows: await rowsOf(environment),
      events: (await plane.events()).length,
      position: await gateway.channel.position(),
      published: await gateway.artifactOf(id),
    });
    const before = await look();
    const job = plane.app.get(DeployJob);
    await Promise.all([1, 2, 1, 2, 3].map((deployment) => job.run(environment.id, deployment)));
    await plane.app.get(DeploymentQueues).add({ environmentId: environment.id, deployment: 1 });
    await until('the queue is empty', async () => {
      const left = await plane.redis.keys(`gatewarden:deploy-${environment.id}:${environment.id}-*`);
      return left.length === 0;
    });
    expect(await look()).toEqual(before);
  });

  it('that comes after a newer one is superseded and publishes nothing', async () => {
    const lonely = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 50 });
    try {
      await lonely.done('POST', '/projects/', { name: 'shop' });
      const environment = await lonely.environment();
      const list = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
      await lonely.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders', list));
      await lonely.done(
        'PUT',
        '/projects/shop/apiProxies/url/',
        proxyBody('orders', { ...list, apiProxyDescription: 'newer' }),
      );
      const job = lonely.app.get(DeployJob);
      await job.run(environment.id, 2);
      await job.run(environment.id, 1);
      expect((await lonely.deployments()).map(({ state }) => state)).toEqual(['superseded', 'succeeded']);
      const gateway = await FakeGateway.admitted(lonely.redis, environment);
      expect(await gateway.channel.recordsAfter(0, 10)).toMatchObject([{ deployment: 2 }]);
    } finally {
      await lonely.close();
    }
  });

  it('of an environment or a deployment that is not there does nothing', async () => {
    const before = (await plane.events()).length;
    await plane.app.get(DeployJob).run(randomUUID(), 1);
    expect((await plane.events()).length).toBe(before);
  });

  it('of a burst of changes ends with the newest one published', async () => {
    const environment = await plane.environment();
    const gateway = await FakeGateway.admitted(plane.redis, environment);
    await gateway.appliesEverything();
    const { at, id } = await proxy('burst');
    await plane.done('POST', `${at}/policies/issue/`, policyBody(to(environment)));
    const change = (index: number) =>
      plane.call('PUT', `${at}/policies/issue/`, policyBody({ deploy: true }, { description: `change ${index}` }));
    for (let round = 0; round < 3; round += 1) {
      const answers = await Promise.all(Array.from({ length: 6 }, (_, index) => change(round * 6 + index)));
      for (const { status, body } of answers.filter((answer) => answer.status !== 409)) {
        expect([status, body.deploymentResult.success]).toEqual([200, true]);
      }
    }
    const rows = await rowsOf(environment);
    expect(rows.length).toBeGreaterThan(3);
    expect(rows.every(({ state }) => state === 'succeeded' || state === 'superseded')).toBe(true);
    const published = await gateway.artifactOf(id);
    expect(published?.deployment).toBe(rows.at(-1)?.deployment);
    const newest = (await plane.events()).filter((event) => event.type === 'PolicyUpdated').at(-1);
    expect(JSON.parse(published?.text ?? '')).toMatchObject({
      pipelines: {
        request: [{ policy: { description: (newest?.data['policy'] as { description: string }).description } }],
      },
    });
    await gateway.ends();
  });
});

describe('a changed variable', () => {
  it('deploys exactly the proxies that use it, where they run, at the revision that runs', async () => {
    const [one, two] = [await plane.environment(), await plane.environment()];
    const variable = '/projects/shop/environmentVariables/private.shared/';
    await plane.done('POST', variable, {
      environmentValueList: [one, two].map(({ name }) => ({ environmentName: name, value: `first of ${name}` })),
    });
    const [user, stranger, idle] = [await proxy('user'), await proxy('stranger'), await proxy('idle')];
    await plane.done('POST', `${user.at}/policies/check/`, verificationBody(to(one), 'private.shared'));
    await plane.done('POST', `${stranger.at}/policies/check/`, verificationBody(to(one, two), 'private.another'));
    await plane.done('POST', `${idle.at}/policies/check/`, verificationBody({}, 'private.shared'));
    await plane.done('POST', `${user.at}/policies/later/`, policyBody());
    const environmentValueList = [{ environmentName: one.name, value: 'second' }];
    const { deploymentResult } = await plane.done('PUT', variable, { environmentValueList });
    expect(deploymentResult.deploymentResults).toMatchObject([
      { environmentName: one.name, success: true, revision: 2 },
    ]);
    expect((await rowsOf(one)).map((row) => row.proxy_id)).toEqual([user.id, stranger.id, user.id]);
    expect(await rowsOf(two)).toHaveLength(1);
    const gateway = await FakeGateway.admitted(plane.redis, one);
    const { text } = (await gateway.artifactOf(user.id))!;
    expect(JSON.parse(text)).toMatchObject({ variables: { 'private.shared': { value: 'second', secret: true } } });
    expect((await gateway.artifactOf(stranger.id))?.text).not.toContain('second');
  });
});
