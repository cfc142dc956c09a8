import type { KeySetNote, LeaseState } from '#libs/config-distribution';
import { FakeGateway } from './testing/fake-gateway.ts';
import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type DeploymentAnswer } from './testing/running-control-plane.ts';
import { SeverableServer } from './testing/severable-server.ts';
import { testRedisUrl, until } from './testing/test-servers.ts';

const ADDRESS = 'https://idp.test/jwks';
const FETCHING = `applied; the key set ${ADDRESS} is still being fetched`;
const FAILED = `applied; the key set ${ADDRESS} cannot be fetched (http-status 503)`;

let plane: RunningControlPlane;
let door: SeverableServer;
let environment: Awaited<ReturnType<RunningControlPlane['environment']>>;
const gateways: FakeGateway[] = [];
let proxies = 0;
let proxy: string;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 5_000 });
  door = await SeverableServer.closed(testRedisUrl());
  await plane.done('POST', '/projects/', { name: 'shop' });
});
beforeEach(async () => {
  await door.open();
  environment = await plane.environment({ redisUrl: door.url });
  proxies += 1;
  proxy = `p${proxies}`;
});
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.ends();
});
afterAll(async () => {
  await plane.close();
  await door.sever();
});

async function gateway(gatewayId: string): Promise<FakeGateway> {
  const admitted = await FakeGateway.admitted(plane.redis, environment, gatewayId);
  gateways.push(admitted);
  await admitted.says({ keySetNotes: [] });
  return admitted;
}

/** What a gateway says of the key set that a deployment of the proxy names; what it says beside that is of others. */
async function noted(deployment: number, state: Partial<KeySetNote>): Promise<Partial<LeaseState>> {
  const proxyId = await until('the proxy is there', () => plane.proxyId(proxy));
  const note: KeySetNote = { proxyId, deployment, address: `${ADDRESS}?code=secret`, state: 'fetching', ...state };
  return { keySetNotes: [note, { ...note, deployment: 99 }, { ...note, proxyId: 'another' }] };
}
const failed: Partial<KeySetNote> = { state: 'failed', reason: 'http-status 503' };

/** Applies a deployment as soon as it is published, and says in the same lease what it has to say. */
async function applies(one: FakeGateway, sequence: number, say: () => Promise<Partial<LeaseState>>): Promise<void> {
  const position = await until('it is published', async () => {
    const at = await one.channel.position();
    return (at?.sequence ?? 0) >= sequence ? at : undefined;
  });
  await one.says({ loaded: position ?? null, deployment: sequence, ...(await say()) });
}

const order = () => ({ deploy: true, deployTargetEnvironmentNameList: [environment.name] });
async function deployed(): Promise<DeploymentAnswer> {
  const body = await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody(proxy, order()));
  return resultOf(body);
}
function resultOf({ deploymentResult }: { deploymentResult?: unknown }): DeploymentAnswer {
  const { success, deploymentResults } = deploymentResult as {
    success: boolean;
    deploymentResults: DeploymentAnswer[];
  };
  const [result] = deploymentResults;
  if (result === undefined) throw new Error('no result');
  expect(success).toBe(result.success);
  return result;
}
async function asOfNow(deployment = 1): Promise<DeploymentAnswer> {
  const { resultList } = await plane.done('GET', `/deployments/${environment.name}:${deployment}/`);
  return resultOf(resultList[0] ?? {});
}
const saidOf = ({ detailList, warnings }: DeploymentAnswer) => ({
  details: detailList.map(({ gatewayId, success, detail }) => [gatewayId, success, detail]),
  warned: warnings.map(({ gatewayId, state }) => [gatewayId, state]),
});

