import { loadLog, recordDigest, stillHolds, type KnownRecord } from './channel-inspection.ts';
import type { ConfigPublisher } from './config-publisher.ts';
import { InMemoryConfigChannel } from './in-memory/in-memory-config-channel.ts';
import { sealRecord } from './messages.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';
import { artifactChange, prepareEnvironment, ReplaceableChannel } from './testing/index.ts';

describe('looking at a channel from the control plane', () => {
  let memory: InMemoryConfigChannel;
  let channel: ReplaceableChannel;
  let keys: ChannelKeys;
  let publisher: ConfigPublisher;
  beforeEach(async () => {
    memory = new InMemoryConfigChannel();
    channel = new ReplaceableChannel(memory);
    ({ keys, publisher } = await prepareEnvironment(channel, 'production'));
  });

  const publish = async (deployment: number): Promise<KnownRecord> => {
    const published = await publisher.publish(artifactChange('a', deployment), 'text');
    if (published.kind === 'stale') throw new Error('stale');
    return { ...published.position, digest: published.digest };
  };
  /** The same Redis as it was before anything of this was published. */
  const restored = async (epoch: string): Promise<void> => {
    channel.server = new InMemoryConfigChannel();
    await channel.writeCheckpoint({ epoch, sequence: 0 }, 'x');
  };

  it('finds what was published last, also when more came since', async () => {
    const first = await publish(1);
    expect(await stillHolds(channel, first)).toBe(true);
    await publish(2);
    expect(await stillHolds(channel, first)).toBe(true);
    expect(await stillHolds(channel, { ...first, sequence: 0, digest: null })).toBe(true);
  });

  it.each([
    ['shorter', 1],
    ['as long', 2],
    ['longer', 3],
  ])('does not take an old copy for the same that is %s', async (_what, length) => {
    await publish(1);
    const known = await publish(2);
    await restored(known.epoch);
    for (let deployment = 1; deployment <= length; deployment += 1) await publish(deployment);
    expect(await stillHolds(channel, known)).toBe(false);
  });

  it('does not take another epoch, an empty Redis, or a log without the record for the same', async () => {
    const known = await publish(1);
    channel.recordsAfter = async () => [];
    expect(await stillHolds(channel, known)).toBe(false);
    channel.server = new InMemoryConfigChannel();
    expect(await stillHolds(channel, known)).toBe(false);
    await publish(1);
    expect(await stillHolds(channel, known)).toBe(false);
  });

  it('names a record again that was published before', async () => {
    const { sequence, digest } = await publish(1);
    expect(await publish(1)).toMatchObject({ sequence, digest });
    const [record] = await channel.recordsAfter(0, 1);
    expect(recordDigest(record?.sealed ?? '')).toBe(digest);
  });

  it('publishes once more what is only claimed to be there', async () => {
    await channel.publish({ proxyId: 'a', deployment: 1, record: 'planted', artifact: 'planted' });
    const known = await publish(1);
    expect(known.sequence).toBe(2);
    expect(await publisher.holds('a', 1)).toBe(true);
  });

  it('believes a deployment that was sealed, and no claim', async () => {
    await publish(1);
    await channel.publish({ proxyId: 'b', deployment: 9, record: 'planted', artifact: 'planted' });
    const genuine = sealRecord(keys, artifactChange('c', 8));
    await channel.publish({ proxyId: 'c', deployment: 9, record: genuine, artifact: 'planted' });
    expect([await publisher.holds('a', 1), await publisher.holds('b', 9), await publisher.holds('c', 9)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('can be loaded while a gateway that joins would find everything', async () => {
    expect(await loadLog(channel, keys)).toBeUndefined();
    await publisher.publishEmpty();
    expect(await loadLog(channel, keys)).toBeDefined();
    await publish(1);
    expect(await loadLog(channel, keys)).toBeDefined();
  });

  it('cannot be loaded when the checkpoint does not open, or is lost while the log does not begin at its beginning', async () => {
    await publish(1);
    await publish(2);
    const stored = await memory.checkpoint();
    channel.checkpoint = async () => stored && { ...stored, sealed: 'gibberish' };
    expect(await loadLog(channel, keys)).toBeUndefined();
    channel.checkpoint = async () => undefined;
    expect(await loadLog(channel, keys)).toBeDefined();
    channel.recordsAfter = (after, limit) => memory.recordsAfter(Math.max(after, 1), limit);
    expect(await loadLog(channel, keys)).toBeUndefined();
  });

  it('is empty under a new epoch after a restart, and takes the same deployments again', async () => {
    const known = await publish(1);
    expect(await publisher.restart('another')).toBeUndefined();
    const begun = await publisher.restart(known.epoch);
    expect(begun).toMatchObject({ sequence: 0 });
    expect(await channel.position()).toEqual(begun);
    expect(await loadLog(channel, keys)).toBeDefined();
    expect(await publish(1)).toMatchObject({ epoch: begun?.epoch, sequence: 1 });
  });
});
