import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { Redis } from 'ioredis';
import { RefreshTokenStoreUnavailable, type RefreshTokenSubject } from '../refresh-token-store.port.ts';
import {
  GATEWAY,
  T0_MS,
  describeRefreshTokenStore,
  rulesWith,
  someSubject,
  successorOf,
  tokenOf,
} from '../testing/index.ts';
import { until } from '../../../../test/support/until.ts';
import { RedisRefreshTokenStore } from './redis-refresh-token-store.ts';

// A dependency of ioredis, which ships no types: the slot a Redis Cluster gives a key.
const slotOf = createRequire(import.meta.url)('cluster-key-slot') as (key: string) => number;

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const key = randomBytes(32);
const environment = `test-${randomBytes(6).toString('hex')}`;
const connections = [new Redis(redisUrl), new Redis(redisUrl), new Redis(redisUrl)] as const;
const [redis] = connections;
/** Three gateways of one environment, each with a connection of its own. */
const stores = connections.map(
  (connection) => new RedisRefreshTokenStore(connection, environment, key, { gatewayId: GATEWAY }),
);
const [store, secondStore] = stores as [RedisRefreshTokenStore, RedisRefreshTokenStore];
const storeAt = (index: number): RedisRefreshTokenStore => stores[index % stores.length] ?? store;

const tagOf = (token: string): string => token.slice(0, token.indexOf('.'));
const keysOf = (token: string): Promise<string[]> => redis.keys(`gw:${environment}:rt:{${tagOf(token)}}:*`);

afterAll(async () => {
  const left = await redis.keys(`gw:${environment}*`);
  if (left.length > 0) await redis.unlink(...left);
  for (const connection of connections) connection.disconnect();
});

describeRefreshTokenStore('RedisRefreshTokenStore', () => store);

describe('RedisRefreshTokenStore over three connections', () => {
  it.each(['REVOKE_OLDEST', 'REJECT'] as const)(
    'never goes over the count with 200 logins at once (%s)',
    async (limitAction) => {
      const subject = someSubject();
      const rules = rulesWith({ activeCount: 7, limitAction });
      const observed: number[] = [];
      const issues = await Promise.all(
        Array.from({ length: 200 }, async (_none, index) => {
          const issue = await storeAt(index).issue(subject, rules, T0_MS + index);
          observed.push(await storeAt(index + 1).activeCount(subject, T0_MS));
          return issue;
        }),
      );
      expect(Math.max(...observed)).toBeLessThanOrEqual(7);
      expect(await store.activeCount(subject, T0_MS)).toBe(7);
      const issued = issues.flatMap((issue) => (issue.kind === 'issued' ? [issue.token] : []));
      expect(issued).toHaveLength(limitAction === 'REJECT' ? 7 : 200);
      const rotations = await Promise.all(
        issued.map((token, index) => storeAt(index).rotate(token, subject, rules, T0_MS + 300)),
      );
      expect(rotations.filter(({ kind }) => kind === 'rotated')).toHaveLength(7);
    },
  );

  it('gives one successor to 90 callers with the same token', async () => {
    const subject = someSubject();
    const token = tokenOf(await store.issue(subject, rulesWith(), T0_MS));
    const rotations = await Promise.all(
      Array.from({ length: 90 }, (_none, index) => storeAt(index).rotate(token, subject, rulesWith(), T0_MS)),
    );
    expect(rotations.filter(({ kind }) => kind === 'rotated')).toHaveLength(1);
    expect(new Set(rotations.map(successorOf)).size).toBe(1);
  });

  it('does not let a gateway whose clock is behind bring an expired token back over the count', async () => {
    const subject = someSubject();
    const rules = rulesWith({ activeCount: 1, lifeMs: 60_000 });
    const token = tokenOf(await store.issue(subject, rules, T0_MS));
    await secondStore.issue(subject, rules, T0_MS + 60_000);
    expect(await store.rotate(token, subject, rules, T0_MS + 59_000)).toEqual({ kind: 'unknown' });
    expect(await store.activeCount(subject, T0_MS + 60_000)).toBe(1);
  });
});

