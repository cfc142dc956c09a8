import { randomBytes } from 'node:crypto';
import { ChannelKeys, sealLease, ServedDigest, type LeaseState } from '#libs/config-distribution';
import { FakeGateway } from './testing/fake-gateway.ts';
import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type DeploymentAnswer } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;

let plane: RunningControlPlane;
let environment: Environment;
let gateways: FakeGateway[] = [];
let proxies = 0;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 3_000 });
  await plane.done('POST', '/projects/', { name: 'shop' });
});
beforeEach(async () => {
  environment = await plane.environment();
  // From then on it hears of gateways that end; before, it takes as long as a lease to notice.
  await until('the control plane listens to the gateways', async () => {
    const heard = (await plane.redis.pubsub('CHANNELS', `*:topic:leases`)) as string[];
    return heard.some((topic) => topic.includes(`{${environment.name}}`));
  });
});
afterEach(async () => {
  for (const gateway of gateways) await gateway.ends();
  gateways = [];
});
afterAll(() => plane.close());

async function gateway(gatewayId: string): Promise<FakeGateway> {
  const admitted = await FakeGateway.admitted(plane.redis, environment, gatewayId);
  gateways.push(admitted);
  return admitted;
}

/** Deploys a new proxy and gives the result of its one environment. */
async function deploy(): Promise<DeploymentAnswer> {
  proxies += 1;
  const order = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
  const body = await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody(`p${proxies}`, order));
  const [result] = body.deploymentResult.deploymentResults;
  if (result === undefined) throw new Error('no result');
  expect(body.deploymentResult.success).toBe(result.success);
  return result;
}

/** Does something as soon as a deployment is published. */
const oncePublished = (of: FakeGateway, work: () => Promise<void>): Promise<void> =>
  until('a deployment is published', async () => ((await of.channel.position())?.sequence ?? 0) > 0).then(work);

const rowOf = async (deployment: number) => {
  const found = await plane.pool.query<{ state: string; result: DeploymentAnswer }>(
    'select state, result from deployments where environment_id = $1 and deployment = $2',
    [environment.id, deployment],
  );
  return found.rows[0];
};