describe('a deployment whose key sets are not there', () => {
  it('is a success that warns of each gateway, without what an address may hold of a secret', async () => {
    const [one, two] = [await gateway('gateway-1'), await gateway('gateway-2')];
    const applied = Promise.all([
      applies(one, 1, () => noted(1, failed)),
      applies(two, 1, () => noted(1, { state: 'fetching' })),
    ]);
    const result = await deployed();
    await applied;
    expect(result).toMatchObject({
      ...{ success: true, message: 'Deployment successful' },
      gateways: { live: 2, applied: 2, rejected: 0, pending: 0 },
      detailList: [
        { gatewayId: 'gateway-1', success: true, detail: FAILED },
        { gatewayId: 'gateway-2', success: true, detail: FETCHING },
      ],
    });
    expect(result.warnings).toEqual([
      { gatewayId: 'gateway-1', address: ADDRESS, state: 'failed', reason: 'http-status 503' },
      { gatewayId: 'gateway-2', address: ADDRESS, state: 'fetching', reason: null },
    ]);
    const { resultList } = await plane.done('GET', `/projects/shop/apiProxies/${proxy}/deploy-histories/`);
    expect(resultList[0]).toMatchObject({ success: true, message: 'Deployment successful' });
    expect(JSON.stringify(await asOfNow())).not.toContain('secret');
  });

  it('has no warnings where there are none, or where a gateway of an earlier build does not say it', async () => {
    const [silent] = [await FakeGateway.admitted(plane.redis, environment, 'gateway-0'), await gateway('gateway-1')];
    gateways.push(silent);
    await silent.says();
    const applied = Promise.all(gateways.map((one) => applies(one, 1, async () => ({}))));
    const result = await deployed();
    await applied;
    expect(result).toMatchObject({ success: true, warnings: [], detailList: [{ detail: 'applied' }, {}] });
    expect(await asOfNow()).toMatchObject({ warnings: [], detailList: [{ detail: 'applied' }, { detail: 'applied' }] });
  });

  it('shows later what its gateways lack then', async () => {
    const one = await gateway('gateway-1');
    const applied = applies(one, 1, () => noted(1, { state: 'fetching' }));
    expect(saidOf(await deployed()).details).toEqual([['gateway-1', true, FETCHING]]);
    await applied;
    await one.says(await noted(1, failed));
    const now = await asOfNow();
    expect([now.success, now.message]).toEqual([true, 'Deployment successful']);
    expect(saidOf(now)).toEqual({ details: [['gateway-1', true, FAILED]], warned: [['gateway-1', 'failed']] });
    await one.says({ keySetNotes: [] });
    expect(saidOf(await asOfNow())).toEqual({ details: [['gateway-1', true, 'applied']], warned: [] });
  });

  it('keeps what was said of it once a newer one took its place', async () => {
    const one = await gateway('gateway-1');
    const first = applies(one, 1, () => noted(1, failed));
    await deployed();
    await first;
    const second = applies(one, 2, async () => ({ keySetNotes: [] }));
    const path = `/projects/shop/apiProxies/${proxy}/environments/${environment.name}/`;
    expect(resultOf(await plane.done('POST', path, {}))).toMatchObject({ deployment: 2, warnings: [] });
    await second;
    expect(saidOf(await asOfNow())).toEqual({
      details: [['gateway-1', true, FAILED]],
      warned: [['gateway-1', 'failed']],
    });
    expect(saidOf(await asOfNow(2)).warned).toEqual([]);
  });

  it('shows what was noted while its gateways cannot be asked', async () => {
    const one = await gateway('gateway-1');
    const applied = applies(one, 1, () => noted(1, failed));
    await deployed();
    await applied;
    await one.says({ keySetNotes: [] });
    await door.sever();
    expect(saidOf(await asOfNow()).warned).toEqual([['gateway-1', 'failed']]);
    await door.open();
    await until('it is asked again', async () => (await asOfNow()).warnings.length === 0);
  });

  it('is named by the gateways that lack them, beside the orders that they obey', async () => {
    const one = await gateway('gateway-1');
    const applied = applies(one, 1, async () => ({ ...(await noted(1, failed)), obeys: { 'key-sets': 3 } }));
    await deployed();
    await applied;
    const { resultList } = await plane.done('GET', `/environments/${environment.name}/gateways/`);
    expect(resultList).toMatchObject([{ gatewayId: 'gateway-1', obeys: { 'key-sets': 3 } }]);
    expect((resultList[0]?.['keySetNotes'] as object[])[0]).toEqual({
      ...{ projectName: 'shop', apiProxyName: proxy, deployment: 1 },
      ...{ address: ADDRESS, state: 'failed', reason: 'http-status 503' },
    });
  });
});
