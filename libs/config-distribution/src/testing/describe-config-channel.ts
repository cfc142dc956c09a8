import { randomUUID } from 'node:crypto';
import { once, EventEmitter } from 'node:events';
import { ARTIFACT_IN_HINT_BYTES, parseChangeHint, type ChangeHint } from '../change-hint.ts';
import { LEASE_MS, type ConfigChannel, type LogPosition, type PublishOutcome } from '../config-channel.port.ts';

export interface ChannelUnderTest {
  readonly channel: ConfigChannel;
  /** Makes every lease older by this. */
  passTime(ms: number): Promise<void>;
}

const change = (proxyId: string, deployment: number, isTombstone = false) => ({
  proxyId,
  deployment,
  record: `record ${proxyId} ${deployment}`,
  artifact: isTombstone ? null : `artifact ${proxyId} ${deployment}`,
});

function positionOf(outcome: PublishOutcome): LogPosition {
  if (outcome.kind === 'stale') throw new Error(`stale: ${outcome.heldDeployment} is held`);
  return outcome.position;
}

/** What every adapter of the port promises. The factory gives a channel of an environment that nothing else uses. */
export function describeConfigChannel(name: string, fresh: () => Promise<ChannelUnderTest>): void {
  describe(`${name} as a configuration channel`, () => {
    let under: ChannelUnderTest;
    let channel: ConfigChannel;
    beforeEach(async () => {
      under = await fresh();
      ({ channel } = under);
    });

    it('has no position, no checkpoint, no record and no artifact at first', async () => {
      expect(await channel.position()).toBeUndefined();
      expect(await channel.checkpoint()).toBeUndefined();
      expect(await channel.recordsAfter(0, 10)).toEqual([]);
      expect(await channel.artifacts(['a'])).toEqual(new Map());
      expect(await channel.artifacts([])).toEqual(new Map());
    });

    it('numbers changes without gaps within one epoch', async () => {
      const outcomes = [];
      for (const [proxyId, deployment] of [
        ['a', 5],
        ['b', 6],
        ['a', 7],
      ] as const) {
        outcomes.push(positionOf(await channel.publish(change(proxyId, deployment))));
      }
      expect(outcomes.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
      expect(new Set(outcomes.map(({ epoch }) => epoch)).size).toBe(1);
      expect(await channel.position()).toEqual(outcomes[2]);
    });

    it('gives records back in order, from any place and as many as asked for', async () => {
      for (let deployment = 1; deployment <= 5; deployment += 1) await channel.publish(change('a b', deployment));
      const record = (at: number) => ({ sequence: at, proxyId: 'a b', deployment: at, sealed: `record a b ${at}` });
      expect(await channel.recordsAfter(0, 2)).toEqual([record(1), record(2)]);
      expect(await channel.recordsAfter(2, 10)).toEqual([record(3), record(4), record(5)]);
      expect(await channel.recordsAfter(5, 10)).toEqual([]);
    });

    it('keeps the newest artifact of each proxy and leaves out what is not there', async () => {
      await channel.publish(change('a', 1));
      await channel.publish(change('a', 2));
      await channel.publish(change('b', 3));
      expect(await channel.artifacts(['a', 'nobody', 'b'])).toEqual(
        new Map([
          ['a', { deployment: 2, sealed: 'artifact a 2' }],
          ['b', { deployment: 3, sealed: 'artifact b 3' }],
        ]),
      );
    });

    it('refuses an older deployment, and compares as numbers', async () => {
      await channel.publish(change('a', 10));
      expect(await channel.publish(change('a', 9))).toEqual({ kind: 'stale', heldDeployment: 10 });
      expect((await channel.artifacts(['a'])).get('a')?.deployment).toBe(10);
      expect(await channel.recordsAfter(0, 10)).toHaveLength(1);
    });

    it('stores the same deployment once and says where it is', async () => {
      const first = positionOf(await channel.publish(change('a', 4)));
      await channel.publish(change('b', 5));
      expect(await channel.publish(change('a', 4))).toEqual({ kind: 'repeated', position: first });
      expect(await channel.recordsAfter(0, 10)).toHaveLength(2);
    });

    it('removes the artifact with a tombstone and does not let an older deployment bring it back', async () => {
      await channel.publish(change('a', 1));
      await channel.publish(change('a', 3, true));
      expect(await channel.artifacts(['a'])).toEqual(new Map());
      expect(await channel.publish(change('a', 2))).toEqual({ kind: 'stale', heldDeployment: 3 });
      expect((await channel.publish(change('a', 4))).kind).toBe('published');
    });

    it('lets one of many concurrent publishers of a deployment win, and the highest deployment in the end', async () => {
      const deployments = Array.from({ length: 40 }, (_, index) => (index % 20) + 1);
      const outcomes = await Promise.all(deployments.map((deployment) => channel.publish(change('a', deployment))));
      const published = outcomes.filter(({ kind }) => kind === 'published').length;
      expect((await channel.artifacts(['a'])).get('a')?.deployment).toBe(20);
      expect((await channel.position())?.sequence).toBe(published);
      const records = await channel.recordsAfter(0, 100);
      expect(records.map(({ sequence }) => sequence)).toEqual(records.map((_, index) => index + 1));
      expect(new Set(records.map(({ deployment }) => deployment)).size).toBe(records.length);
    });

    it('begins an epoch with a checkpoint when there is no log yet, and only then', async () => {
      const epoch = randomUUID();
      expect(await channel.writeCheckpoint({ epoch, sequence: 0 }, 'empty')).toBe(true);
      expect(await channel.position()).toEqual({ epoch, sequence: 0 });
      expect(await channel.writeCheckpoint({ epoch: randomUUID(), sequence: 9 }, 'other')).toBe(false);
      expect(await channel.checkpoint()).toEqual({ position: { epoch, sequence: 0 }, sealed: 'empty' });
      expect(positionOf(await channel.publish(change('a', 1)))).toEqual({ epoch, sequence: 1 });
    });

    it('overwrites a held deployment that is known to be a lie, and no other', async () => {
      await channel.publish(change('a', 99));
      const outcome = await channel.publish({ ...change('a', 4), disbelieved: 99 });
      expect(positionOf(outcome).sequence).toBe(2);
      expect((await channel.artifacts(['a'])).get('a')?.deployment).toBe(4);
      expect(await channel.publish({ ...change('a', 3), disbelieved: 99 })).toEqual({
        kind: 'stale',
        heldDeployment: 4,
      });
      expect(positionOf(await channel.publish({ ...change('a', 4), disbelieved: 4 })).sequence).toBe(3);
    });

    it('keeps the named artifact beside the newest, from where it stood or from beside it', async () => {
      const beside = (deployment: number, named: number) =>
        channel.publish({ ...change('a', deployment), lastGood: { deployment: named, note: `note-${deployment}` } });
      const kept = async () => (await channel.lastGood(['a', 'nobody'])).get('a');
      await channel.publish(change('a', 1));
      expect(await kept()).toBeUndefined();
      await beside(2, 1);
      expect(await kept()).toEqual({ beside: 2, deployment: 1, note: 'note-2', sealed: 'artifact a 1' });
      await beside(3, 1);
      expect(await kept()).toEqual({ beside: 3, deployment: 1, note: 'note-3', sealed: 'artifact a 1' });
      await beside(3, 2);
      expect(await kept()).toMatchObject({ beside: 3, deployment: 1 });
      await beside(5, 3);
      expect(await kept()).toEqual({ beside: 5, deployment: 3, note: 'note-5', sealed: 'artifact a 3' });
    });

    it.each([
      ['none', change('a', 3)],
      ['one that is not held', { ...change('a', 3), lastGood: { deployment: 7, note: 'note' } }],
      ['one beside a tombstone', { ...change('a', 3, true), lastGood: { deployment: 2, note: 'note' } }],
    ])('keeps no artifact beside the newest when the change names %s', async (_what, next) => {
      await channel.publish(change('a', 1));
      await channel.publish({ ...change('a', 2), lastGood: { deployment: 1, note: 'note' } });
      await channel.publish(next);
      expect(await channel.lastGood(['a'])).toEqual(new Map());
    });

    it('begins a new log in place of a known one and forgets identities and last good artifacts', async () => {
      await channel.publish(change('b', 1));
      await channel.publish({ ...change('b', 2), lastGood: { deployment: 1, note: 'note' } });
      const at = positionOf(await channel.publish(change('a', 1)));
      await channel.putIdentity({ kind: 'credential', subject: 'alice', version: 2, sealed: 'sealed' });
      const begin = { position: { epoch: randomUUID(), sequence: 0 }, sealed: 'empty' };
      expect(await channel.restart(randomUUID(), begin)).toBe(false);
      expect(await channel.position()).toEqual(at);
      expect(await channel.restart(at.epoch, begin)).toBe(true);
      expect(await channel.position()).toEqual(begin.position);
      expect(await channel.checkpoint()).toEqual(begin);
      expect(await channel.recordsAfter(0, 10)).toEqual([]);
      expect(await channel.identity('credential', 'alice')).toBeUndefined();
      expect(await channel.lastGood(['b'])).toEqual(new Map());
      expect(await channel.publish(change('a', 1))).toEqual({
        kind: 'published',
        position: { ...begin.position, sequence: 1 },
      });
    });

    describe('says of whom is not there', () => {
      const begin = () => ({ position: { epoch: randomUUID(), sequence: 0 }, sealed: 'empty' });
      const isToldOfAll = async () => {
        const told = await channel.isToldOfAll();
        expect((await channel.identities('client', ['c'])).isToldOfAll).toBe(told);
        expect((await channel.identities('client', [])).isToldOfAll).toBe(told);
        return told;
      };

      it('nothing without a log, nor of a log whose environment was not told of all', async () => {
        expect(await isToldOfAll()).toBe(false);
        expect(await channel.noteToldOfAll('none')).toBe(false);
        await channel.publish(change('a', 1));
        expect(await isToldOfAll()).toBe(false);
      });

      it('that he is not known, once it was told of all; also after a restart with a checkpoint, and after more changes', async () => {
        const { position, sealed } = begin();
        await channel.writeCheckpoint(position, sealed);
        expect(await isToldOfAll()).toBe(false);
        expect(await channel.noteToldOfAll(randomUUID())).toBe(false);
        expect(await isToldOfAll()).toBe(false);
        expect(await channel.noteToldOfAll(position.epoch)).toBe(true);
        expect(await isToldOfAll()).toBe(true);
        await channel.publish(change('a', 1));
        expect(await isToldOfAll()).toBe(true);
      });

      it('nothing more once the log begins anew, and again what is noted of the new one', async () => {
        const { epoch } = positionOf(await channel.publish(change('a', 1)));
        await channel.noteToldOfAll(epoch);
        const { position, sealed } = begin();
        await channel.restart(epoch, { position, sealed });
        expect(await isToldOfAll()).toBe(false);
        expect(await channel.noteToldOfAll(epoch)).toBe(false);
        expect(await isToldOfAll()).toBe(false);
        expect(await channel.noteToldOfAll(position.epoch)).toBe(true);
        expect(await isToldOfAll()).toBe(true);
      });
    });

    it('replaces a checkpoint by a later one only', async () => {
      const at = positionOf(await channel.publish(change('a', 1)));
      await channel.publish(change('a', 2));
      expect(await channel.writeCheckpoint({ ...at, sequence: 2 }, 'second')).toBe(true);
      expect(await channel.writeCheckpoint({ ...at, sequence: 2 }, 'again')).toBe(false);
      expect(await channel.writeCheckpoint({ ...at, sequence: 1 }, 'first')).toBe(false);
      expect((await channel.checkpoint())?.sealed).toBe('second');
    });

    it('adds, replaces and removes entries of the key ring', async () => {
      await channel.writeKeyRing(
        new Map([
          ['one', 'wrapped 1'],
          ['two', 'wrapped 2'],
        ]),
      );
      await channel.writeKeyRing(
        new Map<string, string | null>([
          ['one', 'wrapped again'],
          ['two', null],
        ]),
      );
      expect(await channel.keyRingEntry('one')).toBe('wrapped again');
      expect(await channel.keyRingEntry('two')).toBeUndefined();
      expect(await channel.keyRingEntry('three')).toBeUndefined();
    });

    it('knows a lease until it is ended or has been silent for too long', async () => {
      await channel.renewLease('gateway 1', 'state 1');
      await channel.renewLease('gateway 2', 'state 2');
      await channel.renewLease('gateway 1', 'state 3');
      expect(new Map((await channel.leases()).map(({ gatewayId, sealed }) => [gatewayId, sealed]))).toEqual(
        new Map([
          ['gateway 1', 'state 3'],
          ['gateway 2', 'state 2'],
        ]),
      );
      await channel.endLease('gateway 2');
      expect(await channel.leases()).toEqual([{ gatewayId: 'gateway 1', sealed: 'state 3' }]);
      await under.passTime(LEASE_MS + 1_000);
      expect(await channel.leases()).toEqual([]);
      await channel.renewLease('gateway 1', 'state 4');
      expect(await channel.leases()).toEqual([{ gatewayId: 'gateway 1', sealed: 'state 4' }]);
    });

    it('knows when a lease was renewed last', async () => {
      await channel.renewLease('gateway 1', 'state 1');
      const first = (await channel.leaseTimes()).renewedAtMs.get('gateway 1') ?? 0;
      expect(first).toBeGreaterThan(0);
      await under.passTime(1_000);
      await channel.renewLease('gateway 1', 'state 2');
      const times = await channel.leaseTimes();
      expect(times.renewedAtMs.get('gateway 1')).toBeGreaterThanOrEqual(first);
      expect(times.nowMs).toBeGreaterThanOrEqual(times.renewedAtMs.get('gateway 1') ?? Infinity);
      expect(await channel.clockMs()).toBeGreaterThanOrEqual(times.nowMs);
      await channel.endLease('gateway 1');
      expect(await channel.leaseTimes()).toMatchObject({ renewedAtMs: new Map(), isWhole: true });
    });

    it('knows the times of leases that live, and what stands in single ones', async () => {
      await channel.renewLease('gateway 1', 'state 1');
      await under.passTime(LEASE_MS + 1_000);
      await channel.renewLease('gateway 2', 'state 2');
      expect([...(await channel.leaseTimes()).renewedAtMs.keys()]).toEqual(['gateway 2']);
      const asked = ['gateway 2', 'gateway 1', 'gateway 3'];
      const found = (await channel.leasesOf(asked)).map(({ gatewayId, sealed }) => [gatewayId, sealed]);
      expect(Object.fromEntries(found)).toEqual({ 'gateway 1': 'state 1', 'gateway 2': 'state 2' });
      expect(await channel.leasesOf([])).toEqual([]);
    });

    it('drops the leases that still say what was read, and no other', async () => {
      for (const id of ['gateway 1', 'gateway 2', 'gateway 3']) await channel.renewLease(id, 'junk');
      await channel.renewLease('gateway 2', 'renewed');
      const read = ['gateway 1', 'gateway 2', 'gateway 4'].map((gatewayId) => ({ gatewayId, sealed: 'junk' }));
      await channel.dropLeases([...read, { gatewayId: 'gateway 3', sealed: undefined }]);
      const left = (await channel.leasesOf(['gateway 1', 'gateway 2', 'gateway 3'])).map(({ gatewayId }) => gatewayId);
      expect(left.sort()).toEqual(['gateway 2', 'gateway 3']);
      expect([...(await channel.leaseTimes()).renewedAtMs.keys()].sort()).toEqual(left);
    });

    it('overwrites a version of an identity that is known to be a lie, and no other', async () => {
      const identity = { kind: 'credential', subject: 'alice', version: 2, sealed: 'sealed 2' };
      await channel.putIdentity({ ...identity, version: 900, sealed: 'planted' });
      expect(await channel.putIdentity(identity, 800)).toBe(false);
      expect(await channel.putIdentity(identity, 900)).toBe(true);
      expect(await channel.identity('credential', 'alice')).toEqual(identity);
    });

    it('reads many identities of a kind at once, and all of them', async () => {
      const subjects = Array.from({ length: 450 }, (_, index) => `user ${index}`);
      const stored = subjects.map((subject) => ({ kind: 'credential', subject, version: 3, sealed: `of ${subject}` }));
      for (const identity of stored) await channel.putIdentity(identity);
      await channel.putIdentity({ kind: 'client', subject: 'user 1', version: 1, sealed: null });
      expect((await channel.identities('credential', [])).found).toEqual(new Map());
      expect((await channel.identities('client', ['user 1', 'user 2'])).found).toEqual(
        new Map([['user 1', { kind: 'client', subject: 'user 1', version: 1, sealed: null }]]),
      );
      const found = new Map<string, unknown>();
      let cursor = '0';
      do {
        const part = await channel.scanIdentities('credential', cursor);
        for (const identity of part.found) found.set(identity.subject, identity);
        cursor = part.cursor;
      } while (cursor !== '0');
      expect(found).toEqual((await channel.identities('credential', subjects)).found);
      expect(found.size).toBe(450);
    });

    it('keeps the highest version of an identity, a removed one included', async () => {
      const identity = { kind: 'credential', subject: 'alice smith', version: 2, sealed: 'sealed 2' };
      expect(await channel.identity('credential', 'alice smith')).toBeUndefined();
      expect(await channel.putIdentity(identity)).toBe(true);
      expect(await channel.putIdentity({ ...identity, sealed: 'other' })).toBe(false);
      expect(await channel.putIdentity({ ...identity, version: 1 })).toBe(false);
      expect(await channel.identity('credential', 'alice smith')).toEqual(identity);
      expect(await channel.identity('client', 'alice smith')).toBeUndefined();
      const removed = { ...identity, version: 10, sealed: null };
      expect(await channel.putIdentity(removed)).toBe(true);
      expect(await channel.putIdentity({ ...identity, version: 9 })).toBe(false);
      expect(await channel.identity('credential', 'alice smith')).toEqual(removed);
    });

    it.each([
      ['a change', 'artifact', false],
      ['a change with a long artifact', 'x'.repeat(ARTIFACT_IN_HINT_BYTES + 1), true],
      ['a tombstone', null, true],
    ])('says in the hint what %s is, as far as it is short', async (_what, artifact, isLeftOut) => {
      const found: ChangeHint[] = [];
      const hints = new EventEmitter();
      const watch = await channel.watch('changes', (message) => {
        const hint = message === undefined ? undefined : parseChangeHint(message);
        if (hint?.record.deployment === 7) found.push(hint);
        hints.emit('hint');
      });
      // Whatever is hinted first: then the watch stands.
      const stands = once(hints, 'hint');
      await channel.publish(change('first', 1));
      await stands;
      const at = positionOf(await channel.publish({ ...change('a "b" ü', 7), artifact }));
      while (found.length === 0) await once(hints, 'hint');
      await watch.close();
      expect(found[0]).toEqual({
        epoch: at.epoch,
        record: { sequence: at.sequence, proxyId: 'a "b" ü', deployment: 7, sealed: 'record a "b" ü 7' },
        artifact: isLeftOut ? undefined : { deployment: 7, sealed: artifact },
      });
    });

    it.each([
      ['changes', () => channel.publish(change('a', 1))],
      ['leases', () => channel.renewLease('gateway 1', 'state')],
    ] as const)('hints at %s, and no more once the watch is closed', async (topic, act) => {
      const hints = new EventEmitter();
      const watch = await channel.watch(topic, () => hints.emit('hint'));
      const hinted = once(hints, 'hint');
      await act();
      await hinted;
      await watch.close();
      hints.on('hint', () => {
        throw new Error('a hint after the watch was closed');
      });
      await act();
      expect(await channel.position()).toEqual(topic === 'changes' ? expect.anything() : undefined);
    });
  });
}
