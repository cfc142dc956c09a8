import { jest } from '@jest/globals';
import { ProgressStreams } from '../src/http/progress-streams.ts';
import { EnvironmentUpkeep } from '../src/deployments/deployer/environment-upkeep.ts';
import { RolloutRunner } from '../src/deployments/rollouts/rollout-runner.ts';
import { RolloutSteps } from '../src/deployments/rollouts/rollout-steps.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { waitedFor, whileOpen } from './testing/open-transactions.ts';
import { policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;

let plane: RunningControlPlane;
/** Waits for whatever comes at all: for what is to be a success, however slow the machine. */
let patient: RunningControlPlane['app'];
let one: Environment;
let two: Environment;
let gateways: FakeGateway[] = [];
let proxies = 0;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 1_500 });
  patient = await plane.process({ deployTimeoutMs: 60_000, roles: new Set(['api'] as const) });
  await plane.done('POST', '/projects/', { name: 'shop' });
});
beforeEach(async () => {
  [one, two] = [await plane.environment(), await plane.environment()];
});
afterEach(async () => {
  for (const gateway of gateways) await gateway.ends();
  gateways = [];
});
afterAll(() => plane.close());

async function gateway(environment: Environment, gatewayId = 'gateway-1'): Promise<FakeGateway> {
  const admitted = await FakeGateway.admitted(plane.redis, environment, gatewayId);
  gateways.push(admitted);
  await admitted.says();
  return admitted;
}

async function proxy(project = 'shop', members: object = {}): Promise<string> {
  proxies += 1;
  await plane.done('POST', `/projects/${project}/apiProxies/url/`, proxyBody(`r${proxies}`, members));
  return `/projects/${project}/apiProxies/r${proxies}`;
}

const inWaves = (...waves: Environment[][]) => ({ waves: waves.map((wave) => wave.map(({ name }) => name)) });
const addPolicy = (x: string, deployStrategy: object, name = 'issue') =>
  plane.done('POST', `${x}/policies/${name}/`, policyBody({ deploy: true, deployStrategy }));

const patiently = (...call: Parameters<RunningControlPlane['done']>) =>
  plane.askedAt(patient, () => plane.done(...call));

/** State and revision of what was deployed to an environment, oldest first. */
async function deploymentsIn({ id }: Environment) {
  const found = await plane.pool.query<{ state: string; revision: number; actor: string }>(
    'select state, revision, actor from deployments where environment_id = $1 order by deployment',
    [id],
  );
  return found.rows;
}

const rolloutOf = async (body: Answer['body']) => {
  const { id } = body.deploymentResult as unknown as { id: string };
  return (await plane.done('GET', `/deployments/${id}/`)).resultList[0] as Record<string, unknown>;
};
const eventTypes = async (rollout: Record<string, unknown>) =>
  (await plane.events())
    .filter(({ stream_id: stream }) => stream === `rollout-${String(rollout['id'])}`)
    .map(({ type }) => type);

/** Deletes an environment and meanwhile does something by which somebody comes to wait for the deletion. */
async function duringDeletionOf({ id }: Environment, work: () => Promise<void>): Promise<void> {
  await whileOpen(plane.pool, async (deletion) => {
    await deletion.query(`delete from names where kind = 'environment' and entity_id = $1`, [id]);
    await work();
    await waitedFor(deletion);
  });
}

