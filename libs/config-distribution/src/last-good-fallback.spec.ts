import { ChannelUnavailable, type StoredLastGood } from './config-channel.port.ts';
import type { ConfigPublisher } from './config-publisher.ts';
import { InMemoryConfigChannel } from './in-memory/in-memory-config-channel.ts';
import { artifactHash, sealArtifact, sealLastGood } from './messages.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';
import { artifactChange, prepareEnvironment, ReplaceableChannel, TextGateway, tombstone } from './testing/index.ts';

describe('the last good artifact beside the newest', () => {
  let channel: ReplaceableChannel;
  let keys: ChannelKeys;
  let publisher: ConfigPublisher;
  beforeEach(async () => {
    channel = new ReplaceableChannel(new InMemoryConfigChannel());
    ({ keys, publisher } = await prepareEnvironment(channel, 'production'));
  });

  const change = (deployment: number, artifact: string, proxyId = 'a') =>
    artifactChange(proxyId, deployment, artifactHash(keys, artifact));
  const good = (deployment: number, artifact: string) => ({
    lastGood: { deployment, revision: deployment, hash: artifactHash(keys, artifact) },
  });
  /** Deployment 1 works, deployment 2 does not. */
  const publishGoodAndBad = async (): Promise<void> => {
    await publisher.publish(change(1, 'good'), 'good');
    await publisher.publish(change(2, 'bad'), 'bad', good(1, 'good'));
  };
  const joined = async (): Promise<TextGateway> => {
    const gateway = new TextGateway(channel, keys);
    await gateway.follower.refresh();
    return gateway;
  };
  /** What somebody makes of it who may write to Redis. */
  const tampered = (change: (stored: StoredLastGood) => StoredLastGood): void => {
    const read = channel.lastGood;
    channel.lastGood = async (ids) => new Map([...(await read(ids))].map(([id, stored]) => [id, change(stored)]));
  };

  it('is what a gateway takes that joins and cannot apply the newest, and the newest stays rejected', async () => {
    await publishGoodAndBad();
    const gateway = await joined();
    expect(gateway.served.get('a')).toBe('good');
    expect(gateway.batches).toEqual([['a 2'], ['a 1']]);
    expect(gateway.changes[1]?.change).toEqual(change(1, 'good'));
    expect([...gateway.follower.rejections]).toEqual([['a', { deployment: 2, reason: 'cannot link bad' }]]);
    expect(gateway.follower.highestDeployment).toBe(1);
    expect(gateway.follower.unapplied).toEqual(['a']);
    expect(gateway.reports).toEqual([{ problem: 'last-good', proxyId: 'a', deployment: 1 }]);
    await gateway.follower.refresh();
    expect(gateway.batches).toHaveLength(2);
  });

  it('is not taken by a gateway that can apply the newest', async () => {
    await publishGoodAndBad();
    await publisher.publish(change(3, 'better'), 'better', good(1, 'good'));
    const gateway = await joined();
    expect(gateway.batches).toEqual([['a 3']]);
  });

  it.each([
    ['as new', 1],
    ['newer', 2],
  ])('is not taken by a gateway whose snapshot is %s', async (_what, deployment) => {
    await publisher.publish(change(1, 'good'), 'good');
    await publisher.publish(change(3, 'bad'), 'bad', good(1, 'good'));
    const gateway = new TextGateway(channel, keys);
    gateway.follower.remember('a', deployment);
    await gateway.follower.refresh();
    expect(gateway.batches).toEqual([['a 3']]);
    expect(gateway.follower.rejections.size).toBe(1);
  });

  it('is taken by a gateway that missed it and has an older one', async () => {
    const gateway = new TextGateway(channel, keys);
    gateway.follower.remember('a', 1);
    await publisher.publish(change(2, 'good'), 'good');
    await publisher.publish(change(3, 'bad'), 'bad', good(2, 'good'));
    await gateway.follower.refresh();
    expect(gateway.served.get('a')).toBe('good');
  });

  it('stays beside one bad deployment after the other', async () => {
    await publishGoodAndBad();
    await publisher.publish(change(3, 'bad too'), 'bad too', good(1, 'good'));
    expect((await joined()).served.get('a')).toBe('good');
  });

  it('stays when the same deployment is published again', async () => {
    await publishGoodAndBad();
    await publisher.publish(change(2, 'bad'), 'bad', { ...good(1, 'good'), disbelieved: 2 });
    expect((await joined()).served.get('a')).toBe('good');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['none is named', () => publisher.publish(change(3, 'bad'), 'bad')],
    ['another one is named', () => publisher.publish(change(3, 'bad'), 'bad', good(2, 'bad'))],
    ['the proxy is removed', () => publisher.publish(tombstone('a', 3), null, good(1, 'good'))],
  ])('is gone when %s', async (_what, act) => {
    await publishGoodAndBad();
    await act();
    expect((await channel.lastGood(['a'])).get('a')?.deployment).not.toBe(1);
    expect((await joined()).served.size).toBe(0);
  });

  it('is gone with the log that it belonged to', async () => {
    await publishGoodAndBad();
    await publisher.restart((await channel.position())?.epoch ?? '');
    expect(await channel.lastGood(['a'])).toEqual(new Map());
  });

  it('is not taken because somebody altered the newest', async () => {
    await publishGoodAndBad();
    const all = channel.artifacts;
    channel.artifacts = async (ids) =>
      new Map([...(await all(ids))].map(([id, stored]) => [id, { ...stored, sealed: 'gibberish' }]));
    const gateway = await joined();
    expect(gateway.served.size).toBe(0);
    expect(gateway.follower.rejections.get('a')?.deployment).toBe(2);
    expect(gateway.problems).toEqual(['altered-artifact']);
  });

  it('is looked for again when Redis went away before it was read', async () => {
    await publishGoodAndBad();
    const read = channel.lastGood;
    channel.lastGood = async () => {
      throw new ChannelUnavailable('production', new Error('gone'));
    };
    const gateway = new TextGateway(channel, keys);
    await expect(gateway.follower.refresh()).rejects.toThrow(ChannelUnavailable);
    expect(gateway.follower.loaded).toBeUndefined();
    channel.lastGood = read;
    expect(await gateway.follower.refresh()).toMatchObject([
      { deployment: 1, outcome: { applied: true } },
      { deployment: 2, outcome: { applied: false } },
    ]);
    expect(gateway.served.get('a')).toBe('good');
  });

  it('is not looked for any more beside a deployment that came since and was altered', async () => {
    await publishGoodAndBad();
    const gateway = new TextGateway(channel, keys);
    const [read, all] = [channel.lastGood, channel.artifacts];
    channel.lastGood = async () => {
      throw new ChannelUnavailable('production', new Error('gone'));
    };
    await expect(gateway.follower.refresh()).rejects.toThrow(ChannelUnavailable);
    channel.lastGood = read;
    await publisher.publish(change(3, 'better'), 'better', good(1, 'good'));
    channel.artifacts = async (ids) =>
      new Map([...(await all(ids))].map(([id, stored]) => [id, { ...stored, sealed: 'gibberish' }]));
    await gateway.follower.refresh();
    expect(gateway.served.size).toBe(0);
  });

  it('that cannot be applied either changes nothing', async () => {
    await publisher.publish(change(1, 'bad from the start'), 'bad from the start');
    await publisher.publish(change(2, 'bad'), 'bad', good(1, 'bad from the start'));
    const gateway = await joined();
    expect(gateway.served.size).toBe(0);
    expect(gateway.follower.highestDeployment).toBe(0);
    expect(gateway.follower.rejections.get('a')?.deployment).toBe(2);
  });

  it('beside a deployment that came meanwhile is left to the next look', async () => {
    await publishGoodAndBad();
    const read = channel.lastGood;
    channel.lastGood = async (ids) => {
      channel.lastGood = read;
      await publisher.publish(change(3, 'better'), 'better', good(1, 'good'));
      return read(ids);
    };
    const gateway = await joined();
    expect(gateway.reports).toEqual([]);
    await gateway.follower.refresh();
    expect(gateway.batches).toEqual([['a 2'], ['a 3']]);
  });

  describe('is refused and reported when', () => {
    const oldNote = () => sealLastGood(keys, change(1, 'x'), { ...noteOf(1, 'older'), project: 'shop', proxy: 'a' });
    const noteOf = (deployment: number, artifact: string) => good(deployment, artifact).lastGood;

    it.each<[string, (stored: StoredLastGood) => StoredLastGood]>([
      ['its note was altered', (stored) => ({ ...stored, note: `${stored.note.slice(0, -4)}AAAA` })],
      ['its note was sealed for another deployment', (stored) => ({ ...stored, note: oldNote() })],
      ['its artifact was altered', (stored) => ({ ...stored, sealed: 'gibberish' })],
      [
        'it is an artifact of another deployment',
        (stored) => ({ ...stored, deployment: 3, sealed: sealArtifact(keys, change(3, 'good'), 'good') }),
      ],
      [
        'it has other bytes than the control plane said',
        (stored) => ({ ...stored, sealed: sealArtifact(keys, change(1, 'other'), 'other') }),
      ],
    ])('%s', async (_what, tamper) => {
      await publishGoodAndBad();
      tampered(tamper);
      const gateway = await joined();
      expect(gateway.served.size).toBe(0);
      expect(gateway.reports).toEqual([{ problem: 'altered-last-good', proxyId: 'a', deployment: 2 }]);
    });

    it('it belongs to another proxy', async () => {
      await publishGoodAndBad();
      await publisher.publish(change(3, 'bad', 'b'), 'bad');
      const read = channel.lastGood;
      channel.lastGood = async () => {
        const stored = (await read(['a'])).get('a');
        return new Map(stored && [['b', { ...stored, beside: 3 }]]);
      };
      expect((await joined()).problems).toEqual(['altered-last-good']);
    });
  });
});
