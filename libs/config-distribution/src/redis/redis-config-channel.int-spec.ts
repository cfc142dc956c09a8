import { randomBytes } from 'node:crypto';
import { once, EventEmitter } from 'node:events';
import { Redis } from 'ioredis';
import { ConfigFollower } from '../config-follower.ts';
import { ChannelUnavailable, LEASE_MS, LEASES_PER_LOOK } from '../config-channel.port.ts';
import { openLease, sealLease } from '../messages.ts';
import { artifactChange, describeConfigChannel, prepareEnvironment, TextGateway } from '../testing/index.ts';
import { redisKeysOf } from './channel-keys.ts';
import { RedisConfigChannel } from './redis-config-channel.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const redis = new Redis(redisUrl);
const freshEnvironment = (): string => `test-${randomBytes(6).toString('hex')}`;
const used: string[] = [];

afterAll(async () => {
  for (const environment of used) {
    const keys = await redis.keys(`gw:{${environment}}:*`);
    if (keys.length > 0) await redis.del(...keys);
  }
  redis.disconnect();
});

function fresh() {
  const environment = freshEnvironment();
  used.push(environment);
  return { environment, keys: redisKeysOf(environment), channel: new RedisConfigChannel(redis, environment) };
}

describeConfigChannel('RedisConfigChannel', async () => {
  const { keys, channel } = fresh();
  const passTime = async (ms: number): Promise<void> => {
    for (const gatewayId of await redis.zrange(keys.leaseTimes, '0', '-1')) {
      await redis.zincrby(keys.leaseTimes, -ms, gatewayId);
    }
  };
  return { channel, passTime };
});