describe('operationMetadata.deployStrategy', () => {
  it('deploys wave after wave, within one request where gateways are fast', async () => {
    for (const environment of [one, two]) await (await gateway(environment)).appliesEverything();
    const x = await proxy();
    const body = await plane.askedAt(patient, () => addPolicy(x, inWaves([one], [two])));
    expect(body.deploymentResult).toMatchObject({
      success: true,
      deploymentResults: [
        { environmentName: one.name, success: true, revision: 2 },
        { environmentName: two.name, success: true, revision: 2, wave: 2, deployment: 1 },
      ],
    });
    const rollout = await until('it is finished', async () => {
      const seen = await rolloutOf(body);
      return seen['state'] === 'finished' && seen;
    });
    expect(rollout).toMatchObject({ settled: true, wave: 2, revision: 2, username: 'admin' });
    expect((await deploymentsIn(two))[0]).toMatchObject({ actor: 'admin', state: 'succeeded' });
    expect(await eventTypes(rollout)).toEqual([
      ...['RolloutStarted', 'RolloutWaveStarted', 'RolloutWaveStarted', 'RolloutFinished'],
    ]);
  });

  it('begins the next wave only when the one before it is acknowledged', async () => {
    const slow = await gateway(one);
    const x = await proxy();
    const body = await addPolicy(x, inWaves([one], [two]));
    expect(body.deploymentResult.success).toBe(false);
    expect(body.deploymentResult.deploymentResults[1]).toMatchObject({
      ...{ environmentName: two.name, success: false, deployment: null, deploymentId: null, wave: 2 },
      message: expect.stringMatching(/^Deployment pending: it waits in wave 2/) as string,
    });
    expect(await deploymentsIn(two)).toEqual([]);
    expect(await rolloutOf(body)).toMatchObject({ state: 'running', settled: false, wave: 1 });
    await plane.applied(slow, one);
    await until('the second wave is done', async () => (await deploymentsIn(two))[0]?.state === 'succeeded');
    expect(await deploymentsIn(two)).toHaveLength(1);
  });

  it('cancels later waves when an environment fails', async () => {
    const bad = await gateway(one);
    await bad.says({ rejected: [{ proxyId: 'p', deployment: 1, reason: 'the key does not fit' }] });
    const x = await proxy();
    const body = await addPolicy(x, inWaves([one], [two]));
    expect(body.deploymentResult.deploymentResults[1]).toMatchObject({
      ...{ success: false, deployment: null },
      message: expect.stringMatching(/^Not deployed: wave 1 failed in environment /) as string,
    });
    const rollout = await rolloutOf(body);
    expect(rollout).toMatchObject({ state: 'stopped', settled: true });
    expect(rollout['reason']).toContain(one.name);
    expect(await eventTypes(rollout)).toEqual(['RolloutStarted', 'RolloutWaveStarted', 'RolloutStopped']);
    expect(await deploymentsIn(two)).toEqual([]);
  });

  it('goes on after a failure with stopOnFailure false', async () => {
    const bad = await gateway(one);
    await bad.says({ rejected: [{ proxyId: 'p', deployment: 1, reason: 'no' }] });
    const x = await proxy();
    const strategy = { ...inWaves([one], [two]), stopOnFailure: false };
    const body = await plane.askedAt(patient, () => addPolicy(x, strategy));
    expect(body.deploymentResult.deploymentResults).toMatchObject([{ success: false }, { success: true }]);
  });

  it.each([
    [50, 'succeeded'],
    [51, undefined],
  ])('with minAppliedPercent %d lets one of two gateways be silent: %s', async (minAppliedPercent, state) => {
    const fast = await gateway(one, 'gateway-1');
    await fast.appliesEverything();
    await gateway(one, 'gateway-2');
    const x = await proxy();
    const body = await addPolicy(x, { ...inWaves([one], [two]), minAppliedPercent });
    await until('its answers are noted', async () => {
      const { deploymentResult } = await rolloutOf(body);
      const results = (deploymentResult as Answer['body']['deploymentResult']).deploymentResults;
      return results[0]?.gateways.applied === 1;
    });
    await plane.app.get(RolloutRunner).look();
    if (state !== undefined) await until('it is settled', async () => (await deploymentsIn(two))[0]?.state === state);
    else expect(await deploymentsIn(two)).toEqual([]);
  });

  it('is overtaken by a newer change in environments that wait', async () => {
    const slow = await gateway(one);
    const x = await proxy();
    const body = await addPolicy(x, inWaves([one], [two]));
    await plane.done(
      'POST',
      `${x}/policies/newer/`,
      policyBody({ deploy: true, deployTargetEnvironmentNameList: [two.name] }),
    );
    await plane.applied(slow, one);
    const rollout = await until('the rollout has ended', async () => {
      const seen = await rolloutOf(body);
      return seen['state'] !== 'running' && seen;
    });
    expect(await eventTypes(rollout)).toContain('RolloutOvertaken');
    expect(await deploymentsIn(two)).toMatchObject([{ revision: 3, state: 'succeeded' }]);
  });

  it('stops when another revision takes the place of one that is not acknowledged', async () => {
    const slow = await gateway(one);
    const x = await proxy();
    const body = await addPolicy(x, inWaves([one], [two]));
    await plane.done('POST', `${x}/environments/${one.name}/`, { revision: 1 });
    await plane.applied(slow, one);
    await until('the rollout has stopped', async () => (await rolloutOf(body))['state'] === 'stopped');
    expect(await deploymentsIn(two)).toEqual([]);
  });

  it('ends with its proxy, and leaves its routes free', async () => {
    await gateway(one);
    const x = await proxy();
    const body = await addPolicy(x, inWaves([one], [two]));
    await plane.done('DELETE', `${x}/`);
    expect(await rolloutOf(body)).toMatchObject({ state: 'stopped' });
    const again = proxyBody('another', { clientRoute: { relativePathList: [`/r${proxies}`] } });
    const order = { deploy: true, deployTargetEnvironmentNameList: [two.name] };
    expect((await plane.call('POST', '/projects/shop/apiProxies/url/', { ...again, ...order })).status).toBe(200);
  });

  it('leaves out an environment that is deleted in the moment its wave begins', async () => {
    const three = await plane.environment();
    const [first, last] = [await gateway(one), await gateway(three)];
    const x = await proxy();
    const body = await addPolicy(x, inWaves([one], [two], [three]));
    await duringDeletionOf(two, () => plane.applied(first, one));
    await last.appliesEverything();
    const rollout = await until('it has ended', async () => {
      const seen = await rolloutOf(body);
      return seen['state'] !== 'running' && seen;
    });
    expect([rollout['state'], await deploymentsIn(two)]).toEqual(['finished', []]);
    expect(await deploymentsIn(three)).toMatchObject([{ state: 'succeeded', revision: 2 }]);
    expect(await eventTypes(rollout)).toContain('RolloutShortened');
  });

  it('claims the routes of all waves at once, and gives them back when it stops', async () => {
    const bad = await gateway(one);
    await bad.says();
    const x = await proxy();
    const body = await addPolicy(x, inWaves([one], [two]));
    const rival = (name: string) =>
      plane.call('POST', '/projects/shop/apiProxies/url/', {
        ...proxyBody(name, { clientRoute: { relativePathList: [`/r${proxies}`] } }),
        ...{ deploy: true, deployTargetEnvironmentNameList: [two.name] },
      });
    expect((await rival('rival')).status).toBe(409);
    await bad.says({ rejected: [{ proxyId: 'p', deployment: 1, reason: 'no' }] });
    await until('the rollout has stopped', async () => (await rolloutOf(body))['state'] === 'stopped');
    expect((await rival('rival')).status).toBe(200);
  });

  it('keeps the route that still runs where a wave waits, also when that wave is cancelled', async () => {
    await plane.done('POST', '/projects/', { name: 'moving' });
    await plane.done('PUT', '/projects/moving/settings/deploy-strategy/', inWaves([one], [two]));
    const list = { deploy: true, deployTargetEnvironmentNameList: [one.name, two.name] };
    const x = await proxy('moving', { ...list, clientRoute: { relativePathList: ['/moving/old'] } });
    const bad = await gateway(one);
    const clientRoute = { relativePathList: ['/moving/new'], ...list };
    const body = await plane.done('PATCH', `${x}/settings/client-route/`, clientRoute);
    let rivals = 0;
    const rivalAt = async (path: string): Promise<number> => {
      rivals += 1;
      const order = { deploy: true, deployTargetEnvironmentNameList: [two.name] };
      const members = { clientRoute: { relativePathList: [path] }, ...order };
      return (await plane.call('POST', '/projects/shop/apiProxies/url/', proxyBody(`m${rivals}`, members))).status;
    };
    expect([await rivalAt('/moving/old'), await rivalAt('/moving/new')]).toEqual([409, 409]);
    await bad.says({ rejected: [{ proxyId: 'p', deployment: 2, reason: 'no' }] });
    await until('the rollout has stopped', async () => (await rolloutOf(body))['state'] === 'stopped');
    expect([await rivalAt('/moving/old'), await rivalAt('/moving/new')]).toEqual([409, 200]);
  });

  it('begins each wave once, however many processes look', async () => {
    const lonely = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 50 });
    jest.spyOn(lonely.app.get(EnvironmentUpkeep), 'run').mockResolvedValue(undefined);
    try {
      await lonely.done('POST', '/projects/', { name: 'shop' });
      const [first, second] = [await lonely.environment(), await lonely.environment()];
      await lonely.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
      const { deploymentResult } = await lonely.done(
        'POST',
        '/projects/shop/apiProxies/orders/policies/issue/',
        policyBody({ deploy: true, deployStrategy: inWaves([first], [second]) }),
      );
      const { id } = deploymentResult as unknown as { id: string };
      // Whoever looked would miss it in Redis, and publish it again.
      await lonely.pool.query(`update deployments set state = 'succeeded'`);
      const steps = [lonely.app, await lonely.process()].map((app) => app.get(RolloutSteps));
      await Promise.all(steps.flatMap((one) => [one.take(id), one.take(id), one.take(id)]));
      expect((await lonely.deployments()).map(({ deployment }) => deployment)).toEqual([1, 1]);
    } finally {
      await lonely.close();
    }
  });

  it('goes on when the process that ended a wave died before the next one began', async () => {
    const lonely = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 50 });
    try {
      await lonely.done('POST', '/projects/', { name: 'shop' });
      const [first, second] = [await lonely.environment(), await lonely.environment()];
      await lonely.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
      await lonely.done(
        'POST',
        '/projects/shop/apiProxies/orders/policies/issue/',
        policyBody({ deploy: true, deployStrategy: inWaves([first], [second]) }),
      );
      // The deployment ended, and nobody was there to hear of it.
      await lonely.pool.query(`update deployments set state = 'succeeded'`);
      await lonely.process({ roles: new Set(['deployer'] as const) });
      // Not by the number of deployments: what it is said to have published is missed there, and published again.
      await until('the second wave is done', async () => {
        const { rows } = await lonely.pool.query<{ state: string }>('select state from rollouts');
        return rows[0]?.state === 'finished';
      });
      const done = `select 1 from deployments where environment_id = $1 and state = 'succeeded'`;
      expect((await lonely.pool.query(done, [second.id])).rows).toHaveLength(1);
    } finally {
      await lonely.close();
    }
  });

  it.each([
    ['no waves', { waves: [] }, 'waves', 'out_of_range'],
    ['an empty wave', { waves: [[]] }, 'waves[0]', 'out_of_range'],
    ['an environment twice', { waves: [['a'], ['b', 'a']] }, 'waves[1][1]', 'duplicate'],
    ['an unknown environment', { waves: [['none']] }, 'waves[0][0]', 'unknown_environment'],
    ['a percentage of 0', { waves: [['a']], minAppliedPercent: 0 }, 'minAppliedPercent', 'out_of_range'],
    ['a percentage of 101', { waves: [['a']], minAppliedPercent: 101 }, 'minAppliedPercent', 'out_of_range'],
    ['a flag that is no flag', { waves: [['a']], stopOnFailure: 'yes' }, 'stopOnFailure', 'wrong_type'],
    ['an unknown member', { waves: [['a']], pauseSeconds: 1 }, 'pauseSeconds', 'unknown_field'],
  ])('refuses %s with 400 and stores nothing', async (_name, deployStrategy, field, code) => {
    const x = await proxy();
    const before = (await plane.events()).length;
    const answer = await plane.call('POST', `${x}/policies/issue/`, policyBody({ deploy: false, deployStrategy }));
    expect(answer.status).toBe(400);
    const fault = { field: `operationMetadata.deployStrategy.${field}`, code };
    expect(answer.body.validation_errors).toContainEqual(expect.objectContaining(fault));
    expect((await plane.events()).length).toBe(before);
    const put = await plane.call('PUT', '/projects/shop/settings/deploy-strategy/', deployStrategy);
    expect(put.body.validation_errors).toContainEqual(expect.objectContaining({ field, code }));
  });

  it('refuses a list beside it that names others', async () => {
    const x = await proxy();
    const metadata = { deployStrategy: inWaves([one], [two]), deployTargetEnvironmentNameList: [one.name] };
    const answer = await plane.call('POST', `${x}/policies/issue/`, policyBody(metadata));
    expect(answer.body.validation_errors).toMatchObject([{ code: 'contradicts_deploy_strategy' }]);
    const same = { ...metadata, deployTargetEnvironmentNameList: [two.name, one.name] };
    expect((await plane.call('POST', `${x}/policies/issue/`, policyBody(same))).status).toBe(200);
  });

  it('orders PUT and DELETE of a policy as well, and a promotion', async () => {
    const third = await plane.environment();
    const x = await proxy();
    await plane.done('POST', `${x}/policies/issue/`, policyBody());
    const deployStrategy = inWaves([one], [two]);
    const put = await patiently('PUT', `${x}/policies/issue/`, policyBody({ deploy: true, deployStrategy }));
    expect(put.deploymentResult.deploymentResults).toMatchObject([{ success: true }, { success: true, wave: 2 }]);
    const operationMetadata = { targetScope: 'ALL', targetPipeline: 'REQUEST', deploy: true, deployStrategy };
    const gone = await patiently('DELETE', `${x}/policies/issue/`, { operationMetadata });
    expect(gone.deploymentResult.deploymentResults).toMatchObject([{ success: true }, { success: true, wave: 2 }]);
    const promotion = { from: one.name, deployStrategy: inWaves([two], [third]) };
    const { deploymentResult } = await patiently('POST', `${x}/promote/`, promotion);
    expect(deploymentResult.deploymentResults).toMatchObject([
      { revision: 4 },
      { revision: 4, wave: 2, success: true },
    ]);
  });
});

