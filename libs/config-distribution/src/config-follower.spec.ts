import { ChannelUnavailable } from './config-channel.port.ts';
import { type ConfigPublisher } from './config-publisher.ts';
import { InMemoryConfigChannel } from './in-memory/in-memory-config-channel.ts';
import { artifactHash, sealArtifact, sealRecord } from './messages.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';
import { artifactChange, prepareEnvironment, ReplaceableChannel, TextGateway, tombstone } from './testing/index.ts';

describe('ConfigFollower', () => {
  let memory: InMemoryConfigChannel;
  let channel: ReplaceableChannel;
  let keys: ChannelKeys;
  let publisher: ConfigPublisher;
  let gateway: TextGateway;
  beforeEach(async () => {
    memory = new InMemoryConfigChannel();
    channel = new ReplaceableChannel(memory);
    ({ keys, publisher } = await prepareEnvironment(channel, 'production'));
    gateway = new TextGateway(channel, keys);
  });

  const publish = (proxyId: string, deployment: number, artifact = `${proxyId} at ${deployment}`) =>
    publisher.publish(artifactChange(proxyId, deployment), artifact);
  const refresh = () => gateway.follower.refresh();
  const problems = () => gateway.problems;
  /** Publishes past the publisher: what somebody else with access to Redis might write. */
  const plant = (change: { proxyId: string; deployment: number; record: string; artifact: string | null }) =>
    channel.publish(change);

  describe('follows', () => {
    it('applies each change once, however often it looks', async () => {
      await publish('a', 1);
      expect(await refresh()).toEqual([{ proxyId: 'a', deployment: 1, outcome: { applied: true } }]);
      expect(await refresh()).toEqual([]);
      await publish('b', 2);
      await refresh();
      expect(await refresh()).toEqual([]);
      expect(gateway.batches).toEqual([['a 1'], ['b 2']]);
    });

    it('applies what came in between as one batch with only the newest change of each proxy', async () => {
      await publisher.publishEmpty();
      await refresh();
      for (const deployment of [1, 2, 3]) await publish('a', deployment);
      await publish('b', 4);
      const handled = await refresh();
      expect(gateway.batches).toEqual([['a 3', 'b 4']]);
      expect(handled.map(({ deployment, outcome }) => [deployment, outcome.applied])).toEqual([
        [1, true],
        [2, true],
        [3, true],
        [4, true],
      ]);
    });

    it('is loaded once it has read an environment, an empty one included, and not before', async () => {
      await refresh();
      expect(gateway.follower.loaded).toBeUndefined();
      await publisher.publishEmpty();
      await refresh();
      expect(gateway.follower.loaded).toEqual(await channel.position());
      expect(gateway.follower.highestDeployment).toBe(0);
    });

    it('says up to where it has handled everything, with each look', async () => {
      await publish('a', 1);
      await refresh();
      await publish('b', 2, 'bad text');
      await publish('c', 3);
      await refresh();
      expect(gateway.follower.loaded).toEqual(await channel.position());
      expect([...gateway.follower.rejections.keys()]).toEqual(['b']);
    });

    it('removes a proxy with its tombstone', async () => {
      await publish('a', 1);
      await refresh();
      await publisher.publish(tombstone('a', 2), null);
      expect(await refresh()).toEqual([{ proxyId: 'a', deployment: 2, outcome: { applied: true } }]);
      expect(gateway.served.size).toBe(0);
      expect(gateway.follower.highestDeployment).toBe(2);
    });

    it('takes a newer artifact than the record it read, and says which it is', async () => {
      await publisher.publishEmpty();
      await refresh();
      await publish('a', 1);
      await publish('a', 2, 'newest');
      const all = channel.recordsAfter;
      channel.recordsAfter = async (after, limit) => (await all(after, limit)).filter(({ sequence }) => sequence === 1);
      channel.position = async () => ({ epoch: (await memory.position())?.epoch ?? '', sequence: 1 });
      await refresh();
      expect(gateway.batches).toEqual([['a 2']]);
      expect(gateway.served.get('a')).toBe('newest');
      expect(gateway.changes[0]?.change).toMatchObject({ hash: artifactHash(keys, 'newest') });
    });

    it('starts over with the next look when applying failed', async () => {
      await publish('a', 1);
      gateway.failsToApply = true;
      await expect(refresh()).rejects.toThrow('out of memory');
      gateway.failsToApply = false;
      await refresh();
      expect(gateway.served).toEqual(new Map([['a', 'a at 1']]));
    });

    it('goes on where it was after Redis was away', async () => {
      await publish('a', 1);
      await refresh();
      channel.isAway = true;
      await expect(refresh()).rejects.toThrow(ChannelUnavailable);
      channel.isAway = false;
      await publish('b', 2);
      await refresh();
      expect(gateway.batches).toEqual([['a 1'], ['b 2']]);
      expect(gateway.reports).toEqual([]);
    });

    it('reads an environment of thousands of proxies', async () => {
      for (let at = 1; at <= 1_501; at += 1) await publish(`p${at}`, at);
      await refresh();
      expect(gateway.served.size).toBe(1_501);
      expect(gateway.batches).toHaveLength(1);
    });
  });

  describe('never goes back', () => {
    it('keeps serving when Redis was emptied, and says so once', async () => {
      await publish('a', 1);
      await refresh();
      channel.server = new InMemoryConfigChannel();
      expect(await refresh()).toEqual([]);
      await refresh();
      expect(gateway.served.size).toBe(1);
      expect(problems()).toEqual(['empty']);
    });

    it('refuses an older deployment from a Redis that was emptied, and takes the repair', async () => {
      await publish('a', 7);
      await refresh();
      channel.server = new InMemoryConfigChannel();
      await publish('a', 6);
      await refresh();
      expect(gateway.served.get('a')).toBe('a at 7');
      expect(gateway.reports).toEqual([{ problem: 'older', proxyId: 'a', deployment: 6 }]);
      await publish('a', 8);
      await refresh();
      expect(gateway.served.get('a')).toBe('a at 8');
    });

    it('refuses an older tombstone too', async () => {
      await publish('a', 7);
      await refresh();
      channel.server = new InMemoryConfigChannel();
      await publisher.publish(tombstone('a', 6), null);
      await refresh();
      expect(gateway.served.has('a')).toBe(true);
    });

    it('refuses what is older than a snapshot brought back', async () => {
      gateway.follower.remember('a', 9);
      gateway.follower.remember('a', 3);
      await publish('a', 8);
      await refresh();
      expect(gateway.batches).toEqual([]);
      expect(gateway.follower.highestDeployment).toBe(9);
      expect(problems()).toEqual(['older']);
    });

    it.each([
      ['shorter than before', 1],
      ['as long as before', 2],
      ['longer than before', 3],
    ])('sees what was published to a Redis restored from an old copy whose log is %s now', async (_what, more) => {
      await publish('a', 1);
      const epoch = (await memory.position())?.epoch ?? '';
      for (const deployment of [2, 3]) await publish('a', deployment);
      await refresh();
      // The copy was taken after the first publish and is of the same epoch.
      const copy = new InMemoryConfigChannel();
      await copy.writeCheckpoint({ epoch, sequence: 0 }, keys.seal({ purpose: 'x', subject: 'x', version: 1 }, 'x'));
      channel.server = copy;
      await publish('a', 1);
      for (let at = 0; at < more; at += 1) await publish('b', 10 + at);
      await refresh();
      expect(gateway.served.get('a')).toBe('a at 3');
      expect(gateway.served.get('b')).toBe(`b at ${9 + more}`);
      expect(problems()).toEqual(expect.arrayContaining(['restored', 'older']));
    });
  });

  describe('reports and does not apply', () => {
    it('a record that was altered', async () => {
      await publish('a', 1);
      await refresh();
      await plant({
        proxyId: 'a',
        deployment: 2,
        record: 's1.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAA',
        artifact: 'x',
      });
      await refresh();
      await refresh();
      expect(gateway.served.get('a')).toBe('a at 1');
      expect(gateway.reports).toEqual([{ problem: 'altered-record', proxyId: 'a', deployment: 2 }]);
    });

    it('a record that was altered, which stays unsettled until a later deployment is applied', async () => {
      await plant({ proxyId: 'a', deployment: 1, record: 's1.AAAA.AAAA', artifact: 'x' });
      await refresh();
      expect(gateway.follower.loaded).toBeDefined();
      expect(gateway.follower.unsettled).toEqual([1]);
      await publish('a', 2);
      await refresh();
      expect(gateway.follower.unsettled).toEqual([]);
    });

    it('thousands of planted records in a few lines', async () => {
      await publish('a', 1);
      await refresh();
      for (let deployment = 2; deployment <= 3_000; deployment += 1)
        await plant({ proxyId: `made up ${deployment}`, deployment, record: 's1.AAAA.AAAA', artifact: null });
      await refresh();
      await refresh();
      expect(gateway.reports).toHaveLength(6);
      expect(gateway.reports.at(-1)).toEqual({ problem: 'altered-record', others: 2_994 });
    });

    it('a record of a proxy that nobody knows, which is forgotten with the log that it stood in', async () => {
      await publish('a', 1);
      await refresh();
      await plant({ proxyId: 'made up', deployment: 2, record: 's1.AAAA.AAAA', artifact: 'x' });
      await refresh();
      expect(gateway.follower.unsettled).toEqual([2]);
      await publisher.restart((await channel.position())?.epoch ?? '');
      await publish('a', 3);
      await refresh();
      expect(gateway.follower.loaded).toEqual(await channel.position());
      expect([gateway.follower.unsettled, gateway.follower.unapplied]).toEqual([[], []]);
    });

    it('a genuine record under another proxy or deployment', async () => {
      const genuine = sealRecord(keys, artifactChange('a', 1));
      await plant({ proxyId: 'b', deployment: 1, record: genuine, artifact: 'x' });
      await plant({ proxyId: 'a', deployment: 2, record: genuine, artifact: 'x' });
      await refresh();
      expect(gateway.batches).toEqual([]);
      expect(problems()).toEqual(['altered-record', 'altered-record']);
    });

    it('an artifact that was altered, and answers with a rejection', async () => {
      await publish('a', 1);
      await refresh();
      const change = artifactChange('a', 2);
      await plant({ proxyId: 'a', deployment: 2, record: sealRecord(keys, change), artifact: 'gibberish' });
      expect(await refresh()).toEqual([
        { proxyId: 'a', deployment: 2, outcome: { applied: false, reason: 'the artifact was altered' } },
      ]);
      expect(gateway.served.get('a')).toBe('a at 1');
      expect(gateway.follower.rejections.get('a')?.deployment).toBe(2);
      expect(problems()).toEqual(['altered-artifact']);
    });

    it('an older artifact under a newer number', async () => {
      const old = sealArtifact(keys, artifactChange('a', 1), 'old');
      await plant({ proxyId: 'a', deployment: 2, record: sealRecord(keys, artifactChange('a', 2)), artifact: old });
      await refresh();
      expect(gateway.served.size).toBe(0);
      expect(problems()).toEqual(['altered-artifact']);
    });

    it('a checkpoint that was altered: the log still serves, and is not all there is', async () => {
      await publish('a', 1);
      const read = channel.checkpoint;
      channel.checkpoint = async () => {
        const stored = await memory.checkpoint();
        return stored && { ...stored, sealed: `${stored.sealed.slice(0, -4)}AAAA` };
      };
      await refresh();
      expect(gateway.served.get('a')).toBe('a at 1');
      expect(gateway.follower.loaded).toBeUndefined();
      channel.checkpoint = read;
      await refresh();
      expect(gateway.follower.loaded).toEqual(await channel.position());
      expect(problems()).toEqual(['altered-checkpoint']);
    });

    it('a position that says too little, once, and follows on without reading everything again', async () => {
      await publish('a', 1);
      await publish('b', 2);
      await refresh();
      const epoch = (await memory.position())?.epoch ?? '';
      channel.position = async () => ({ epoch, sequence: 1 });
      let loads = 0;
      const read = channel.checkpoint;
      channel.checkpoint = () => {
        loads += 1;
        return read();
      };
      await refresh();
      await publish('a', 3);
      await refresh();
      expect(gateway.served.get('a')).toBe('a at 3');
      expect(gateway.follower.loaded).toEqual({ epoch, sequence: 3 });
      expect([loads, problems()]).toEqual([0, ['wrong-position']]);
    });

    it('a gap in the log, and reads everything again', async () => {
      await publish('a', 1);
      await refresh();
      await publish('b', 2);
      await publish('c', 3);
      const all = channel.recordsAfter;
      let isMissing = true;
      channel.recordsAfter = async (after, limit) =>
        (await all(after, limit)).filter(({ sequence }) => !isMissing || sequence !== 2);
      await refresh();
      expect(gateway.served.has('c')).toBe(true);
      isMissing = false;
      await refresh();
      expect(gateway.served.get('b')).toBe('b at 2');
      expect(problems()).toEqual(['gap']);
    });

    it('a log that ends before it should, and is not loaded then', async () => {
      await publish('a', 1);
      await publish('b', 2);
      const all = channel.recordsAfter;
      channel.recordsAfter = async (after, limit) => (await all(after, limit)).filter(({ sequence }) => sequence < 2);
      await refresh();
      await refresh();
      expect(gateway.follower.loaded).toBeUndefined();
      expect(gateway.served.size).toBe(1);
      expect(problems()).toEqual(['gap']);
      channel.recordsAfter = all;
      await refresh();
      expect(gateway.follower.loaded?.sequence).toBe(2);
    });
  });

  describe('when an artifact cannot be applied', () => {
    it('keeps the older one, remembers the rejection and does not try again', async () => {
      await publish('a', 1);
      await refresh();
      await publish('a', 2, 'bad text');
      const [handled] = await refresh();
      expect(handled?.outcome).toEqual({ applied: false, reason: 'cannot link bad text' });
      await refresh();
      await publish('b', 3);
      await refresh();
      expect(gateway.batches).toEqual([['a 1'], ['a 2'], ['b 3']]);
      expect(gateway.served.get('a')).toBe('a at 1');
      expect([...gateway.follower.rejections]).toEqual([['a', { deployment: 2, reason: 'cannot link bad text' }]]);
    });

    it('does not try again either when it loads everything once more', async () => {
      await publish('a', 2, 'bad text');
      await refresh();
      const { epoch } = (await memory.position()) ?? { epoch: '' };
      channel.position = async () => ({ epoch, sequence: 0 });
      await refresh();
      expect(gateway.batches).toEqual([['a 2']]);
    });

    it('forgets the rejection with a later deployment that works', async () => {
      await publish('a', 1, 'bad text');
      await refresh();
      await publish('a', 2);
      await refresh();
      expect(gateway.follower.rejections.size).toBe(0);
      expect(gateway.served.get('a')).toBe('a at 2');
    });

    it('still applies the other proxies of the batch', async () => {
      await publish('a', 1, 'bad text');
      await publish('b', 2);
      await refresh();
      expect(gateway.served).toEqual(new Map([['b', 'b at 2']]));
    });
  });

  describe('when an artifact is not there yet', () => {
    let isThere: boolean;
    beforeEach(async () => {
      isThere = false;
      await publisher.publishEmpty();
      await refresh();
      const all = channel.artifacts;
      channel.artifacts = async (ids) => {
        const found = new Map(await all(ids));
        if (!isThere) found.delete('a');
        return found;
      };
    });

    it('waits for it, says so once, and applies it when it comes', async () => {
      await publish('a', 1);
      expect(await refresh()).toEqual([]);
      await refresh();
      expect(gateway.reports).toEqual([{ problem: 'missing-artifact', proxyId: 'a', deployment: 1 }]);
      expect(gateway.follower.loaded).toEqual(await channel.position());
      expect(gateway.follower.unsettled).toEqual([1]);
      isThere = true;
      expect(await refresh()).toEqual([{ proxyId: 'a', deployment: 1, outcome: { applied: true } }]);
      expect(gateway.served.get('a')).toBe('a at 1');
      expect(gateway.follower.unsettled).toEqual([]);
    });

    it('does not forget it when other changes come in the meantime', async () => {
      await publish('a', 1);
      await refresh();
      await publish('b', 2);
      await refresh();
      isThere = true;
      await refresh();
      expect([...gateway.served.keys()]).toEqual(['b', 'a']);
    });

    it('does not forget it when applying another change failed', async () => {
      await publish('a', 1);
      await refresh();
      await publish('b', 2);
      gateway.failsToApply = true;
      await expect(refresh()).rejects.toThrow();
      gateway.failsToApply = false;
      isThere = true;
      await refresh();
      expect([...gateway.served.keys()].sort()).toEqual(['a', 'b']);
    });

    it('stops waiting when the proxy is removed', async () => {
      await publish('a', 1);
      await refresh();
      await publisher.publish(tombstone('a', 2), null);
      await refresh();
      await refresh();
      expect(gateway.batches).toEqual([['a 2']]);
    });
  });
});
