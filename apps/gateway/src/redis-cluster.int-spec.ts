import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { RedisConfigChannel, RedisKeySetShelf } from '#libs/config-distribution';
import { describeConfigChannel, describeKeySetShelf } from '#libs/config-distribution/testing';
import { subscribe, watchEviction, type Subscription } from '#libs/redis-clients';
import { RedisRefreshTokenStore } from '#libs/refresh-token-store';
import {
  describeRefreshTokenStore,
  GATEWAY,
  rulesWith,
  someSubject,
  T0_MS,
  tokenOf,
} from '#libs/refresh-token-store/testing';
import { RedisRevocationLedger } from '#libs/token-revocations';
import { describeRevocationLedger, readAll, someRevocation } from '#libs/token-revocations/testing';
import { RedisCluster } from '../../../test/support/redis-cluster.ts';
import { until } from '../../../test/support/until.ts';
import { connectOnce, createEnvironmentRedis } from './config-subscriber/environment-redis.ts';
import { RedisLoginThrottle } from './token-endpoint/identity/login-throttle/redis-login-throttle.ts';
import { describeLoginThrottle } from './token-endpoint/testing/describe-login-throttle.ts';

/** How long a gateway waits for any command (and a little, for the machine). */
const ANSWER_LIMIT_MS = 2_000;
const KEEP_MS = 100_000;

const servers = await RedisCluster.start();
const redis = createEnvironmentRedis(servers.url);
const evicting: string[] = [];
watchEviction(redis, (policy) => evicting.push(policy));
await connectOnce(redis);

const run = `test-${randomBytes(6).toString('hex')}`;
const key = randomBytes(32);
let environments = 0;
/** Each lies in a slot of its own, so that all masters have some. */
const someEnvironment = (): string => `${run}-${(environments += 1)}`;

afterAll(async () => {
  const ended = once(redis, 'end');
  redis.disconnect();
  await ended;
  await servers.stop();
});

async function makeOlder(times: string, ms: number): Promise<void> {
  for (const name of await redis.zrange(times, '0', '-1')) await redis.zincrby(times, -ms, name);
}

describeConfigChannel('RedisConfigChannel on a cluster', async () => {
  const environment = someEnvironment();
  const passTime = (ms: number): Promise<void> => makeOlder(`gw:{${environment}}:lease-times`, ms);
  return { channel: new RedisConfigChannel(redis, environment), passTime };
});

describeKeySetShelf('RedisKeySetShelf on a cluster', KEEP_MS, async () => {
  const environment = someEnvironment();
  const passTime = async (ms: number): Promise<void> => {
    for (const origin of ['policy', 'variable']) await makeOlder(`gw:{${environment}}:key-sets:${origin}:uses`, ms);
  };
  return { shelf: new RedisKeySetShelf(redis, { environment, keepMs: KEEP_MS }), passTime };
});

describeRefreshTokenStore(
  'RedisRefreshTokenStore on a cluster',
  () => new RedisRefreshTokenStore(redis, someEnvironment(), key, { gatewayId: GATEWAY }),
);

describeRevocationLedger(
  'RedisRevocationLedger on a cluster',
  (limits) => new RedisRevocationLedger(redis, someEnvironment(), key, limits),
);

describeLoginThrottle('RedisLoginThrottle on a cluster', (limits) => {
  const environment = someEnvironment();
  const throttle = new RedisLoginThrottle(redis, { environment, key: randomBytes(32), kind: 'password', limits });
  const elapse = async (ms: number): Promise<void> => {
    for (const name of await servers.keys(`gw:${environment}:*`)) {
      await redis.pexpire(name, Math.round((await redis.pttl(name)) / 1_000) * 1_000 - ms);
    }
  };
  return { throttle, elapse };
});

describe('the cluster of an environment', () => {
  it('has something of it at every master, each of which keeps all that it is given', async () => {
    for (const master of await servers.masters()) expect(await master.dbsize()).toBeGreaterThan(0);
    expect(evicting).toEqual([]);
  });

  it('is told on when one of its masters throws keys away', async () => {
    const [master] = await servers.masters();
    await master?.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const watched = createEnvironmentRedis(servers.url);
    const said = new Promise<string>((resolve) => watchEviction(watched, resolve));
    await connectOnce(watched);
    expect(await said).toBe('allkeys-lru');
    watched.disconnect();
    await master?.config('SET', 'maxmemory-policy', 'noeviction');
  });

  it('answers whoever connects while it is down, and serves the connection afterwards', async () => {
    const name = `gw:{${someEnvironment()}}:down`;
    const bringUp = await servers.takeDown(name);
    const connection = createEnvironmentRedis(servers.url);
    try {
      let isAnswered = false;
      const connecting = connection.connect().then(() => (isAnswered = true));
      await until('it is answered', async () => isAnswered);
      await connecting;
      // A busy machine may let one run out of time first.
      await until('it is told that the cluster is down', () =>
        connection.get(name).then(
          () => Promise.reject(new Error('the cluster answers')),
          (error: Error) => error.message.includes('CLUSTERDOWN'),
        ),
      );
    } finally {
      await bringUp();
    }
    await until('it serves', async () => (await connection.set(name, '1')) === 'OK');
    connection.disconnect();
  });

  it('fails commands in time while a master is silent, and gives that connection up', async () => {
    const name = `gw:{${someEnvironment()}}:silent`;
    const thaw = await servers.freeze(name);
    try {
      const lost = once(redis, '-node');
      const beganMs = performance.now();
      await expect(redis.get(name)).rejects.toThrow();
      expect(performance.now() - beganMs).toBeLessThan(2 * ANSWER_LIMIT_MS);
      await lost;
    } finally {
      thaw();
    }
    await until('it answers again', async () => (await redis.set(name, '1')) === 'OK');
  });
});