describe('what RedisRefreshTokenStore keeps', () => {
  const subject: RefreshTokenSubject = { ...someSubject(), subject: 'secret-user-name' };
  const rules = rulesWith({ activeCount: 5 });

  it('lies in one cluster slot and expires by itself', async () => {
    const token = tokenOf(await store.issue(subject, rules, T0_MS));
    await store.rotate(token, subject, rules, T0_MS);
    const replayed = tokenOf(await store.issue(subject, rules, T0_MS));
    await store.rotate(replayed, subject, rulesWith({ graceMs: 0 }), T0_MS);
    await store.rotate(replayed, subject, rules, T0_MS);
    const keys = await keysOf(token);
    expect(keys.map((name) => name.split(':')[4]).sort()).toEqual([
      'active',
      'families',
      'order',
      'reused',
      'successor',
    ]);
    expect(new Set(keys.map(slotOf)).size).toBe(1);
    for (const name of keys) {
      const ttlMs = await redis.pttl(name);
      expect(ttlMs).toBeGreaterThan(0);
      expect(ttlMs).toBeLessThanOrEqual(rules.lifeMs + 60_000);
    }
  });

  it('is removed by Redis itself once no token lives, with no sweeper', async () => {
    const brief = new RedisRefreshTokenStore(redis, environment, key, { keyMarginMs: 0 });
    const own = someSubject();
    const short = rulesWith({ lifeMs: 400, graceMs: 200 });
    const token = tokenOf(await brief.issue(own, short, T0_MS));
    await brief.rotate(token, own, short, T0_MS);
    const replayed = tokenOf(await brief.issue(own, rulesWith({ lifeMs: 400, graceMs: 0 }), T0_MS));
    await brief.rotate(replayed, own, rulesWith({ lifeMs: 400, graceMs: 0 }), T0_MS);
    await brief.rotate(replayed, own, short, T0_MS);
    expect(await keysOf(token)).toHaveLength(5);
    await until('nothing of the user is left', async () => (await keysOf(token)).length === 0);
  });

  it('lives as long as the longest of its tokens, also when later ones are shorter', async () => {
    const own = someSubject();
    const token = tokenOf(await store.issue(own, rules, T0_MS));
    await store.issue(own, rulesWith({ lifeMs: 1_000, absoluteLifeMs: 500 }), T0_MS);
    for (const name of await keysOf(token)) expect(await redis.pttl(name)).toBeGreaterThan(rules.lifeMs - 60_000);
    const short = tokenOf(await store.issue(someSubject(), rulesWith({ absoluteLifeMs: 500 }), T0_MS));
    for (const name of await keysOf(short)) expect(await redis.pttl(name)).toBeLessThanOrEqual(60_500);
  });

  it('holds no token and no name in clear', async () => {
    const token = tokenOf(await store.issue(subject, rules, T0_MS));
    const successor = successorOf(await store.rotate(token, subject, rules, T0_MS));
    const contents: string[] = [];
    for (const name of await keysOf(token)) {
      const type = await redis.type(name);
      if (type === 'string') contents.push(name, (await redis.get(name)) ?? '');
      if (type === 'hash') contents.push(name, JSON.stringify(await redis.hgetall(name)));
      if (type === 'zset') contents.push(name, JSON.stringify(await redis.zrange(name, '0', '-1')));
    }
    const everything = contents.join('\n');
    expect(contents.length).toBeGreaterThanOrEqual(8);
    for (const secret of [token, successor]) {
      expect(everything).not.toContain(secret);
      expect(everything).not.toContain(secret.slice(23));
    }
    expect(everything).not.toContain(subject.subject);
    expect(everything).not.toContain(subject.clientId);
  });

  it('keeps only the newest token of a family, however often it was refreshed', async () => {
    const own = someSubject();
    let token = tokenOf(await store.issue(own, rules, T0_MS));
    for (let round = 0; round < 20; round += 1) token = successorOf(await store.rotate(token, own, rules, T0_MS));
    expect((await keysOf(token)).length).toBe(4);
    expect(await redis.hlen(`gw:${environment}:rt:{${tagOf(token)}}:families`)).toBe(1);
  });

  it('does not grow with logins that expired, with a count and without', async () => {
    for (const activeCount of [3, undefined]) {
      const own = someSubject();
      const short = rulesWith({ lifeMs: 1_000, activeCount });
      for (let round = 0; round < 12; round += 1) await store.issue(own, short, T0_MS + round * 1_000);
      const token = tokenOf(await store.issue(own, short, T0_MS + 12_000));
      expect(await redis.hlen(`gw:${environment}:rt:{${tagOf(token)}}:families`)).toBe(1);
    }
  });
});

/** Remembers the longest command. */
class WatchedRedis extends Redis {
  mostArguments = 0;

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    this.mostArguments = Math.max(this.mostArguments, args[0].args.length);
    return super.sendCommand(...args);
  }
}

