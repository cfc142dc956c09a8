import { FakeGateway } from './testing/fake-gateway.ts';
import { credentialBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

const SUITE_MS = 180_000;
/** The whole log is read every 10 seconds. */
const REPAIRED_WITHIN_MS = 60_000;

let plane: RunningControlPlane;
let environment: Awaited<ReturnType<RunningControlPlane['environment']>>;
let gateway: FakeGateway;
beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 3_000 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  environment = await plane.environment();
  gateway = await FakeGateway.admitted(plane.redis, environment);
  const order = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders', order));
  await plane.done('POST', '/projects/shop/credentials/', credentialBody('alice', 'a password'));
  await until('alice is known', () => gateway.identity('credential', 'alice'));
}, SUITE_MS);
afterAll(() => plane.close(), SUITE_MS);

const key = (name: string): string => `gw:{${environment.name}}:${name}`;
const isPublished = async (): Promise<boolean> => {
  const rows = await plane.deployments();
  const newest = Math.max(...rows.map(({ deployment }) => deployment));
  const held = await gateway.artifactOf(await plane.proxyId('orders')).catch(() => undefined);
  const alice = await gateway.identity('credential', 'alice').catch(() => undefined);
  const isSettled = rows.every(({ state }) => state !== 'pending');
  // Or the log is still to be begun anew, which would take the next case's key away.
  const isToldOfAll = await gateway.channel.isToldOfAll().catch(() => false);
  return isSettled && held?.deployment === newest && alice !== undefined && isToldOfAll;
};

// Each goes on where the one before ended.
describe('a key in the Redis of an environment that somebody made anew, of another kind,', () => {
  it.each(
    ['log', 'position', 'checkpoint', 'heads', 'artifacts', 'last-good', 'sequences', 'key-ring', 'leases'].concat(
      ...['lease-times', 'identities:credential', 'identities:client', 'identities:orders', 'key-sets:policy:uses'],
      ...['revocations:position', 'revocations:entries', 'revocations:sequences', 'revocations:ends'],
    ),
  )(
    'is removed and reported, and what it stood in place of is put back: %s',
    async (name) => {
      const before = plane.logLines.length;
      await plane.redis.multi().del(key(name)).rpush(key(name), 'somebody', 'else').exec();
      const told = () => plane.logLines.slice(before).filter((line) => line.includes('were of another kind'));
      await until('it is removed', () => told().length > 0, REPAIRED_WITHIN_MS);
      await until('everything is there again', isPublished, REPAIRED_WITHIN_MS);
      expect(await plane.redis.type(key(name))).not.toBe('list');
      expect(told().map((line) => JSON.parse(line) as object)).toMatchObject([{ level: 40, keys: [key(name)] }]);
    },
    SUITE_MS,
  );

  it('counts in a metric', async () => {
    const { body } = await plane.app.inject({ method: 'GET', url: '/metrics' });
    const lines = body.split('\n').filter((line) => line.startsWith('gatewarden_drift_repairs_total'));
    expect(lines).toContainEqual(expect.stringContaining(`environment="${environment.name}",what="key"} 18`));
  });
});

describe('a text of 64 MiB', () => {
  it.each([
    ['in the place of where the log ends', 'position', 'epoch'],
    ['in the place of standing orders', 'identities:orders', 'key-sets'],
    ['in the key ring', 'key-ring', ''],
  ])(
    '%s does not outlast the next look of the control plane',
    async (_what, name, fixed) => {
      await plane.done('POST', `/environments/${environment.name}/jwks/flush/`, {});
      const field = fixed === '' ? (environment.gatewayKey.split('_')[1] ?? '') : fixed;
      await plane.redis.hset(key(name), field, 'x'.repeat(64 * 1024 * 1024));
      const length = async (): Promise<number> => plane.redis.hstrlen(key(name), field);
      await until('it is gone', async () => (await length()) < 100_000, REPAIRED_WITHIN_MS);
      await until('everything is there again', isPublished, REPAIRED_WITHIN_MS);
    },
    SUITE_MS,
  );
});