describe('a cluster with the users of deploy/redis', () => {
  /** What nodes refused, whoever asked. */
  const refusals = async (): Promise<unknown[]> =>
    (await Promise.all((await servers.masters()).map((master) => master.call('ACL', 'LOG')))).flat();

  it('lets gateways do all that they do in their environment, and nothing in another one', async () => {
    const environment = 'production';
    const connection = createEnvironmentRedis(servers.urlOf('gateway-production'));
    await connectOnce(connection);
    const plane = new RedisConfigChannel(redis, environment);
    await plane.publish({ proxyId: 'a', deployment: 1, record: 'record', artifact: 'artifact' });

    const channel = new RedisConfigChannel(connection, environment);
    expect((await channel.position())?.sequence).toBe(1);
    expect(await channel.recordsAfter(0, 10)).toHaveLength(1);
    const heard = new EventEmitter();
    const watch = await channel.watch('changes', () => heard.emit('hint'));
    await once(heard, 'hint');
    await watch.close();
    await channel.renewLease('gateway-1', 'lease');
    expect((await plane.leases()).length).toBe(1);
    const tokens = new RedisRefreshTokenStore(connection, environment, key);
    const subject = someSubject();
    const issued = await tokens.issue(subject, rulesWith(), T0_MS);
    expect((await tokens.rotate(tokenOf(issued), subject, rulesWith(), T0_MS)).kind).toBe('rotated');
    const ledger = new RedisRevocationLedger(connection, environment, key);
    await ledger.record([someRevocation()], T0_MS);
    const shelf = new RedisKeySetShelf(connection, { environment, keepMs: KEEP_MS });
    expect(await shelf.replace({ origin: 'policy', name: 'a' }, undefined, 'attempt', 'document')).toBe(true);
    await redis.set('{gatewarden}:deploy', 'what the queue holds');
    expect(await refusals()).toEqual([]);

    await expect(connection.get('{gatewarden}:deploy')).rejects.toThrow(/NOPERM/);
    await expect(connection.hset(`gw:{${environment}}:position`, 'sequence', '9')).rejects.toThrow(/NOPERM/);
    await expect(new RedisConfigChannel(connection, someEnvironment()).position()).rejects.toThrow();
    const ended = once(connection, 'end');
    connection.disconnect();
    await ended;
  });
});

describe('a cluster that lost a master', () => {
  const environment = someEnvironment();
  const subject = someSubject();

  it('goes on with its replica: nothing is lost that was replicated, and subscriptions stand again', async () => {
    const channel = new RedisConfigChannel(redis, environment);
    const tokens = new RedisRefreshTokenStore(redis, environment, key);
    const ledger = new RedisRevocationLedger(redis, environment, key);
    const hints = `gw:{${environment}}:hints`;
    const standing: number[] = [];
    const heard = new Set<string>();
    const open = () => {
      const index = standing.push(0) - 1;
      return subscribe(redis, hints, {
        onStanding: () => (standing[index] = (standing[index] ?? 0) + 1),
        onMessage: (message) => heard.add(`${index} ${message}`),
      });
    };
    const subscriptions: Subscription[] = [];
    await channel.publish({ proxyId: 'a', deployment: 1, record: 'record', artifact: 'artifact' });
    const issued = await tokens.issue(subject, rulesWith(), T0_MS);
    const revocation = someRevocation();
    await ledger.record([revocation], T0_MS);

    await until('one is at the node that dies', async () => {
      subscriptions.push(open());
      await until('all stand', async () => standing.every((count) => count > 0));
      return (await servers.subscribersAt(`gw:{${environment}}:position`, hints)) > 0;
    });

    await servers.failOver(`gw:{${environment}}:position`);

    await until('the channel answers', async () => (await channel.position())?.sequence === 1);
    expect((await channel.publish({ proxyId: 'b', deployment: 2, record: 'r', artifact: 'x' })).kind).toBe('published');
    expect((await channel.artifacts(['a', 'b'])).size).toBe(2);
    expect((await tokens.rotate(tokenOf(issued), subject, rulesWith(), T0_MS)).kind).toBe('rotated');
    expect((await readAll(ledger)).revocations).toEqual([revocation]);
    await until('those that were cut off stand again', async () => standing.some((count) => count > 1));
    await until('every subscription hears what is published', async () => {
      await redis.publish(hints, 'news');
      return subscriptions.every((_, index) => heard.has(`${index} news`));
    });
    for (const subscription of subscriptions) subscription.close();
  });
});
