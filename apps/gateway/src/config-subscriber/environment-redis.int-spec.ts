import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { connectOnce, createEnvironmentRedis } from './environment-redis.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const turnIsOver = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
describe('the connection to the Redis of an environment', () => {
  let redis: Redis;
  beforeEach(async () => {
    redis = createEnvironmentRedis(redisUrl) as Redis;
    await connectOnce(redis);
  });
  afterEach(() => redis.disconnect());

  it.each([1, 2])('sends the commands of each turn at its end, in their order: %i', async (turns) => {
    for (let turn = 1; turn <= turns; turn += 1) {
      const key = `environment-redis:${randomUUID()}`;
      const asked = Promise.all([redis.set(key, 'one', 'EX', 60), redis.append(key, ', two'), redis.get(key)]);
      expect(redis.stream.writableLength).toBeGreaterThan(0);
      await turnIsOver();
      expect(redis.stream.writableLength).toBe(0);
      expect(await asked).toEqual(['OK', 8, 'one, two']);
    }
  });

  it('sends on after it was cut off in the middle of a turn', async () => {
    const closed = once(redis, 'close');
    const lost = redis.ping().catch(() => 'lost');
    redis.stream.destroy();
    expect(await lost).toBe('lost');
    await closed;
    await once(redis, 'ready');
    expect(await redis.ping()).toBe('PONG');
  });
});