describe('RedisConfigChannel', () => {
  it('trims the log well behind a checkpoint and keeps what a lagging gateway may need', async () => {
    const { channel } = fresh();
    const { publisher } = await prepareEnvironment(channel, 'any');
    await Promise.all(
      Array.from({ length: 1_200 }, (_, index) => publisher.publish(artifactChange(`p${index}`, index + 1), 'x')),
    );
    const [first] = await channel.recordsAfter(0, 1);
    const checkpoint = await channel.checkpoint();
    expect(checkpoint?.position.sequence).toBeGreaterThanOrEqual(1_200);
    expect(first?.sequence).toBe((checkpoint?.position.sequence ?? 0) - 1_000);
  });

  it('begins a new log when Redis lost only where the old one ended', async () => {
    const { channel, keys } = fresh();
    const change = { proxyId: 'a', record: 'record', artifact: 'artifact' };
    const before = await channel.publish({ ...change, deployment: 7 });
    await channel.publish({ ...change, proxyId: 'b', deployment: 8 });
    await redis.del(keys.position);
    const after = await channel.publish({ ...change, deployment: 7 });
    expect(after).toEqual({ kind: 'published', position: { epoch: expect.any(String) as string, sequence: 1 } });
    expect(after).not.toEqual(before);
    expect((await channel.publish({ ...change, proxyId: 'b', deployment: 8 })).kind).toBe('published');
    expect(await channel.recordsAfter(0, 10)).toHaveLength(2);
  });

  it('begins a new log with an empty checkpoint although remains of the old one are there', async () => {
    const { channel, keys } = fresh();
    const change = { proxyId: 'a', record: 'record', artifact: 'artifact' };
    for (const deployment of [1, 2, 3]) await channel.publish({ ...change, deployment });
    await redis.del(keys.position);
    expect(await channel.writeCheckpoint({ epoch: 'new', sequence: 0 }, 'empty')).toBe(true);
    expect(await channel.publish({ ...change, deployment: 4 })).toEqual({
      kind: 'published',
      position: { epoch: 'new', sequence: 1 },
    });
  });

  it.each([
    ['far above its end', ['999-0']],
    ['just behind its end', ['1-1', '1-2']],
    ['with the highest id there is', ['18446744073709551615-18446744073709551615']],
  ])('begins a new log, and has every record, when somebody planted records %s', async (_what, ids) => {
    const { channel, keys } = fresh();
    const change = { proxyId: 'a', record: 'record', artifact: 'artifact' };
    await channel.publish({ ...change, deployment: 1 });
    for (const id of ids) await redis.xadd(keys.log, id, 'p', 'x', 'd', '9', 'r', 'planted');
    const published = await channel.publish({ ...change, deployment: 2 });
    expect(published).toMatchObject({ kind: 'published', position: { sequence: 1 } });
    expect(await channel.recordsAfter(0, 10)).toMatchObject([{ sequence: 1, deployment: 2 }]);
    expect(await channel.publish({ ...change, deployment: 2 })).toEqual({ ...published, kind: 'repeated' });
  });

  it('begins a new log when the stream refuses the next id although nothing seems to stand there', async () => {
    const { channel, keys } = fresh();
    const change = { proxyId: 'a', record: 'record', artifact: 'artifact' };
    await channel.publish({ ...change, deployment: 1 });
    await redis.xadd(keys.log, '999-0', 'p', 'x', 'd', '9', 'r', 'planted');
    await redis.xdel(keys.log, '999-0');
    expect(await channel.publish({ ...change, deployment: 2 })).toMatchObject({ position: { sequence: 1 } });
    expect(await channel.recordsAfter(0, 10)).toMatchObject([{ sequence: 1, deployment: 2 }]);
  });

  it('has nobody told of in a log that a change begins, until that is noted of the new one', async () => {
    const { channel, keys } = fresh();
    const change = { proxyId: 'a', record: 'record', artifact: 'artifact' };
    await channel.publish({ ...change, deployment: 1 });
    const epochOf = async () => (await channel.position())?.epoch ?? '';
    const first = await epochOf();
    await channel.noteToldOfAll(first);
    await redis.xadd(keys.log, '999-0', 'p', 'x', 'd', '9', 'r', 'planted');
    await channel.publish({ ...change, deployment: 2 });
    expect([await channel.isToldOfAll(), await channel.noteToldOfAll(first)]).toEqual([false, false]);
    expect(await channel.noteToldOfAll(await epochOf())).toBe(true);
    expect(await channel.isToldOfAll()).toBe(true);
  });

  it('counts a log as told of all whose publisher does not say so', async () => {
    const { channel, keys } = fresh();
    await channel.publish({ proxyId: 'a', record: 'record', artifact: 'artifact', deployment: 1 });
    await redis.hdel(keys.position, 'told');
    expect((await channel.identities('client', ['c'])).isToldOfAll).toBe(true);
    await redis.del(keys.position);
    expect((await channel.identities('client', ['c'])).isToldOfAll).toBe(false);
  });

  it('publishes although a head is no number', async () => {
    const { channel, keys } = fresh();
    await redis.hset(keys.heads, 'a', 'inf');
    const change = { proxyId: 'a', record: 'record', artifact: 'artifact', deployment: 1 };
    expect((await channel.publish(change)).kind).toBe('published');
  });

  it('gives the head that stands in the way back as it is, however high', async () => {
    const { channel, keys } = fresh();
    const claimed = '9'.repeat(30);
    await redis.hset(keys.heads, 'a', claimed);
    const change = { proxyId: 'a', record: 'record', artifact: 'artifact', deployment: 1 };
    const stale = await channel.publish(change);
    expect(stale).toEqual({ kind: 'stale', heldDeployment: Number(claimed) });
    expect((await channel.publish({ ...change, disbelieved: Number(claimed) })).kind).toBe('published');
  });

  it('lets a follower pass over hundreds of entries planted behind a record, and says so once', async () => {
    const { channel, environment, keys: redisKeys } = fresh();
    const { publisher, keys } = await prepareEnvironment(channel, environment);
    const applied: string[] = [];
    const reports: string[] = [];
    const follower = new ConfigFollower(channel, keys, {
      apply: async (changes) => {
        applied.push(...changes.map(({ change }) => change.proxyId));
        return new Map(changes.map(({ change }) => [change.proxyId, { applied: true }]));
      },
      report: ({ problem }) => void reports.push(problem),
    });
    await publisher.publish(artifactChange('a', 1), 'first');
    await follower.refresh();
    const pipeline = redis.pipeline();
    for (let part = 1; part <= 1_200; part += 1)
      pipeline.xadd(redisKeys.log, `1-${part}`, 'p', 'x', 'd', '9', 'r', 'x');
    await pipeline.exec();
    await follower.refresh();
    await follower.refresh();
    await publisher.publish(artifactChange('b', 2), 'second');
    await follower.refresh();
    expect(applied).toEqual(['a', 'b']);
    expect(reports).toEqual(['altered-record']);
  });

  it.each([
    ['a deployment that is no whole number', 'x', '1.5'],
    ['a deployment without end', 'x', '1e400'],
    ['a deployment that cannot be counted', 'x', '99999999999999999999'],
    ['a deployment below the first', 'x', '0'],
    ['a proxy with an id as long as a book', 'x'.repeat(100_000), '9'],
  ])('lets a follower pass over %s, so that its lease opens still', async (_what, proxyId, deployment) => {
    const { channel, environment, keys: redisKeys } = fresh();
    const { publisher, keys } = await prepareEnvironment(channel, environment);
    const gateway = new TextGateway(channel, keys);
    await publisher.publish(artifactChange('a', 1), 'first');
    await gateway.follower.refresh();
    await redis.xadd(redisKeys.log, '2-0', 'p', proxyId, 'd', deployment, 'r', 'planted');
    await gateway.follower.refresh();
    await gateway.follower.refresh();
    expect(gateway.reports).toEqual([{ problem: 'altered-record' }]);
    expect([gateway.follower.unsettled, gateway.follower.unapplied]).toEqual([[], []]);
    const loaded = gateway.follower.loaded ?? null;
    expect(loaded).toEqual(await channel.position());
    const state = {
      ...{ gatewayId: 'g', programVersion: '1', address: 'a:1', startedAt: '', deployment: 1, loaded },
      ...{ handled: [], rejected: [], unsettled: [...gateway.follower.unsettled] },
    };
    expect(openLease(keys, { gatewayId: 'g', sealed: sealLease(keys, state) })).toEqual(state);
  });

  it('knows no lease whose time lies far ahead, and a gateway that renews its own takes it away', async () => {
    const { channel, keys } = fresh();
    await channel.renewLease('gateway 1', 'state');
    await channel.renewLease('gone', 'an old state');
    await redis.zadd(keys.leaseTimes, 9e15, 'gone');
    expect([...(await channel.leaseTimes()).renewedAtMs.keys()]).toEqual(['gateway 1']);
    expect(await channel.leases()).toEqual([{ gatewayId: 'gateway 1', sealed: 'state' }]);
    await channel.renewLease('gateway 1', 'state');
    expect([await redis.zscore(keys.leaseTimes, 'gone'), await redis.hget(keys.leases, 'gone')]).toEqual([null, null]);
  });

  it('tells of so many leases at once, and of none with an id as long as a book', async () => {
    const { channel, keys } = fresh();
    const nowMs = await channel.clockMs();
    await redis.zadd(keys.leaseTimes, nowMs + LEASE_MS - 1, 'x'.repeat(100_000));
    expect(await channel.leaseTimes()).toMatchObject({ renewedAtMs: new Map(), isWhole: true });
    expect(await redis.zcard(keys.leaseTimes)).toBe(0);
    const junk = Array.from({ length: 100_000 }, (_one, index) => `junk ${index}`);
    // As far ahead as is believed: they count however slow this is.
    const near = String((await channel.clockMs()) + LEASE_MS);
    for (let at = 0; at < junk.length; at += 20_000)
      await redis.zadd(keys.leaseTimes, ...junk.slice(at, at + 20_000).flatMap((id) => [near, id]));
    const { renewedAtMs, isWhole } = await channel.leaseTimes();
    expect([renewedAtMs.size, isWhole]).toEqual([LEASES_PER_LOOK, false]);
    await channel.dropLeases([...renewedAtMs.keys()].map((gatewayId) => ({ gatewayId, sealed: undefined })));
    expect(await redis.zcard(keys.leaseTimes)).toBe(junk.length - LEASES_PER_LOOK);
  });

  it('says that the channel is unavailable, and names no address, when Redis is away', async () => {
    const away = new Redis({
      host: '127.0.0.1',
      port: 1,
      lazyConnect: true,
      enableOfflineQueue: false,
      retryStrategy: () => null,
    });
    away.on('error', () => undefined);
    await away.connect().catch(() => undefined);
    const failure = await new RedisConfigChannel(away, 'production').position().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ChannelUnavailable);
    expect((failure as ChannelUnavailable).code).toBe('CHANNEL_UNAVAILABLE');
    expect((failure as Error).message).toBe('the Redis of environment production cannot be reached');
    expect(away.status).toBe('end');
  });

  it('hints after its connection was cut and came back, and at changes from then on', async () => {
    const { channel } = fresh();
    const hints = new EventEmitter();
    const watch = await channel.watch('changes', () => hints.emit('hint'));
    await once(hints, 'hint'); // subscribed
    const cut = once(hints, 'hint');
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await cut;
    const change = once(hints, 'hint');
    await channel.publish({ proxyId: 'a', deployment: 1, record: 'record', artifact: null });
    await change;
    await watch.close();
    expect((await channel.position())?.sequence).toBe(1);
  });

  it('keeps two environments in one Redis apart', async () => {
    const [one, two] = [fresh(), fresh()];
    await one.channel.publish({ proxyId: 'a', deployment: 1, record: 'record', artifact: 'artifact' });
    expect(await two.channel.position()).toBeUndefined();
    expect(await two.channel.artifacts(['a'])).toEqual(new Map());
  });

  it('holds nothing of a configuration in clear', async () => {
    const { channel, environment } = fresh();
    const { publisher, gatewayKeyText } = await prepareEnvironment(channel, environment);
    await publisher.publish(artifactChange('a', 1), 'a very secret artifact');
    const dumps: string[] = [];
    for (const key of await redis.keys(`gw:{${environment}}:*`))
      dumps.push((await redis.dumpBuffer(key))?.toString('latin1') ?? '');
    const everything = dumps.join('\n');
    expect(everything).not.toContain('very secret');
    expect(everything).not.toMatch(/\bshop\b/);
    expect(everything).not.toContain(gatewayKeyText.slice(-43));
  });

  it('lets a follower refuse what was planted and go on with what is genuine', async () => {
    const { channel, environment, keys: redisKeys } = fresh();
    const { publisher, keys } = await prepareEnvironment(channel, environment);
    const applied: string[] = [];
    const reports: string[] = [];
    const follower = new ConfigFollower(channel, keys, {
      apply: async (changes) => {
        applied.push(...changes.map(({ change, artifact }) => `${change.proxyId} ${change.deployment} ${artifact}`));
        return new Map(changes.map(({ change }) => [change.proxyId, { applied: true }]));
      },
      report: ({ problem, proxyId }) => void reports.push(`${problem} ${proxyId ?? ''}`.trim()),
    });
    await publisher.publish(artifactChange('a', 1), 'first');
    await follower.refresh();
    const [planted] = await channel.recordsAfter(0, 1);
    await redis.xadd(redisKeys.log, '2-0', 'p', 'a', 'd', '99', 'r', planted?.sealed ?? '');
    await redis.hset(redisKeys.position, 'sequence', '2');
    await follower.refresh();
    await publisher.publish(artifactChange('b', 3), 'second');
    await follower.refresh();
    expect(applied).toEqual(['a 1 first', 'b 3 second']);
    expect(reports).toEqual(['altered-record a']);
  });
});
