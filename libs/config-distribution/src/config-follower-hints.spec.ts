import { parseChangeHint } from './change-hint.ts';
import { ChannelUnavailable } from './config-channel.port.ts';
import type { ConfigPublisher } from './config-publisher.ts';
import { InMemoryConfigChannel } from './in-memory/in-memory-config-channel.ts';
import { artifactHash, sealArtifact, sealRecord } from './messages.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';
import { artifactChange, prepareEnvironment, ReplaceableChannel, TextGateway, tombstone } from './testing/index.ts';

describe('ConfigFollower, told by hints', () => {
  let channel: ReplaceableChannel;
  let keys: ChannelKeys;
  let publisher: ConfigPublisher;
  let gateway: TextGateway;
  /** What was announced and not given to the gateway yet. */
  let announced: string[];
  beforeEach(async () => {
    channel = new ReplaceableChannel(new InMemoryConfigChannel());
    ({ keys, publisher } = await prepareEnvironment(channel, 'production'));
    gateway = new TextGateway(channel, keys);
    announced = [];
    await channel.watch('changes', (message) => void announced.push(message ?? ''));
    await publisher.publishEmpty();
    await gateway.follower.refresh();
  });

  const publish = (proxyId: string, deployment: number, artifact = `${proxyId} at ${deployment}`) =>
    publisher.publish(artifactChange(proxyId, deployment, artifactHash(keys, artifact)), artifact);
  const offer = (...messages: string[]): void => messages.forEach((message) => gateway.follower.offer(message));
  const offerAll = (): void => offer(...announced.splice(0));
  const refresh = () => gateway.follower.refresh();
  /** Redis is there for hints only: whoever reads it fails. */
  const refreshWithoutReading = async (): Promise<void> => {
    channel.isAway = true;
    await expect(refresh()).rejects.toThrow(ChannelUnavailable);
    channel.isAway = false;
  };
  /** A hint as somebody makes it up who may write to Redis; parts are taken from a genuine one. */
  const forged = (genuine: string, changes: Partial<Record<0 | 1 | 2 | 3 | 4 | 5, string>>): string =>
    JSON.stringify(Object.assign(JSON.parse(genuine) as string[], changes));
  const epoch = async () => (await channel.position())?.epoch ?? '';

  describe('applies before it reads', () => {
    it('a change that its hint has brought along, and tells of it once', async () => {
      await publish('a', 1);
      offerAll();
      await refreshWithoutReading();
      expect(gateway.served.get('a')).toBe('a at 1');
      expect(await refresh()).toEqual([{ proxyId: 'a', deployment: 1, outcome: { applied: true } }]);
      expect(await refresh()).toEqual([]);
      expect(gateway.batches).toEqual([['a 1']]);
    });

    it('a change of a look that reads too, told of once', async () => {
      await publish('a', 1);
      offerAll();
      expect(await refresh()).toEqual([{ proxyId: 'a', deployment: 1, outcome: { applied: true } }]);
      expect(gateway.batches).toEqual([['a 1']]);
      expect(gateway.follower.loaded).toEqual(await channel.position());
    });

    it('several as one batch, the newest of each proxy, tombstones included', async () => {
      await publish('a', 1);
      await publish('b', 2);
      await publish('a', 3);
      await publisher.publish(tombstone('b', 4), null);
      offerAll();
      await refreshWithoutReading();
      expect(gateway.batches).toEqual([['a 3', 'b 4']]);
    });

    it('what it cannot link, which stays rejected', async () => {
      await publish('a', 1, 'bad text');
      offerAll();
      await refreshWithoutReading();
      expect(await refresh()).toMatchObject([{ deployment: 1, outcome: { applied: false } }]);
      expect(gateway.batches).toEqual([['a 1']]);
    });
  });

  describe('reads as much as it must', () => {
    const counting = (): string[] => {
      const reads: string[] = [];
      for (const name of ['position', 'recordsAfter', 'artifacts', 'checkpoint'] as const) {
        const read = channel[name] as (...args: unknown[]) => Promise<never>;
        Object.assign(channel, {
          [name]: (...args: unknown[]) => {
            reads.push(name);
            return read(...args);
          },
        });
      }
      return reads;
    };

    it('no artifact that a hint has brought along', async () => {
      await publish('a', 1);
      offerAll();
      const reads = counting();
      await refresh();
      expect(reads).toEqual(['position', 'recordsAfter']);
    });

    it('a long artifact together with the log, once', async () => {
      const long = 'x'.repeat(40_000);
      await publish('a', 1, long);
      expect(announced.at(-1)?.length).toBeLessThan(2_000);
      offerAll();
      const reads = counting();
      await refresh();
      expect(reads).toEqual(['position', 'recordsAfter', 'artifacts']);
      expect(gateway.served.get('a')).toBe(long);
    });

    it('what comes behind a long artifact in its order', async () => {
      await publish('a', 1, 'x'.repeat(40_000));
      await publish('b', 2);
      offerAll();
      await refreshWithoutReading();
      expect(gateway.batches).toEqual([]);
      await refresh();
      expect(gateway.batches).toEqual([['a 1', 'b 2']]);
    });
  });

  describe('takes no harm from', () => {
    it.each<[string, (messages: string[]) => string[]]>([
      ['a lost hint', ([, second]) => [second ?? '']],
      ['hints in another order', ([first, second]) => [second ?? '', first ?? '']],
      ['hints that come twice', ([first, second]) => [first ?? '', first ?? '', second ?? '', second ?? '']],
      ['hints without an end', (messages) => Array.from({ length: 5_000 }, () => messages[0] ?? '')],
      ['hints that say nothing', () => ['', '7', 'null', '[]', '["a"]', '[1,2,3,4,5,6]', '{']],
      ['a hint of any length', () => [`["${'x'.repeat(10_000_000)}"]`]],
    ])('%s', async (_what, come) => {
      await publish('a', 1);
      await publish('b', 2);
      offer(...come(announced));
      await refresh();
      offer(...announced);
      await refresh();
      expect(gateway.served).toEqual(
        new Map([
          ['a', 'a at 1'],
          ['b', 'b at 2'],
        ]),
      );
      expect(gateway.problems).toEqual([]);
      expect(gateway.follower.loaded).toEqual(await channel.position());
    });

    it('hints of another log', async () => {
      await publish('a', 1);
      offer(forged(announced[0] ?? '', { 0: 'another epoch' }));
      await refreshWithoutReading();
      expect(gateway.batches).toEqual([]);
    });

    it('hints before everything was loaded', async () => {
      await publish('a', 1);
      const joining = new TextGateway(channel, keys);
      joining.follower.offer(announced[0] ?? '');
      await joining.follower.refresh();
      expect(joining.batches).toEqual([['a 1']]);
    });

    it('a hint of an older deployment under the next number', async () => {
      await publish('a', 1);
      const [old = ''] = announced.splice(0);
      await publish('a', 2);
      offerAll();
      await refresh();
      offer(forged(old, { 1: '3' }));
      await refresh();
      expect(gateway.served.get('a')).toBe('a at 2');
      expect(gateway.problems).toEqual([]);
    });
  });

  describe('believes nothing that is not sealed', () => {
    it.each<[string, Partial<Record<2 | 3 | 4 | 5, string>>]>([
      ['a record', { 4: 's1.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAA' }],
      ['a deployment', { 3: '9' }],
      ['a proxy', { 2: 'b' }],
      ['an artifact', { 5: 's1.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAA' }],
    ])('%s that was altered: it is said, and the log gives what is true', async (_what, change) => {
      await publish('a', 1);
      offer(forged(announced[0] ?? '', change));
      await refreshWithoutReading();
      expect(gateway.served.size).toBe(0);
      expect(gateway.follower.rejections.size).toBe(0);
      await refresh();
      expect(gateway.served.get('a')).toBe('a at 1');
      expect(gateway.problems).toEqual(['altered-hint']);
    });

    it('an older artifact under a newer number', async () => {
      await publish('a', 1, 'old');
      offerAll();
      await refresh();
      await publish('a', 2, 'new');
      offer(forged(announced[0] ?? '', { 5: sealArtifact(keys, artifactChange('a', 1), 'old') }));
      await refresh();
      expect(gateway.served.get('a')).toBe('new');
      expect(gateway.problems).toEqual(['altered-hint']);
    });
  });

  it('does not skip a record for a hint that stands in its place', async () => {
    await publish('a', 1);
    const [genuine = ''] = announced.splice(0);
    offer(genuine);
    await refresh();
    // What is sealed in it is true, where it is said to stand is not.
    const later = artifactChange('c', 9);
    const planted = {
      ...{ 0: await epoch(), 1: '2', 2: 'c', 3: '9' },
      ...{ 4: sealRecord(keys, later), 5: sealArtifact(keys, later, 'c at 9') },
    };
    offer(forged(genuine, planted));
    await refreshWithoutReading();
    expect(gateway.follower.loaded?.sequence).toBe(1);
    await publish('b', 2);
    await refresh();
    expect(gateway.served.get('b')).toBe('b at 2');
    expect(gateway.follower.loaded).toEqual(await channel.position());
    expect(gateway.problems).toEqual([]);
  });

  it('starts over with the log when applying a hinted change failed', async () => {
    await publish('a', 1);
    offerAll();
    gateway.failsToApply = true;
    await expect(refresh()).rejects.toThrow('out of memory');
    gateway.failsToApply = false;
    await refresh();
    expect(gateway.served.get('a')).toBe('a at 1');
  });

  it('has hints that say what they announce', async () => {
    await publish('a b', 1);
    expect(parseChangeHint(announced[0] ?? '')).toMatchObject({
      epoch: await epoch(),
      record: { sequence: 1, proxyId: 'a b', deployment: 1 },
      artifact: { deployment: 1 },
    });
  });
});