describe('P/settings/deploy-strategy/', () => {
  it('PUT and GET: orders what changes deploy to, what is in no wave last; null clears it', async () => {
    await plane.done('POST', '/projects/', { name: 'ordered' });
    const path = '/projects/ordered/settings/deploy-strategy/';
    expect((await plane.done('GET', path)).resultList).toEqual([]);
    const last = await plane.environment();
    const strategy = { ...inWaves([two], [one]), stopOnFailure: true, minAppliedPercent: 100 };
    expect((await plane.done('PUT', path, inWaves([two], [one]))).resultList).toEqual([strategy]);
    expect((await plane.done('GET', path)).resultList).toEqual([strategy]);
    const list = { deploy: true, deployTargetEnvironmentNameList: [last.name, one.name, two.name] };
    proxies += 1;
    const body = await patiently('POST', '/projects/ordered/apiProxies/url/', proxyBody(`r${proxies}`, list));
    expect(body.deploymentResult.deploymentResults).toMatchObject([
      { environmentName: two.name, success: true },
      { environmentName: one.name, success: true, wave: 2 },
      { environmentName: last.name, success: true, wave: 3 },
    ]);
    const cleared = await plane.app.inject({
      ...{ method: 'PUT', url: `/apiops${path}`, payload: 'null' },
      headers: { authorization: `Bearer ${plane.adminToken}`, 'content-type': 'application/json' },
    });
    expect(cleared.statusCode).toBe(200);
    expect((await plane.done('GET', path)).resultList).toEqual([]);
  });

  it('PUT without a body is a 400, and of an unknown project a 404', async () => {
    expect((await plane.call('PUT', '/projects/shop/settings/deploy-strategy/')).status).toBe(400);
    const unknown = await plane.call('PUT', '/projects/none/settings/deploy-strategy/', inWaves([one]));
    expect(unknown.status).toBe(404);
  });
});

