import { jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ChannelKeys, InMemoryConfigChannel, putIdentity, type KeySetNote } from '#libs/config-distribution';
import { NO_KEY_SET_ORDERS, type KeySetOrders } from '#libs/policy-contracts';
import { EnvironmentUnderTest, type GatewayUnderTest } from './testing/subscriber-rig.ts';

const flushed = (number: number): KeySetOrders => ({ ...NO_KEY_SET_ORDERS, flushes: [{ uri: null, number }] });
const DENIED: KeySetOrders = { flushes: [], denied: [{ uri: 'https://idp.test/jwks', kid: 'stolen' }] };
const NEVER_SEALED = 's1.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAA';
const PLACE = { kind: 'orders', subject: 'key-sets' } as const;

describe('what is ordered about key sets', () => {
  let environment: EnvironmentUnderTest;
  let gateway: GatewayUnderTest;
  beforeEach(async () => {
    environment = await EnvironmentUnderTest.create();
    gateway = environment.start();
  });
  afterEach(async () => {
    jest.useRealTimers();
    await environment.dispose();
  });

  const order = (version: number, content: unknown, keys = environment.prepared.keys): Promise<boolean> =>
    putIdentity(environment.channel, keys, { ...PLACE, version, content });
  /** As somebody does who may write to Redis and knows no key. */
  const forge = (version: number, sealed: string | null): Promise<boolean> =>
    environment.channel.putIdentity({ ...PLACE, version, sealed });
  const restarted = async (): Promise<GatewayUnderTest> => {
    await gateway.kill();
    gateway = environment.start();
    await gateway.subscriber.restore();
    return gateway;
  };
  const emptied = async (): Promise<void> => {
    await environment.emptyRedis();
    await gateway.look();
  };
  const reports = async (problem: string): Promise<number> => {
    const text = await gateway.metrics.registry.metrics();
    return Number(new RegExp(`problem="${problem}"} (\\d+)`).exec(text)?.[1] ?? 0);
  };
  /** What the lease says of these orders alone. */
  const claimed = async (): Promise<unknown> => {
    const { revocations: _others, ...orders } = (await gateway.lease())?.obeys ?? {};
    return orders;
  };
  const obeys = async (): Promise<unknown> => {
    environment.nowMs += 1_000;
    await gateway.look();
    return claimed();
  };
  const linesAt = (level: string) => gateway.log.lines.filter((line) => line['level'] === level);
  const file = (): string => path.join(environment.snapshotDir, 'orders-key-sets.json');

  it('is obeyed at the next look, each version once, and the lease says so only then', async () => {
    expect(await obeys()).toEqual({ 'key-sets': 0 });
    await order(3, DENIED);
    expect(await claimed()).toEqual({ 'key-sets': 0 });
    expect(await obeys()).toEqual({ 'key-sets': 3 });
    await gateway.look();
    expect(gateway.obeyed).toEqual([DENIED]);
    await order(4, flushed(1));
    expect(await obeys()).toEqual({ 'key-sets': 4 });
    expect(gateway.obeyed).toEqual([DENIED, flushed(1)]);
  });

  it('is claimed in the very look that found it', async () => {
    await gateway.look();
    await order(3, DENIED);
    await gateway.look();
    expect(await claimed()).toEqual({ 'key-sets': 3 });
  });

  it('is in force and on disk before the lease claims it', async () => {
    await gateway.look();
    await order(3, DENIED);
    const { renewLease } = environment.channel;
    const known: unknown[] = [];
    environment.channel.renewLease = (...lease) => {
      known.push(gateway.obeyed.length, JSON.parse(readFileSync(file(), 'utf8')));
      return renewLease(...lease);
    };
    expect(await obeys()).toEqual({ 'key-sets': 3 });
    expect(known).toEqual([1, expect.objectContaining({ version: 3 })]);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  it('is asked for before a gateway that knows of none serves anything', async () => {
    await environment.publish('orders', 1);
    await order(3, DENIED);
    const { identity } = environment.channel;
    const served: string[][] = [];
    environment.channel.identity = async (...asked) => {
      await new Promise((done) => setImmediate(done));
      served.push(gateway.served);
      return identity(...asked);
    };
    await gateway.look();
    expect([served, gateway.served, gateway.obeyed]).toEqual([[[]], ['orders'], [DENIED]]);
  });

  it('is obeyed from disk after a restart, before Redis was seen', async () => {
    await environment.publish('orders', 1);
    await order(3, DENIED);
    await gateway.look();
    environment.channel.isAway = true;
    const again = await restarted();
    expect([again.obeyed, again.served, again.isReady]).toEqual([[DENIED], ['orders'], true]);
    environment.channel.isAway = false;
    expect(await obeys()).toEqual({ 'key-sets': 3 });
    expect(again.obeyed).toEqual([DENIED]);
  });

  it('is not forgotten when its record is gone, or said to be removed', async () => {
    await order(3, DENIED);
    await gateway.look();
    await emptied();
    expect(await obeys()).toEqual({ 'key-sets': 3 });
    await forge(9, null);
    expect([await obeys(), gateway.log.at('warn')]).toEqual([{ 'key-sets': 3 }, []]);
    await restarted();
    expect([gateway.obeyed, await obeys()]).toEqual([[DENIED], { 'key-sets': 3 }]);
  });

  it.each(['goes on', 'was restarted'])('is not taken back by an older copy while it %s', async (when) => {
    await order(2, flushed(1));
    await gateway.look();
    await order(3, DENIED);
    await gateway.look();
    environment.channel.server = new InMemoryConfigChannel();
    await environment.prepared.admit();
    await order(2, flushed(1));
    if (when === 'was restarted') await restarted();
    expect(await obeys()).toEqual({ 'key-sets': 3 });
    await gateway.look();
    expect(gateway.obeyed.at(-1)).toEqual(DENIED);
    expect(await reports('older-orders')).toBe(1);
    await order(4, flushed(2));
    expect(await obeys()).toEqual({ 'key-sets': 4 });
  });

  const lies: [string, () => Promise<unknown>, string][] = [
    ['was never sealed', () => forge(7, NEVER_SEALED), 'altered-orders'],
    ['was sealed by somebody else', () => order(7, DENIED, new ChannelKeys('test', randomBytes(32))), 'altered-orders'],
    [
      'was sealed for another version',
      async () => {
        await order(6, DENIED);
        const stored = await environment.channel.identity('orders', 'key-sets');
        environment.channel.server = new InMemoryConfigChannel();
        await environment.prepared.admit();
        await forge(7, stored?.sealed ?? null);
      },
      'altered-orders',
    ],
    ['is of another shape', () => order(7, { flushes: 'all' }), 'unreadable-orders'],
  ];
  it.each(lies)('is refused when it %s, and that is reported once', async (_how, lie, problem) => {
    await order(3, DENIED);
    await gateway.look();
    await lie();
    for (let look = 0; look < 3; look += 1) expect(await obeys()).toEqual({ 'key-sets': 3 });
    expect([gateway.obeyed, await reports(problem)]).toEqual([[DENIED], 1]);
    expect(linesAt('warn')).toMatchObject([{ problem, version: 7 }]);
    await order(8, flushed(1));
    expect(await obeys()).toEqual({ 'key-sets': 8 });
  });

  const spoilt: [string, (text: string) => string, 'broken' | 'altered'][] = [
    ['is cut off', (text) => text.slice(0, -9), 'broken'],
    ['says another version', (text) => text.replace('"version":3', '"version":9'), 'altered'],
    ['has other content', (text) => text.replace(/"sealed":"[^"]*"/, `"sealed":"${NEVER_SEALED}"`), 'altered'],
  ];
  it.each(spoilt)('is ignored and reported from a file that %s, and read from Redis', async (_how, spoil, problem) => {
    await environment.publish('orders', 1);
    await order(3, DENIED);
    await gateway.look();
    writeFileSync(file(), spoil(readFileSync(file(), 'utf8')));
    await restarted();
    expect([gateway.obeyed, await reports(`snapshot-${problem}`)]).toEqual([[], 1]);
    expect(linesAt('error')).toMatchObject([{ file: 'orders-key-sets.json', problem }]);
    expect([gateway.served, gateway.isReady]).toEqual([['orders'], false]);
    expect([await obeys(), gateway.obeyed]).toEqual([{ 'key-sets': 3 }, [DENIED]]);
    expect(gateway.isReady).toBe(true);
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toMatchObject({ version: 3 });
  });

  it('is kept as soon as the disk takes it again', async () => {
    await gateway.look();
    const moved = `${environment.snapshotDir}-away`;
    renameSync(environment.snapshotDir, moved);
    await order(3, DENIED);
    for (let look = 0; look < 3; look += 1) expect(await obeys()).toEqual({ 'key-sets': 3 });
    expect(await reports('snapshot-not-written')).toBe(1);
    renameSync(moved, environment.snapshotDir);
    await gateway.look();
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toMatchObject({ version: 3 });
    rmSync(moved, { recursive: true, force: true });
  });

  it('does not keep what is published from being told when it alone cannot be read', async () => {
    await environment.publish('orders', 1);
    await gateway.look();
    await environment.publish('orders', 2);
    const { identity } = environment.channel;
    environment.channel.identity = () => Promise.reject(new Error('a fault of its own'));
    await gateway.look();
    environment.channel.identity = identity;
    expect(gateway.deploymentOf('orders')).toBe(2);
    await gateway.look();
    expect((await gateway.lease())?.handled).toEqual([1, 2]);
  });

  it('has nothing to say to a channel that is away', async () => {
    environment.channel.isAway = true;
    await gateway.look();
    expect([gateway.obeyed, gateway.subscriber.isRedisUp]).toEqual([[], false]);
  });

  describe('and what a gateway says of its key sets', () => {
    const note: KeySetNote = { proxyId: 'p', deployment: 1, address: 'https://idp.test/jwks', state: 'fetching' };
    let leases: number;
    beforeEach(async () => {
      jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance'] });
      await gateway.look();
      leases = 0;
      const { renewLease } = environment.channel;
      environment.channel.renewLease = (...lease) => {
        leases += 1;
        return renewLease(...lease);
      };
    });

    it('stands in its lease', async () => {
      expect((await gateway.lease())?.keySetNotes).toEqual([]);
      gateway.notes = [{ ...note, state: 'failed', reason: 'http-status 503' }];
      await obeys();
      expect((await gateway.lease())?.keySetNotes).toEqual(gateway.notes);
    });

    it('is told within a tenth of a second, and once for all that changes within it', async () => {
      gateway.notes = [note];
      for (let change = 0; change < 99; change += 1) {
        gateway.subscriber.tellSoon();
        await jest.advanceTimersByTimeAsync(1);
      }
      expect(leases).toBe(0);
      await jest.advanceTimersByTimeAsync(1);
      await new Promise((done) => setImmediate(done));
      expect([leases, (await gateway.lease())?.keySetNotes]).toEqual([1, [note]]);
      await jest.advanceTimersByTimeAsync(10_000);
      expect(leases).toBe(1);
    });

    it('is told by one more lease when it changes while one is on its way', async () => {
      const { renewLease } = environment.channel;
      environment.channel.renewLease = async (...lease) => {
        environment.channel.renewLease = renewLease;
        gateway.notes = [note];
        gateway.subscriber.tellSoon();
        await renewLease(...lease);
      };
      environment.nowMs += 1_000;
      await gateway.look();
      await jest.advanceTimersByTimeAsync(100);
      await gateway.look();
      expect([leases, (await gateway.lease())?.keySetNotes]).toEqual([2, [note]]);
    });

    it('looks at no Redis that is away, and is told once that is back', async () => {
      environment.channel.isAway = true;
      await gateway.look();
      gateway.notes = [note];
      gateway.subscriber.tellSoon();
      expect(jest.getTimerCount()).toBe(0);
      environment.channel.isAway = false;
      await gateway.look();
      expect((await gateway.lease())?.keySetNotes).toEqual([note]);
    });

    it('is told no more by a gateway that has stopped', async () => {
      gateway.subscriber.tellSoon();
      await gateway.subscriber.stop();
      expect(jest.getTimerCount()).toBe(0);
    });
  });
});
