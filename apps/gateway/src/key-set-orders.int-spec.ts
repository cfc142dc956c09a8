import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { putIdentity, RedisConfigChannel, type LeaseState } from '#libs/config-distribution';
import { prepareEnvironment, type PreparedEnvironment } from '#libs/config-distribution/testing';
import { CapturedLog } from '#libs/program-shell/testing';
import { TOKEN_CACHE_DEFAULTS } from './config/token-cache-settings.ts';
import { changeFor, temporaryDirectory } from './config-subscriber/testing/subscriber-rig.ts';
import { artifactOf, ask, Rig } from './http-server/testing/rig.ts';
import { LISTENER_DEFAULTS } from './http-server/listener/listener-settings.ts';
import { DEFAULT_LIMITS } from './http-server/request-limits.ts';
import { UPSTREAM_POOL_LIMITS } from './upstream/upstream-pool.ts';
import { startGateway, type RunningGateway } from './start-gateway.ts';
import { RedisRelay } from './testing/redis-relay.ts';
import { fetchedKeysPolicy, providerKey, RotatingProvider, type ProviderKey } from './testing/rotating-provider.ts';
import { foundInLeases } from './testing/watched-leases.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const COOLDOWN_MS = 30_000;
const PLACE = { kind: 'orders', subject: 'key-sets' } as const;

/** The tests are one story of one gateway: each goes on where the one before ended. */
describe('a gateway whose policy takes its keys from an address', () => {
  const environment = `test-${randomBytes(6).toString('hex')}`;
  const redis = new Redis(redisUrl);
  const channel = new RedisConfigChannel(redis, environment);
  const relay = new RedisRelay(redisUrl);
  const directory = temporaryDirectory();
  const rig = new Rig();
  const log = new CapturedLog();
  let nowMs = Date.now();
  let prepared: PreparedEnvironment;
  let provider: RotatingProvider;
  let stolen: ProviderKey;
  let kept: ProviderKey;
  let gateway: RunningGateway;

  const start = async (): Promise<void> => {
    gateway = await startGateway(
      {
        ...{ environment, gatewayKey: prepared.gatewayKey, redisUrl: relay.url, rootContext: '', trustedProxies: [] },
        ...{ host: '127.0.0.1', port: 0, adminHost: '127.0.0.1', adminPort: 0, gatewayId: 'gateway-1' },
        ...{ snapshotDir: directory.path, drainTimeoutMs: 5_000, faultCodes: 'documented', logLevel: 'debug' },
        listener: LISTENER_DEFAULTS,
        ...{ limits: DEFAULT_LIMITS, addsForwarded: false, upstreamLimits: UPSTREAM_POOL_LIMITS, upstreamFiles: {} },
        ...{ jwksAllowPrivateHosts: true, jwksStaleLimitSeconds: 86_400, tokenCache: TOKEN_CACHE_DEFAULTS },
        ...{
          loginFailuresPerUser: 10,
          loginFailuresPerAddress: 100,
          loginBlockSeconds: 300,
          passwordChecksWaiting: 64,
        },
      },
      log.logger,
      () => nowMs,
    );
  };
  const statusFor = async (key: ProviderKey): Promise<number> => {
    const headers = { authorization: `Bearer ${provider.token(key)}` };
    return (await ask({ port: gateway.trafficPort, path: '/orders', headers })).status;
  };
  const leaseWhere = (isIt: (lease: LeaseState) => boolean): Promise<LeaseState> =>
    foundInLeases(channel, prepared, (leases) => leases.find(isIt));
  const order = (version: number, content: unknown): Promise<boolean> =>
    putIdentity(channel, prepared.keys, { ...PLACE, version, content });

  beforeAll(async () => {
    prepared = await prepareEnvironment(channel, environment);
    await prepared.publisher.publishEmpty();
    await relay.open();
    [stolen, kept] = [await providerKey('stolen'), await providerKey('kept')];
    provider = await RotatingProvider.start(stolen);
    provider.listed = [stolen, kept];
    await provider.goAway();
    await start();
  });
  afterAll(async () => {
    await gateway.stop();
    await provider.goAway();
    await rig.stop();
    await relay.cut();
    const keys = await redis.keys(`*${environment}*`);
    if (keys.length > 0) await redis.del(...keys);
    redis.disconnect();
    directory.remove();
  });

  it('applies it while nobody answers there, and says so without what the address may hold of a secret', async () => {
    const upstream = await rig.upstream((_request, response) => response.end('ok'));
    const policy = fetchedKeysPolicy(`${provider.address}?code=secret`);
    const artifact = {
      ...artifactOf({
        addresses: [upstream.url],
        ...{ proxy: 'orders', paths: ['/orders'], pipelines: { request: [policy] } },
      }),
      environment: { name: environment, tokenIssuer: 'https://issuer.example', expiresInUnit: 'SECONDS' },
    };
    await prepared.publisher.publish(changeFor('orders', 1), JSON.stringify(artifact));
    const lease = await leaseWhere(
      ({ handled, keySetNotes }) => handled.includes(1) && keySetNotes?.[0]?.state === 'failed',
    );
    expect(lease).toMatchObject({ rejected: [], obeys: { 'key-sets': 0 }, served: { proxies: 1 } });
    expect(lease.keySetNotes).toEqual([
      {
        ...{ proxyId: 'id-of-orders', deployment: 1, address: provider.address },
        ...{ state: 'failed', reason: 'unreachable ECONNREFUSED' },
      },
    ]);
  });

  it('says so no more once the set has come, which no request asked for', async () => {
    await provider.comeBack();
    nowMs += COOLDOWN_MS;
    await leaseWhere(({ handled, keySetNotes }) => handled.includes(1) && keySetNotes?.length === 0);
    expect([await statusFor(stolen), await statusFor(kept)]).toEqual([200, 200]);
  });

  it('refuses a denied key before its lease says that it obeys', async () => {
    await order(2, { flushes: [], denied: [{ uri: `${provider.address}?code=secret`, kid: 'stolen' }] });
    await channel.nudge();
    await leaseWhere(({ obeys }) => obeys?.['key-sets'] === 2);
    expect([await statusFor(stolen), await statusFor(kept)]).toEqual([401, 200]);
  });

  it('refuses it after a restart too, with Redis gone', async () => {
    await gateway.stop();
    await relay.cut();
    await start();
    expect([await statusFor(stolen), await statusFor(kept)]).toEqual([401, 200]);
  });

  it('refuses it when Redis comes back with older orders, and says so', async () => {
    const keys = await redis.keys(`*${environment}*orders*`);
    expect(keys).toHaveLength(1);
    await redis.del(...keys);
    await order(1, { flushes: [], denied: [] });
    await relay.open();
    await leaseWhere(({ obeys, served }) => obeys?.['key-sets'] === 2 && served?.proxies === 1);
    expect([await statusFor(stolen), await statusFor(kept)]).toEqual([401, 200]);
    expect(log.at('warn')).toContain('orders about key sets are older than those that are obeyed: refused');
    await order(3, { flushes: [], denied: [] });
    await channel.nudge();
    await leaseWhere(({ obeys }) => obeys?.['key-sets'] === 3);
    expect(await statusFor(stolen)).toBe(200);
  });
});