describe('GET /apiops/deployments/{id}/', () => {
  it('shows one deployment by the deploymentId of its result', async () => {
    const x = await proxy();
    const { deploymentResult } = await patiently('POST', `${x}/environments/${one.name}/`, { description: 'release' });
    const [result] = deploymentResult.deploymentResults;
    const id = (result as unknown as { deploymentId: string }).deploymentId;
    const { resultList } = await plane.done('GET', `/deployments/${id}/`);
    expect(resultList).toMatchObject([
      {
        ...{ id, projectName: 'shop', apiProxyName: `r${proxies}`, kind: 'publish', revision: 1, state: 'succeeded' },
        ...{ settled: true, username: 'admin', description: 'release', deploymentResult },
      },
    ]);
  });

  it('is 404 for what is not there, and for a token that may not see the project', async () => {
    const x = await proxy();
    await plane.done('POST', `${x}/environments/${one.name}/`);
    await plane.done('POST', '/projects/', { name: `other-${one.name}` });
    const { resultList } = await plane.done('POST', '/tokens/', {
      ...{ name: `viewer-${one.name}`, permissions: ['VIEW'], projects: [`other-${one.name}`] },
    });
    const stranger = { authorization: `Bearer ${String(resultList[0]?.['token'])}` };
    const id = `${one.name}:1`;
    expect((await plane.call('GET', `/deployments/${id}/`)).status).toBe(200);
    const answers = [
      await plane.call('GET', `/deployments/${id}/`, undefined, stranger),
      await plane.call('GET', `/deployments/${id}/stream`, undefined, stranger),
      await plane.call('GET', `/deployments/${one.name}:9/`),
      await plane.call('GET', '/deployments/none:1/'),
      await plane.call('GET', '/deployments/00000000-0000-4000-8000-000000000000/'),
      await plane.call('GET', '/deployments/nothing/'),
    ];
    expect(answers.map(({ status, body }) => [status, body.error])).toEqual(answers.map(() => [404, 'not_found']));
  });
});