describe('the count of living families that RedisRefreshTokenStore keeps', () => {
  // An environment of its own: what others left would be counted with it.
  const name = `${environment}-live`;
  const liveKey = `gw:${name}:rt:live`;
  const gateways = connections.map((connection) => new RedisRefreshTokenStore(connection, name, key));
  const [gateway, secondGateway] = gateways as [RedisRefreshTokenStore, RedisRefreshTokenStore];
  beforeEach(() => redis.del(liveKey));

  it('adds up what several gateways gave, and falls as tokens expire, by itself', async () => {
    await gateway.issue(someSubject(), rulesWith({ lifeMs: 60_000 }), T0_MS);
    await secondGateway.issue(someSubject(), rulesWith({ lifeMs: 120_000 }), T0_MS);
    expect(await secondGateway.liveFamilies(T0_MS)).toBeGreaterThanOrEqual(1);
    expect(await gateway.liveFamilies(T0_MS)).toBe(2);
    expect(await redis.pttl(liveKey)).toBeGreaterThan(60_000);
    expect(await gateway.liveFamilies(T0_MS + 59_999)).toBe(2);
    expect(await gateway.liveFamilies(T0_MS + 60_000)).toBe(1);
    expect(await secondGateway.liveFamilies(T0_MS + 120_000)).toBe(0);
    expect(await redis.exists(liveKey)).toBe(0);
  });

  it('is told without being asked for', async () => {
    await gateway.issue(someSubject(), rulesWith(), T0_MS);
    await until('the login is counted', async () => (await redis.zcard(liveKey)) === 1);
  });

  it('counts a login for as long as it was refreshed', async () => {
    const [subject, rules] = [someSubject(), rulesWith({ lifeMs: 60_000 })];
    await gateway.rotate(tokenOf(await gateway.issue(subject, rules, T0_MS)), subject, rules, T0_MS + 30_000);
    expect(await gateway.liveFamilies(T0_MS + 60_000)).toBe(1);
    expect(await gateway.liveFamilies(T0_MS + 90_000)).toBe(0);
  });

  it('takes more changes than one script may bring', async () => {
    const watched = new WatchedRedis(redisUrl);
    const busy = new RedisRefreshTokenStore(watched, name, key);
    await Promise.all(Array.from({ length: 601 }, () => busy.issue(someSubject(), rulesWith(), T0_MS)));
    expect(await busy.liveFamilies(T0_MS)).toBe(601);
    expect(watched.mostArguments).toBeLessThan(1_010);
    watched.disconnect();
  });

  it('fails no login and no refresh where it cannot be kept', async () => {
    await redis.set(liveKey, 'not a sorted set');
    const subject = someSubject();
    const token = tokenOf(await gateway.issue(subject, rulesWith(), T0_MS));
    await expect(gateway.liveFamilies(T0_MS)).rejects.toThrow(RefreshTokenStoreUnavailable);
    expect(await gateway.rotate(token, subject, rulesWith(), T0_MS)).toMatchObject({ kind: 'rotated' });
  });
});

