import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { Redis } from 'ioredis';
import { describeLoginThrottle, LIMITS } from '../../testing/describe-login-throttle.ts';
import { LoginThrottleUnavailable, type LoginLimits } from './login-throttle.port.ts';
import { RedisLoginThrottle, type LoginKind } from './redis-login-throttle.ts';

// A dependency of ioredis, which ships no types: the slot a Redis Cluster gives a key.
const slotOf = createRequire(import.meta.url)('cluster-key-slot') as (key: string) => number;

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const run = randomBytes(6).toString('hex');
const connections = [new Redis(redisUrl), new Redis(redisUrl), new Redis(redisUrl)] as const;
const [redis] = connections;
const ALICE = { name: 'alice', clientAddress: '192.0.2.1' };
let environments = 0;

/** Throttles of one environment of its own, one for each of three gateways. */
function gatewaysWith(limits: LoginLimits, kind: LoginKind = 'password') {
  const environment = `test-${run}-${(environments += 1)}`;
  const counters = { environment, key: randomBytes(32), kind, limits };
  const throttles = connections.map((connection) => new RedisLoginThrottle(connection, counters));
  return { environment, counters, throttles, keys: () => redis.keys(`gw:${environment}:*`) };
}

afterAll(async () => {
  const left = await redis.keys(`gw:test-${run}-*`);
  if (left.length > 0) await redis.unlink(...left);
  for (const connection of connections) connection.disconnect();
});

describeLoginThrottle('RedisLoginThrottle', (limits) => {
  const { throttles, keys } = gatewaysWith(limits);
  const [throttle] = throttles as [RedisLoginThrottle];
  const elapse = async (ms: number): Promise<void> => {
    for (const key of await keys()) await redis.pexpire(key, Math.round((await redis.pttl(key)) / 1_000) * 1_000 - ms);
  };
  return { throttle, elapse };
});

describe('RedisLoginThrottle over three connections', () => {
  it('counts every failure, and none over the limit, when 60 fail at once', async () => {
    const { throttles } = gatewaysWith({ ...LIMITS, failuresPerName: 20, failuresPerAddress: 100 });
    const failed = await Promise.all(
      Array.from({ length: 60 }, async (_none, index) => throttles[index % 3]?.failed(ALICE)),
    );
    const counted = failed.flatMap((failure) => (failure?.kind === 'counted' ? [failure.failures] : []));
    expect(counted.sort((one, other) => one - other)).toEqual(Array.from({ length: 20 }, (_none, index) => index + 1));
    for (const throttle of throttles) expect((await throttle.standing(ALICE)).kind).toBe('blocked');
  });

  it('tells Redis neither names nor addresses, and each kind, environment and key counts for itself', async () => {
    const { throttles, keys, counters } = gatewaysWith(LIMITS);
    const ofClients = new RedisLoginThrottle(redis, { ...counters, kind: 'client-secret' });
    const ofOtherKey = new RedisLoginThrottle(redis, { ...counters, key: randomBytes(32) });
    for (let n = 0; n < 3; n += 1) await throttles[0]?.failed(ALICE);
    expect((await keys()).join()).not.toMatch(/alice|192\.0/);
    expect(await ofClients.standing(ALICE)).toEqual({ kind: 'open', failures: 0 });
    expect(await ofOtherKey.standing(ALICE)).toEqual({ kind: 'open', failures: 0 });
  });

  it('keeps both counts of a step in one slot of a cluster, and lets Redis end them', async () => {
    const { throttles, keys } = gatewaysWith(LIMITS);
    await throttles[0]?.failed(ALICE);
    const held = await keys();
    expect(held).toHaveLength(2);
    expect(new Set(held.map(slotOf)).size).toBe(1);
    for (const key of held) expect(await redis.pttl(key)).toBeGreaterThan(50_000);
  });

  it('never blocks for ever by a count that somebody took the end from', async () => {
    const { throttles, keys } = gatewaysWith(LIMITS);
    const [throttle] = throttles as [RedisLoginThrottle];
    for (let n = 0; n < 3; n += 1) await throttle.failed(ALICE);
    for (const key of await keys()) await redis.persist(key);
    expect((await throttle.standing(ALICE)).kind).toBe('open');
    expect((await throttle.failed(ALICE)).kind).toBe('counted');
    expect(await throttle.standing(ALICE)).toEqual({ kind: 'blocked', retryAfterSeconds: 60 });
  });

  it('never blocks for longer than a block lasts by a count that somebody set', async () => {
    const { throttles, keys } = gatewaysWith(LIMITS);
    const [throttle] = throttles as [RedisLoginThrottle];
    await throttle.failed(ALICE);
    for (const key of await keys()) await redis.set(key, '999', 'PX', 10 * 365 * 86_400_000);
    expect(await throttle.failed(ALICE)).toEqual({ kind: 'blocked', retryAfterSeconds: 60 });
    expect(await throttle.standing(ALICE)).toEqual({ kind: 'blocked', retryAfterSeconds: 60 });
    for (const key of await keys()) expect(await redis.pttl(key)).toBeLessThanOrEqual(60_000);
  });

  it('is unavailable when Redis is, or holds something else there', async () => {
    const { throttles, keys, counters } = gatewaysWith(LIMITS);
    await throttles[0]?.failed(ALICE);
    for (const key of await keys()) {
      await redis.del(key);
      await redis.hset(key, 'a', 'b');
    }
    const gone = new Redis(redisUrl, { lazyConnect: true, enableOfflineQueue: false });
    for (const throttle of [throttles[0], new RedisLoginThrottle(gone, counters)]) {
      await expect(throttle?.standing(ALICE)).rejects.toThrow(LoginThrottleUnavailable);
      await expect(throttle?.failed(ALICE)).rejects.toThrow(LoginThrottleUnavailable);
    }
    await expect(new RedisLoginThrottle(gone, counters).succeeded(ALICE)).rejects.toThrow(LoginThrottleUnavailable);
    gone.disconnect();
  });
});