describe('GET /apiops/deployments/{id}/stream', () => {
  const events = (text: string) =>
    text
      .split('\n\n')
      .filter((block) => block.includes('data:'))
      .map((block) => ({
        type: /^event: (.*)$/m.exec(block)?.[1],
        data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? 'null') as Record<string, unknown>,
      }));
  const headers = () => ({ authorization: `Bearer ${plane.adminToken}` });

  it('tells of progress until it is settled, and ends', async () => {
    const slow = await gateway(one);
    const x = await proxy();
    const { deploymentResult } = await addPolicy(x, inWaves([one], [two]));
    const { id } = deploymentResult as unknown as { id: string };
    const reading = plane.app.inject({ method: 'GET', url: `/apiops/deployments/${id}/stream`, headers: headers() });
    await plane.applied(slow, one);
    const { headers: received, body, statusCode } = await reading;
    expect([statusCode, received['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
    const seen = events(body);
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.slice(0, -1).every(({ type }) => type === 'progress')).toBe(true);
    expect(seen.at(-1)).toMatchObject({ type: 'settled', data: { state: 'finished', settled: true } });
  });

  it('stops looking when the client leaves, and when the process ends', async () => {
    await gateway(one);
    const { deploymentResult } = await addPolicy(await proxy(), inWaves([one], [two]));
    const { id } = deploymentResult as unknown as { id: string };
    const other = await plane.process();
    await other.listen({ host: '127.0.0.1', port: 0 });
    const streams = other.get(ProgressStreams);
    const read = async (signal: AbortSignal) =>
      fetch(`${await other.getUrl()}/apiops/deployments/${id}/stream`, { headers: headers(), signal });
    const client = new AbortController();
    const answer = await read(client.signal);
    await answer.body?.getReader().read();
    expect(streams.count).toBe(1);
    client.abort();
    await until('nobody reads', () => streams.count === 0);
    const last = await read(new AbortController().signal);
    const ended = last.text();
    await other.close();
    expect(events(await ended)).toMatchObject([{ type: 'progress' }]);
  });

  it('is over at once for what is settled', async () => {
    await patiently('POST', `${await proxy()}/environments/${one.name}/`);
    const url = `/apiops/deployments/${one.name}:1/stream`;
    const { body } = await plane.app.inject({ method: 'GET', url, headers: headers() });
    expect(events(body)).toMatchObject([{ type: 'settled', data: { id: `${one.name}:1` } }]);
  });
});
