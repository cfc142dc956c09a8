import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { ChannelUnavailable } from '../config-channel.port.ts';
import { KEY_SET_SHELF_LIMITS, type KeySetEntry } from '../key-sets/key-set-shelf.port.ts';
import { describeKeySetShelf } from '../testing/index.ts';
import { redisKeysOf } from './channel-keys.ts';
import { RedisKeySetShelf } from './redis-key-set-shelf.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const KEEP_MS = 100_000;
const redis = new Redis(redisUrl);
const used: string[] = [];

afterAll(async () => {
  for (const environment of used) {
    const keys = await redis.keys(`gw:{${environment}}:*`);
    if (keys.length > 0) await redis.del(...keys);
  }
  redis.disconnect();
});

function fresh() {
  const environment = `test-${randomBytes(6).toString('hex')}`;
  used.push(environment);
  const keys = redisKeysOf(environment).keySets;
  return { environment, keys, shelf: new RedisKeySetShelf(redis, { environment, keepMs: KEEP_MS }) };
}

describeKeySetShelf('RedisKeySetShelf', KEEP_MS, async () => {
  const { keys, shelf } = fresh();
  const passTime = async (ms: number): Promise<void> => {
    for (const { uses } of [keys('policy'), keys('variable')]) {
      for (const name of await redis.zrange(uses, '0', '-1')) await redis.zincrby(uses, -ms, name);
    }
  };
  return { shelf, passTime };
});

describe('RedisKeySetShelf', () => {
  const entry: KeySetEntry = { origin: 'policy', name: 'a' };

  it('leaves nothing in Redis once nobody has written for so long', async () => {
    const { shelf, keys } = fresh();
    await shelf.replace(entry, undefined, 'attempt', 'document');
    for (const key of Object.values(keys('policy'))) {
      expect(await redis.pttl(key)).toBeGreaterThan(KEEP_MS - 10_000);
      expect(await redis.pttl(key)).toBeLessThanOrEqual(KEEP_MS);
    }
  });

  it.each(['attempts', 'documents', 'uses'] as const)(
    'works on when something else stands where its %s do',
    async (which) => {
      const { shelf, keys } = fresh();
      await redis.set(keys('policy')[which], 'planted');
      const found = await shelf.attempt(entry);
      expect(await shelf.replace(entry, found, 'attempt', 'document')).toBe(true);
      expect([await shelf.attempt(entry), await shelf.document(entry)]).toEqual(['attempt', 'document']);
    },
  );

  it('reads nothing that is longer than what gateways write, and replaces it', async () => {
    const { shelf, keys } = fresh();
    const { attempts, documents } = keys('policy');
    await redis.hset(attempts, 'a', 'x'.repeat(KEY_SET_SHELF_LIMITS.attemptBytes + 1));
    await redis.hset(documents, 'a', 'x'.repeat(KEY_SET_SHELF_LIMITS.documentBytes + 1));
    const found = (await shelf.attempt(entry)) ?? '';
    expect(found.length).toBeLessThan(10);
    expect((await shelf.document(entry))?.length).toBeLessThan(10);
    expect(await shelf.replace(entry, undefined, 'attempt')).toBe(false);
    expect(await shelf.replace(entry, found, 'attempt', 'document')).toBe(true);
    expect([await shelf.attempt(entry), await shelf.document(entry)]).toEqual(['attempt', 'document']);
  });

  it('is not filled for good by uses that somebody dated into the future', async () => {
    const { shelf, keys } = fresh();
    const { uses } = keys('variable');
    const variable: KeySetEntry = { origin: 'variable', name: 'a' };
    const { variable: limit } = KEY_SET_SHELF_LIMITS.sets;
    const planted = Array.from({ length: limit }, (_, index) => [String(Date.now() + 10_000_000), `planted ${index}`]);
    await redis.zadd(uses, ...planted.flat());
    await shelf.replace(variable, undefined, 'attempt', 'document');
    expect(await shelf.document(variable)).toBe('document');
    expect(await redis.zcard(uses)).toBe(1);
  });

  it('says that it is unavailable when Redis is away', async () => {
    const away = new Redis({
      host: '127.0.0.1',
      port: 1,
      lazyConnect: true,
      enableOfflineQueue: false,
      retryStrategy: null,
    });
    away.on('error', () => undefined);
    await away.connect().catch(() => undefined);
    const shelf = new RedisKeySetShelf(away, { environment: 'any', keepMs: KEEP_MS });
    await expect(shelf.attempt(entry)).rejects.toBeInstanceOf(ChannelUnavailable);
    await expect(shelf.document(entry)).rejects.toBeInstanceOf(ChannelUnavailable);
    await expect(shelf.replace(entry, undefined, 'attempt')).rejects.toBeInstanceOf(ChannelUnavailable);
    // To disconnect what has ended would leave a timer of ioredis behind.
    expect(away.status).toBe('end');
  });
});
