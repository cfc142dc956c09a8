import { ConfigFollower } from './config-follower.ts';
import { ConfigPublisher, RECORDS_PER_CHECKPOINT, recordsPerCheckpoint } from './config-publisher.ts';
import { InMemoryConfigChannel } from './in-memory/in-memory-config-channel.ts';
import { openManifest } from './messages.ts';
import { RECORDS_PER_LOOK } from './read-log.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';
import { artifactChange, prepareEnvironment, ReplaceableChannel, tombstone } from './testing/index.ts';

describe('ConfigPublisher', () => {
  let channel: InMemoryConfigChannel;
  let keys: ChannelKeys;
  let publisher: ConfigPublisher;
  beforeEach(async () => {
    channel = new InMemoryConfigChannel();
    ({ keys, publisher } = await prepareEnvironment(channel, 'production'));
  });

  const publishMany = async (first: number, last: number): Promise<void> => {
    for (let at = first; at <= last; at += 1)
      await publisher.publish(artifactChange(`proxy-${at}`, at), `artifact ${at}`);
  };
  const manifest = async () => {
    const stored = await channel.checkpoint();
    return stored && openManifest(keys, stored);
  };
  /** What a gateway serves that joins now, by proxy id. */
  const joining = async (): Promise<{ served: Map<string, string>; reports: string[]; isLoaded: boolean }> => {
    const served = new Map<string, string>();
    const reports: string[] = [];
    const follower = new ConfigFollower(channel, keys, {
      apply: async (changes) => {
        for (const { change, artifact } of changes) if (artifact !== null) served.set(change.proxyId, artifact);
        return new Map(changes.map(({ change }) => [change.proxyId, { applied: true }]));
      },
      report: ({ problem }) => void reports.push(problem),
    });
    await follower.refresh();
    return { served, reports, isLoaded: follower.loaded !== undefined };
  };

  it('gives an environment without proxies an empty configuration, once', async () => {
    await publisher.publishEmpty();
    const position = await channel.position();
    expect(position?.sequence).toBe(0);
    expect((await manifest())?.changes).toEqual([]);
    await publisher.publishEmpty();
    expect(await channel.position()).toEqual(position);
    expect(await joining()).toEqual({ served: new Map(), reports: [], isLoaded: true });
  });

  it('does not put an empty configuration over one that has proxies', async () => {
    await publishMany(1, 1);
    await publisher.publishEmpty();
    expect((await joining()).served.size).toBe(1);
  });

  it('writes a checkpoint with the first record and then each time the log has grown enough', async () => {
    await publishMany(1, RECORDS_PER_CHECKPOINT - 1);
    expect((await manifest())?.sequence).toBe(1);
    await publishMany(RECORDS_PER_CHECKPOINT, RECORDS_PER_CHECKPOINT);
    expect((await manifest())?.changes).toHaveLength(RECORDS_PER_CHECKPOINT);
    await publishMany(RECORDS_PER_CHECKPOINT + 1, 2 * RECORDS_PER_CHECKPOINT);
    expect((await manifest())?.sequence).toBe(2 * RECORDS_PER_CHECKPOINT);
    expect((await manifest())?.changes).toHaveLength(2 * RECORDS_PER_CHECKPOINT);
  });

  it('writes fewer of them the more proxies they name, also one that has just begun', async () => {
    const written: number[] = [];
    const watched = new ReplaceableChannel(channel);
    watched.writeCheckpoint = async (position, sealed) => {
      written.push(position.sequence);
      return channel.writeCheckpoint(position, sealed);
    };
    const many = new ConfigPublisher(watched, keys);
    for (let one = 1; one <= 2_200; one += 1) await many.publish(artifactChange(`proxy-${one}`, one), 'a');
    expect(written.slice(0, 3)).toEqual([1, 200, 400]);
    expect(written.at(-1)).toBe(2_200);
    const fresh = new ConfigPublisher(watched, keys);
    for (let one = 2_201; one <= 2_800; one += 1) await fresh.publish(artifactChange(`proxy-${one}`, one), 'a');
    expect(written.slice(-3)).toEqual([2_200, 2_400, 2_800]);
  });

  it('never lets the log grow beyond what is read in one look, even when a checkpoint fails', () => {
    expect([2_000, 2_001, 10_000, 100_000, 10_000_000].map(recordsPerCheckpoint)).toEqual([
      ...[200, 400, 1_600, 6_400, 6_400],
    ]);
    // What is kept behind a checkpoint for gateways that lag comes on top.
    expect(2 * recordsPerCheckpoint(Infinity) + 1_000).toBeLessThan(RECORDS_PER_LOOK);
  });

  it('keeps only the newest change of each proxy in a checkpoint, tombstones included', async () => {
    await publishMany(1, RECORDS_PER_CHECKPOINT - 2);
    await publisher.publish(artifactChange('proxy-1', 1_000), 'newer');
    await publisher.publish(tombstone('proxy-2', 1_001), null);
    const changes = (await manifest())?.changes ?? [];
    expect(changes).toHaveLength(RECORDS_PER_CHECKPOINT - 2);
    expect(changes.find(({ proxyId }) => proxyId === 'proxy-1')?.deployment).toBe(1_000);
    expect(changes.find(({ proxyId }) => proxyId === 'proxy-2')?.kind).toBe('tombstone');
  });

  it('lets a gateway that joins load the checkpoint and the records behind it', async () => {
    await publishMany(1, RECORDS_PER_CHECKPOINT + 5);
    await publisher.publish(tombstone('proxy-3', 999), null);
    const { served, reports, isLoaded } = await joining();
    expect(served.size).toBe(RECORDS_PER_CHECKPOINT + 4);
    expect(served.has('proxy-3')).toBe(false);
    expect(served.get(`proxy-${RECORDS_PER_CHECKPOINT + 5}`)).toBe(`artifact ${RECORDS_PER_CHECKPOINT + 5}`);
    expect({ reports, isLoaded }).toEqual({ reports: [], isLoaded: true });
  });

  it('answers a job that runs twice or late without changing anything', async () => {
    const first = await publisher.publish(artifactChange('a', 5), 'five');
    expect(first.kind).toBe('published');
    const again = await publisher.publish(artifactChange('a', 5, 'hash of something else'), 'something else');
    expect(again).toMatchObject({ kind: 'repeated', change: artifactChange('a', 5) });
    expect(await publisher.publish(artifactChange('a', 4), 'four')).toEqual({ kind: 'stale', heldDeployment: 5 });
    expect((await joining()).served).toEqual(new Map([['a', 'five']]));
  });

  it('writes no checkpoint from half of a log, which would make proxies disappear', async () => {
    await publishMany(1, RECORDS_PER_CHECKPOINT - 1);
    const held = await channel.checkpoint();
    const trimmed = new ReplaceableChannel(channel);
    trimmed.checkpoint = async () => held && { ...held, sealed: 'gibberish' };
    trimmed.recordsAfter = (after, limit) => channel.recordsAfter(Math.max(after, 50), limit);
    const { kind } = await new ConfigPublisher(trimmed, keys).publish(artifactChange('last', 999), 'x');
    expect(kind).toBe('published');
    expect(await channel.checkpoint()).toEqual(held);
  });
});
