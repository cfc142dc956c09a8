import { ChannelMirror } from './channel-mirror.ts';
import type { ConfigPublisher } from './config-publisher.ts';
import { InMemoryConfigChannel } from './in-memory/in-memory-config-channel.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';
import { ServedDigest, type ServedProxy } from './served-digest.ts';
import { artifactChange, prepareEnvironment, ReplaceableChannel } from './testing/index.ts';

describe('a mirror of a channel', () => {
  let memory: InMemoryConfigChannel;
  let channel: ReplaceableChannel;
  let keys: ChannelKeys;
  let publisher: ConfigPublisher;
  let mirror: ChannelMirror;
  beforeEach(async () => {
    memory = new InMemoryConfigChannel();
    channel = new ReplaceableChannel(memory);
    ({ keys, publisher } = await prepareEnvironment(channel, 'production'));
    mirror = new ChannelMirror(channel, keys);
  });

  const publish = (proxyId: string, deployment: number) =>
    publisher.publish(artifactChange(proxyId, deployment), 'text');
  const remove = (proxyId: string, deployment: number) =>
    publisher.publish({ kind: 'tombstone', proxyId, deployment, project: '', proxy: '' }, null);
  const servedProxies = (...changes: ServedProxy[]) => {
    const digest = ServedDigest.of(changes);
    return { proxies: digest.proxies, digest: digest.text() };
  };
  const served = (proxyId: string, deployment: number): ServedProxy => {
    const change = artifactChange(proxyId, deployment);
    if (change.kind !== 'artifact') throw new Error('no artifact');
    return change;
  };
  const at = (sequence: number) => mirror.servedAt({ epoch: mirror.position?.epoch ?? '', sequence });

  it('knows what is served at every place that it has seen, loaded or followed', async () => {
    expect([await mirror.load(), mirror.position]).toEqual([false, undefined]);
    await publish('a', 1);
    await publish('b', 2);
    expect(await mirror.load()).toBe(true);
    await publish('a', 3);
    await remove('b', 4);
    await publish('c', 5);
    expect(await mirror.follow()).toBe(true);
    expect(mirror.position?.sequence).toBe(5);
    expect([...mirror.changes.values()].map(({ proxyId, kind, deployment }) => [proxyId, kind, deployment])).toEqual([
      ['a', 'artifact', 3],
      ['b', 'tombstone', 4],
      ['c', 'artifact', 5],
    ]);
    expect([at(1), at(2), at(3), at(4), at(5), at(6)]).toEqual([
      undefined,
      servedProxies(served('a', 1), served('b', 2)),
      servedProxies(served('a', 3), served('b', 2)),
      servedProxies(served('a', 3)),
      servedProxies(served('a', 3), served('c', 5)),
      undefined,
    ]);
    const atEnd = at(5);
    expect(await mirror.load()).toBe(true);
    expect([at(3), at(5)]).toEqual([servedProxies(served('a', 3), served('b', 2)), atEnd]);
  });

  it('does not follow another log, nor one that was cut or overwritten', async () => {
    await publish('a', 1);
    await publish('b', 2);
    expect(await mirror.follow()).toBe(false);
    await mirror.load();
    const { epoch = '' } = mirror.position ?? {};
    channel.recordsAfter = async (after, limit) =>
      (await memory.recordsAfter(after, limit)).map((record) => ({ ...record, sealed: `other ${record.sealed}` }));
    expect(await mirror.follow()).toBe(false);
    channel.recordsAfter = (after, limit) => memory.recordsAfter(after, limit);
    expect(await mirror.follow()).toBe(true);
    await publisher.restart(epoch);
    expect(await mirror.follow()).toBe(false);
    expect(await mirror.load()).toBe(true);
    expect([mirror.changes.size, mirror.servedAt({ epoch, sequence: 2 }), at(0)]).toEqual([
      0,
      undefined,
      servedProxies(),
    ]);
  });
});