describe('the answer to a deployment', () => {
  it('is a success when every live gateway has applied it, with the time each took', async () => {
    for (const id of ['gateway-1', 'gateway-2']) await (await gateway(id)).appliesEverything();
    const result = await deploy();
    expect(result).toMatchObject({
      ...{
        environmentName: environment.name,
        success: true,
        message: 'Deployment successful',
        deployment: 1,
        revision: 1,
      },
      gateways: { live: 2, applied: 2, rejected: 0, pending: 0 },
    });
    expect([...result.detailList].sort((one, other) => (one.gatewayId < other.gatewayId ? -1 : 1))).toEqual(
      ['gateway-1', 'gateway-2'].map((gatewayId) => ({
        ...{ gatewayId, success: true, detail: 'applied', responseTime: expect.any(Number) as number },
      })),
    );
  });

  it('is no success when one gateway rejects it, and says which and why', async () => {
    await (await gateway('gateway-1')).appliesEverything();
    const second = await gateway('gateway-2');
    await second.says();
    const rejected = oncePublished(second, () =>
      second.says({ rejected: [{ proxyId: 'p', deployment: 1, reason: 'the key does not fit the algorithm' }] }),
    );
    const result = await deploy();
    await rejected;
    expect(result).toMatchObject({
      success: false,
      message: expect.stringMatching(/^1 of 2 gateways rejected it/) as string,
      gateways: { live: 2, applied: 1, rejected: 1, pending: 0 },
    });
    expect(result.detailList).toContainEqual({
      ...{ gatewayId: 'gateway-2', success: false, detail: 'the key does not fit the algorithm' },
      responseTime: expect.any(Number) as number,
    });
    expect(await rowOf(1)).toMatchObject({ state: 'failed' });
    const failed = (await plane.events()).filter((event) => event.type === 'DeploymentFailed');
    expect(failed.at(-1)).toMatchObject({ data: { deployment: 1, gateways: { rejected: 1 } } });
  });

  it('is pending while a gateway is silent, and a success once that one answers', async () => {
    await (await gateway('gateway-1')).appliesEverything();
    const silent = await gateway('gateway-2');
    await silent.says();
    const result = await deploy();
    expect(result).toMatchObject({
      success: false,
      message: expect.stringMatching(/^Deployment pending: 1 of 2 gateways applied it/) as string,
      gateways: { live: 2, applied: 1, rejected: 0, pending: 1 },
    });
    expect(result.detailList).toContainEqual({
      ...{ gatewayId: 'gateway-2', success: false, detail: 'no answer yet', responseTime: null },
    });
    await silent.says({ handled: [1] });
    await gateways[0]?.says();
    await until('the deployment has succeeded', async () => (await rowOf(1))?.state === 'succeeded');
    expect((await rowOf(1))?.result).toMatchObject({ message: 'Deployment successful', gateways: { pending: 0 } });
  });

  it('is noted as it goes on, and over with the first rejection, while another gateway stays silent', async () => {
    const [silent, late, later] = [await gateway('gateway-1'), await gateway('gateway-2'), await gateway('gateway-3')];
    for (const one of [silent, late, later]) await one.says();
    expect(await deploy()).toMatchObject({ gateways: { live: 3, applied: 0, pending: 3 } });
    await late.says({ handled: [1] });
    await until('what came late is noted', async () => (await rowOf(1))?.result.gateways.applied === 1);
    expect((await rowOf(1))?.state).toBe('pending');
    await later.says({ rejected: [{ proxyId: 'p', deployment: 1, reason: 'the key does not fit' }] });
    await until('it has failed', async () => (await rowOf(1))?.state === 'failed');
    expect((await rowOf(1))?.result.gateways).toEqual({ live: 3, applied: 1, rejected: 1, pending: 1 });
  });

  it('does not wait for a gateway that ends while it is waited for', async () => {
    const leaving = await gateway('gateway-1');
    await leaving.says();
    const left = oncePublished(leaving, () => leaving.ends());
    const result = await deploy();
    await left;
    expect(result).toMatchObject({ success: true, gateways: { live: 0, pending: 0 } });
  });

  it('does not take the handling of another deployment, or of another log, for an answer', async () => {
    const one = await gateway('gateway-1');
    await one.says({
      handled: [7],
      loaded: { epoch: 'another', sequence: 1_000 },
      rejected: [{ proxyId: 'p', deployment: 9, reason: 'r' }],
    });
    expect(await deploy()).toMatchObject({ success: false, gateways: { live: 1, pending: 1 } });
  });

  it('does not count a lease that was not sealed with the key of the environment, and reports it', async () => {
    const honest = await gateway('gateway-1');
    await honest.appliesEverything();
    const lie: LeaseState = {
      ...{ gatewayId: 'liar', programVersion: '1', address: '', startedAt: '', deployment: 0, loaded: null },
      ...{ handled: [], unsettled: [], rejected: [{ proxyId: 'p', deployment: 1, reason: 'a lie' }] },
    };
    const stranger = new ChannelKeys(environment.name, randomBytes(32));
    await honest.channel.renewLease('liar', sealLease(stranger, lie));
    await honest.channel.renewLease('garbage', 'not sealed at all');
    // A lease of this environment under another gateway's name does not open either.
    await honest.channel.renewLease('twin', sealLease(honest.keys, { ...lie, gatewayId: 'gateway-1' }));
    expect(await deploy()).toMatchObject({ success: true, gateways: { live: 1, applied: 1, rejected: 0, pending: 0 } });
    const warned = plane.logLines.filter((line) => line.includes('"level":40') && line.includes('not sealed here'));
    const named = warned.flatMap((line) => (JSON.parse(line) as { gatewayIds: string[] }).gatewayIds);
    expect(named.sort()).toEqual(['garbage', 'liar', 'twin']);
    expect(await honest.channel.leasesOf(['liar', 'garbage', 'twin'])).toEqual([]);
  });

  /** What gateways of this build say beside. */
  const said = { rejectedDeployments: [], holdsInstead: [], served: { proxies: 1, digest: 'd' } };

  it('is no success where a gateway has read it and does not serve it', async () => {
    const one = await gateway('gateway-1');
    await one.says({ ...said, served: { proxies: 0, digest: ServedDigest.of([]).text() } });
    const passedOver = oncePublished(one, async () => {
      const proxyId = String((await plane.events()).findLast(({ type }) => type === 'ProxyCreated')?.data['proxyId']);
      const read = { deployment: 1, handled: [1], loaded: (await one.channel.position()) ?? null };
      await one.says({ ...read, holdsInstead: [{ proxyId, deployment: 0 }] });
    });
    const result = await deploy();
    await passedOver;
    expect(result).toMatchObject({ success: false, gateways: { live: 1, applied: 0, pending: 1 } });
    expect(result.message).toContain('(gateway-1: it serves nothing of it)');
    expect(result.detailList).toMatchObject([{ success: false, detail: 'it serves nothing of it' }]);
  });

  it('is no success where a gateway rejects it with more others than it has room to explain', async () => {
    const one = await gateway('gateway-1');
    await one.says(said);
    const rejected = oncePublished(one, async () =>
      one.says({
        deployment: 1,
        handled: [1],
        rejectedDeployments: [1],
        loaded: (await one.channel.position()) ?? null,
      }),
    );
    const result = await deploy();
    await rejected;
    expect(result).toMatchObject({ success: false, gateways: { live: 1, rejected: 1 } });
    expect(result.detailList).toMatchObject([{ detail: 'rejected; the reason is in the log of the gateway' }]);
  });

  it('says so when the gateways that ran have gone while they were asked', async () => {
    const leaving = await gateway('gateway-1');
    await leaving.says();
    const left = oncePublished(leaving, () => leaving.ends());
    const { success, message } = await deploy();
    await left;
    expect(success).toBe(true);
    expect(message).toMatch(/^Deployment successful; .*, it will be applied at start$/);
  });

  it('of two environments is one result for each: a silent one does not spoil the other', async () => {
    const other = await plane.environment();
    const silent = await gateway('gateway-1');
    await silent.says();
    const order = { deploy: true, deployTargetEnvironmentNameList: [environment.name, other.name] };
    const { deploymentResult } = await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('both', order));
    const bySuccess = new Map(deploymentResult.deploymentResults.map((one) => [one.environmentName, one.success]));
    expect(bySuccess).toEqual(
      new Map([
        [environment.name, false],
        [other.name, true],
      ]),
    );
    expect(deploymentResult.success).toBe(false);
  });
});