describe('RedisRefreshTokenStore and what others write', () => {
  const rules = rulesWith();
  const familiesKey = (token: string): string => `gw:${environment}:rt:{${tagOf(token)}}:families`;

  /** The one family of a token, and a way to replace what is stored of it. */
  const stored = async (token: string) => {
    const [[familyId, sealed] = ['', '']] = Object.entries(await redis.hgetall(familiesKey(token)));
    return { familyId, sealed, write: (text: string) => redis.hset(familiesKey(token), familyId, text) };
  };
  const freshLogin = async () => {
    const subject = someSubject();
    return { subject, token: tokenOf(await store.issue(subject, rules, T0_MS)) };
  };

  it('leaves a record that was altered, or put there, out of the families of a user', async () => {
    const { subject, token } = await freshLogin();
    const { familyId, sealed, write } = await stored(token);
    await redis.hset(familiesKey(token), 'another', sealed);
    expect(await store.familiesOf(subject, T0_MS)).toMatchObject([{ familyId }]);
    await write(`${sealed}A`);
    expect(await store.familiesOf(subject, T0_MS)).toEqual([]);
    expect(await store.revokeSubject(subject)).toBe(2);
  });

  it('refuses a record of which any one character was replaced', async () => {
    const { subject, token } = await freshLogin();
    const { sealed, write } = await stored(token);
    for (let at = 0; at < sealed.length; at += 1) {
      await write(`${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`);
      expect(await store.rotate(token, subject, rules, T0_MS)).toEqual({ kind: 'altered' });
      expect(await store.inspect(token, subject, T0_MS)).toEqual({ kind: 'altered' });
    }
    await write(sealed);
    expect(await store.rotate(token, subject, rules, T0_MS)).toMatchObject({ kind: 'rotated' });
  });

  it('refuses the record of another family, of another environment and of another key', async () => {
    const { subject, token } = await freshLogin();
    const { write } = await stored(token);
    const other = await freshLogin();
    await write((await stored(other.token)).sealed);
    expect(await store.rotate(token, subject, rules, T0_MS)).toEqual({ kind: 'altered' });
    for (const [name, otherKey] of [
      [`${environment}-2`, key],
      [environment, randomBytes(32)],
    ] as const) {
      const foreign = new RedisRefreshTokenStore(redis, name, otherKey);
      const planted = tokenOf(await foreign.issue(subject, rules, T0_MS));
      const [[, sealed] = ['', '']] = Object.entries(await redis.hgetall(`gw:${name}:rt:{${tagOf(planted)}}:families`));
      await write(sealed);
      expect(await store.rotate(token, subject, rules, T0_MS)).toEqual({ kind: 'altered' });
      expect(await store.rotate(planted, subject, rules, T0_MS)).toEqual({ kind: 'unknown' });
    }
  });

  it('refuses an older record of the same family for the token that it was of', async () => {
    const { subject, token } = await freshLogin();
    const { sealed, write } = await stored(token);
    await store.rotate(token, subject, rules, T0_MS);
    const now = await stored(token);
    await write(`${sealed.slice(0, 43)}${now.sealed.slice(43)}`);
    expect(await store.rotate(token, subject, rules, T0_MS)).toEqual({ kind: 'altered' });
  });

  it('refuses a planted successor', async () => {
    const { subject, token } = await freshLogin();
    await store.rotate(token, subject, rules, T0_MS);
    const [successorKey = ''] = (await keysOf(token)).filter((name) => name.includes(':successor:'));
    const other = await freshLogin();
    await store.rotate(other.token, other.subject, rules, T0_MS);
    const [otherKey = ''] = (await keysOf(other.token)).filter((name) => name.includes(':successor:'));
    await redis.set(successorKey, (await redis.get(otherKey)) ?? '');
    expect(await store.rotate(token, subject, rules, T0_MS)).toEqual({ kind: 'altered' });
  });

  it('says that it is unavailable where a key is of another type', async () => {
    const { subject, token } = await freshLogin();
    await redis.del(familiesKey(token));
    await redis.set(familiesKey(token), 'x');
    await expect(store.rotate(token, subject, rules, T0_MS)).rejects.toThrow(RefreshTokenStoreUnavailable);
  });
});

/** Its server knows no script, as one that was just started; the one of the tests is everybody's. */
class ForgetfulRedis extends Redis {
  forgotten = 0;

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    const [command] = args;
    if (command.name === 'evalsha') {
      command.args[0] = '0'.repeat(40);
      this.forgotten += 1;
    }
    return super.sendCommand(...args);
  }
}

describe('RedisRefreshTokenStore without its server', () => {
  it('says that it is unavailable, naming no token', async () => {
    const lost = new Redis(redisUrl, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
    const subject = someSubject();
    const lostStore = new RedisRefreshTokenStore(lost, environment, key);
    const token = tokenOf(await store.issue(subject, rulesWith(), T0_MS));
    await lost.connect();
    lost.disconnect();
    const failure: unknown = await lostStore
      .rotate(token, subject, rulesWith(), T0_MS)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RefreshTokenStoreUnavailable);
    expect(failure).toMatchObject({ code: 'REFRESH_TOKEN_STORE_UNAVAILABLE' });
    expect(JSON.stringify([failure, String((failure as Error).stack)])).not.toContain(token);
    expect(await store.rotate(token, subject, rulesWith(), T0_MS)).toMatchObject({ kind: 'rotated' });
  });

  it('says that it is unavailable when the server does not answer in time', async () => {
    const paused = new Redis(redisUrl);
    const impatient = new RedisRefreshTokenStore(paused, environment, key, { answerTimeoutMs: 50 });
    const blocked = paused.blpop(`gw:${environment}:nothing-comes`, 0).catch(() => undefined);
    await expect(impatient.issue(someSubject(), rulesWith(), T0_MS)).rejects.toThrow('issue was not answered');
    paused.disconnect();
    await blocked;
  });

  it('goes on after the server forgot its scripts', async () => {
    const forgetful = new ForgetfulRedis(redisUrl);
    const subject = someSubject();
    const token = tokenOf(await store.issue(subject, rulesWith(), T0_MS));
    const atForgetful = new RedisRefreshTokenStore(forgetful, environment, key);
    expect(await atForgetful.rotate(token, subject, rulesWith(), T0_MS)).toMatchObject({ kind: 'rotated' });
    expect(forgetful.forgotten).toBeGreaterThanOrEqual(2);
    forgetful.disconnect();
  });

  it('refuses a key of another length and an environment that would break the cluster slot', () => {
    expect(() => new RedisRefreshTokenStore(redis, environment, randomBytes(16))).toThrow(RangeError);
    expect(() => new RedisRefreshTokenStore(redis, 'a{b}', key)).toThrow(RangeError);
  });
});
