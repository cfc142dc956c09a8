import { AppendInvalid, SessionEnded, SnapshotMisplaced, StreamVersionConflict } from '../event-store-errors.ts';
import {
  type AppendContext,
  type DomainEvent,
  type EventSession,
  type EventStore,
  type StreamAppend,
} from '../event-store.port.ts';
import { comparePositions, START } from '../global-position.ts';
import { type Upcasters } from '../upcasting.ts';
import { readUntil } from './read-until.ts';

/** Gives a store with an empty log. */
export type EventStoreFactory<Transaction> = (options?: {
  readonly upcasters?: Upcasters;
}) => Promise<EventStore<Transaction>>;

const context: AppendContext = {
  recordedAt: '2026-01-02T03:04:05.678Z',
  metadata: { actor: 'ada', requestId: 'request-1', reason: 'because', idempotencyKey: 'key-1' },
};

const counted = (count: unknown): DomainEvent => ({ type: 'Counted', schemaVersion: 1, data: { count } });

const one = (streamId: string, expectedVersion: StreamAppend['expectedVersion'], count: unknown): StreamAppend => ({
  streamId,
  expectedVersion,
  events: [counted(count)],
});

/** What every adapter of {@link EventStore} promises. */
export function describeEventStore<Transaction>(name: string, factory: EventStoreFactory<Transaction>): void {
  describe(name, () => {
    let store: EventStore<Transaction>;
    const append = (appended: StreamAppend) => store.transact((session) => session.append(appended, context));
    const counts = async (streamId: string) =>
      (await store.readStream(streamId)).map((event) => (event.data as { count: unknown }).count);

    beforeEach(async () => {
      store = await factory();
    });

    it('gives back what was appended, with its metadata, in version order', async () => {
      const events = [counted(1), { type: 'Named', schemaVersion: 3, data: { names: ['ä', '\\u0000', '"', null] } }];
      const { value } = await append({ streamId: 'a', expectedVersion: 0, events });

      const read = await store.readStream('a');
      expect(read).toEqual(value);
      expect(read).toMatchObject([
        { streamId: 'a', streamVersion: 1, type: 'Counted', schemaVersion: 1, data: { count: 1 } },
        { streamId: 'a', streamVersion: 2, type: 'Named', schemaVersion: 3, data: events[1]?.data },
      ]);
      for (const event of read) {
        expect(event.metadata).toEqual(context.metadata);
        expect(event.recordedAt).toBe(context.recordedAt);
        expect(event.eventId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      }
      expect(read[0]?.eventId).not.toBe(read[1]?.eventId);
    });

    it('keeps instants to the millisecond in UTC, however they were written', async () => {
      await store.transact((session) =>
        session.append(one('a', 0, 1), { ...context, recordedAt: '2026-01-02T05:04:05.67899+02:00' }),
      );
      expect((await store.readStream('a'))[0]?.recordedAt).toBe('2026-01-02T03:04:05.678Z');
    });

    it('reads a part of a stream, both ends included', async () => {
      await append({ streamId: 'a', expectedVersion: 0, events: [1, 2, 3, 4, 5].map(counted) });
      const versions = async (range: { fromVersion?: number; toVersion?: number }) =>
        (await store.readStream('a', range)).map((event) => event.streamVersion);
      expect(await versions({ fromVersion: 2, toVersion: 4 })).toEqual([2, 3, 4]);
      expect(await versions({ fromVersion: 4 })).toEqual([4, 5]);
      expect(await versions({ toVersion: 1 })).toEqual([1]);
      expect(await versions({ fromVersion: 6 })).toEqual([]);
    });

    it('reads nothing from a stream that does not exist', async () => {
      expect(await store.readStream('nobody')).toEqual([]);
    });

    it.each([
      { exists: 0, expectedVersion: 1 },
      { exists: 1, expectedVersion: 0 },
      { exists: 2, expectedVersion: 1 },
      { exists: 2, expectedVersion: 3 },
    ])('refuses version $expectedVersion of a stream at version $exists and says where it is', async (given) => {
      if (given.exists > 0) {
        await append({
          streamId: 'a',
          expectedVersion: 0,
          events: Array.from({ length: given.exists }, () => counted(0)),
        });
      }
      const refused = append(one('a', given.expectedVersion, 9));
      await expect(refused).rejects.toBeInstanceOf(StreamVersionConflict);
      await expect(refused).rejects.toMatchObject({
        code: 'STREAM_VERSION_CONFLICT',
        streamId: 'a',
        expectedVersion: given.expectedVersion,
        actualVersion: given.exists,
      });
      expect(await store.readStream('a')).toHaveLength(given.exists);
    });

    it("appends after whatever is there when any version will do, also to a stream that isn't", async () => {
      await append(one('a', 'any', 1));
      await append(one('a', 1, 2));
      await append({ streamId: 'a', expectedVersion: 'any', events: [counted(3), counted(4)] });
      expect(await counts('a')).toEqual([1, 2, 3, 4]);
      expect((await store.readStream('a')).map((event) => event.streamVersion)).toEqual([1, 2, 3, 4]);
    });

    it('lets exactly one of many writers have a version', async () => {
      const attempts = await Promise.allSettled(Array.from({ length: 8 }, (_, writer) => append(one('a', 0, writer))));
      expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const attempt of attempts) {
        if (attempt.status === 'rejected') expect(attempt.reason).toBeInstanceOf(StreamVersionConflict);
      }
      expect(await store.readStream('a')).toHaveLength(1);
    });

    it('gives writers of any version their places one after the other, without a gap', async () => {
      await Promise.all(Array.from({ length: 8 }, (_, writer) => append(one('a', 'any', writer))));
      expect((await store.readStream('a')).map((event) => event.streamVersion)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect([...(await counts('a'))].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    });

    it('writes several streams in one transaction, and reads them back inside it', async () => {
      const { position } = await store.transact(async (session) => {
        await session.append(one('a', 0, 1), context);
        await session.append(one('b', 0, 2), context);
        await session.append(one('a', 1, 3), context);
        expect(await session.readStream('a')).toHaveLength(2);
        expect(await store.readStream('a')).toEqual([]);
      });
      expect(await counts('a')).toEqual([1, 3]);
      expect(await counts('b')).toEqual([2]);
      expect(position).toEqual((await store.readStream('a')).at(-1)?.position);
    });

    it('keeps nothing of a transaction whose work throws, and passes on what it threw', async () => {
      const thrown = new Error('changed my mind');
      const work = store.transact(async (session) => {
        await session.append(one('a', 0, 1), context);
        await session.append(one('b', 0, 1), context);
        throw thrown;
      });
      await expect(work).rejects.toBe(thrown);
      expect(await store.readAll(START, 10)).toEqual([]);
      await append(one('a', 0, 2));
      expect(await counts('a')).toEqual([2]);
    });

    it('keeps nothing of a transaction one of whose appends conflicts', async () => {
      await append(one('b', 0, 1));
      const work = store.transact(async (session) => {
        await session.append(one('a', 0, 2), context);
        await session.append(one('b', 0, 2), context);
      });
      await expect(work).rejects.toBeInstanceOf(StreamVersionConflict);
      expect(await store.readStream('a')).toEqual([]);
    });

    it('goes on with a session whose conflict was caught', async () => {
      await append(one('a', 0, 1));
      await store.transact(async (session) => {
        await session.append(one('a', 0, 2), context).catch(() => undefined);
        await session.append(one('b', 0, 2), context);
      });
      expect(await counts('a')).toEqual([1]);
      expect(await counts('b')).toEqual([2]);
    });

    it('answers with the value of the work, and no position when nothing was appended', async () => {
      expect(await store.transact(async () => 'done')).toEqual({ value: 'done', position: undefined });
      const nothing = await append({ streamId: 'a', expectedVersion: 5, events: [] });
      expect(nothing).toEqual({ value: [], position: undefined });
    });

    it('reads all streams in one order, page by page, each event once', async () => {
      for (let round = 0; round < 3; round += 1) {
        await append({ streamId: 'a', expectedVersion: 'any', events: [counted(`a${round}`), counted(`A${round}`)] });
        await append(one('b', 'any', `b${round}`));
      }
      const all = await readUntil(
        () => store.readAll(START, 100),
        (events) => events.length >= 9,
      );
      expect(all.map((event) => (event.data as { count: string }).count)).toEqual([
        'a0',
        'A0',
        'b0',
        'a1',
        'A1',
        'b1',
        'a2',
        'A2',
        'b2',
      ]);
      for (const [index, event] of all.entries()) {
        expect(comparePositions(event.position, index === 0 ? START : (all[index - 1]?.position ?? START))).toBe(1);
      }
      const paged = [];
      for (let after = START; ;) {
        const page = await store.readAll(after, 2);
        if (page.length === 0) break;
        paged.push(...page);
        after = page.at(-1)?.position ?? after;
      }
      expect(paged).toEqual(all);
    });

    it.each<[string, StreamAppend, AppendContext]>([
      ['streamId', one('', 'any', 1), context],
      ['streamId', one('a\u0000', 'any', 1), context],
      ['expectedVersion', one('a', -1, 1), context],
      ['expectedVersion', one('a', 0.5, 1), context],
      ['recordedAt', one('a', 0, 1), { ...context, recordedAt: 'yesterday' }],
      ['metadata', one('a', 0, 1), { ...context, metadata: { actor: '\u0000', requestId: '' } }],
      ['events[0].data', one('a', 0, 'zero \u0000 byte'), context],
      ['events[0].data', one('a', 0, 'half a pair \ud83d'), context],
      ['events[0].data', one('a', 0, 1n), context],
      ['events[0].data', { ...one('a', 0, 1), events: [{ type: 'T', schemaVersion: 1, data: undefined }] }, context],
      ['events[0].type', { ...one('a', 0, 1), events: [{ type: '', schemaVersion: 1, data: {} }] }, context],
      ['events[0].schemaVersion', { ...one('a', 0, 1), events: [{ type: 'T', schemaVersion: 0, data: {} }] }, context],
    ])('refuses an append whose %s the log could not give back', async (field, appended, appendContext) => {
      const refused = store.transact((session) => session.append(appended, appendContext));
      await expect(refused).rejects.toBeInstanceOf(AppendInvalid);
      await expect(refused).rejects.toMatchObject({ code: 'APPEND_INVALID', field });
      expect(await store.readAll(START, 10)).toEqual([]);
    });

    it('loads a stream from its newest snapshot of the shape on, and from its beginning without one', async () => {
      await append({ streamId: 'a', expectedVersion: 0, events: [1, 2, 3, 4].map(counted) });
      await store.transact(async (session) => {
        const { events } = await session.loadStream('a', 'sum@1');
        expect(events).toEqual(await session.readStream('a'));
        await session.saveSnapshot('a', 'sum@1', { version: 4, state: { sum: 10 } });
        await session.append(one('a', 4, 5), context);
        expect(await session.loadStream('a', 'sum@1')).toMatchObject({
          snapshot: { version: 4, state: { sum: 10 } },
          events: [{ streamVersion: 5 }],
        });
      });
      const loaded = await store.loadStream('a', 'sum@1');
      expect(loaded.snapshot).toEqual({ version: 4, state: { sum: 10 } });
      expect(loaded.events).toEqual(await store.readStream('a', { fromVersion: 5 }));
      const whole = { snapshot: undefined, events: await store.readStream('a') };
      expect(await store.loadStream('a', 'sum@2')).toEqual(whole);
      expect(await store.loadStream('nobody', 'sum@1')).toEqual({ snapshot: undefined, events: [] });
    });

    it('loads a stream up to a version from the newest snapshot that is not later', async () => {
      await append({ streamId: 'a', expectedVersion: 0, events: [1, 2, 3, 4, 5].map(counted) });
      await store.transact(async (session) => {
        await session.loadStream('a', 'sum@1');
        // In any order, and of versions in the middle: whoever folds a long stream keeps what it came by.
        await session.saveSnapshot('a', 'sum@1', { version: 4, state: 10 });
        await session.saveSnapshot('a', 'sum@1', { version: 2, state: 3 });
      });
      const load = async (toVersion: number) => {
        const { snapshot, events } = await store.loadStream('a', 'sum@1', toVersion);
        return { snapshot: snapshot?.version, events: events.map(({ streamVersion }) => streamVersion) };
      };
      expect(await load(0)).toEqual({ snapshot: undefined, events: [] });
      expect(await load(1)).toEqual({ snapshot: undefined, events: [1] });
      expect(await load(2)).toEqual({ snapshot: 2, events: [] });
      expect(await load(3)).toEqual({ snapshot: 2, events: [3] });
      expect(await load(4)).toEqual({ snapshot: 4, events: [] });
      expect(await load(1e15)).toEqual({ snapshot: 4, events: [5] });
    });

    it('gives a snapshot of a version its newest state, and nobody a way to change it', async () => {
      await append({ streamId: 'a', expectedVersion: 0, events: [counted(1)] });
      const state = { text: 'ä \ud83d\ude00 "', list: [1.5, null, 1e21, { b: 1, a: 2 }] };
      for (const kept of ['first', state]) {
        await store.transact(async (session) => {
          await session.loadStream('a', 'sum@1');
          await session.saveSnapshot('a', 'sum@1', { version: 1, state: kept });
        });
      }
      const { snapshot } = await store.loadStream('a', 'sum@1');
      expect(snapshot).toEqual({ version: 1, state });
      (snapshot?.state as { text: string }).text = 'changed';
      expect((await store.loadStream('a', 'sum@1')).snapshot?.state).toEqual(state);
    });

    it.each([0, 2])('refuses a snapshot at version %i of a stream that was seen at version 1', async (version) => {
      await append(one('a', 0, 1));
      const refused = store.transact(async (session) => {
        await session.loadStream('a', 'sum@1');
        await session.saveSnapshot('a', 'sum@1', { version, state: {} });
      });
      await expect(refused).rejects.toBeInstanceOf(SnapshotMisplaced);
      await expect(refused).rejects.toMatchObject({ code: 'SNAPSHOT_MISPLACED', streamId: 'a', version });
    });

    it('keeps no snapshot of a transaction that comes to nothing', async () => {
      await append(one('a', 0, 1));
      const work = store.transact(async (session) => {
        await session.loadStream('a', 'sum@1');
        await session.saveSnapshot('a', 'sum@1', { version: 1, state: {} });
        throw new Error('changed my mind');
      });
      await expect(work).rejects.toThrow('changed my mind');
      expect((await store.loadStream('a', 'sum@1')).snapshot).toBeUndefined();
    });

    it('lets two changes save the same snapshot', async () => {
      await append(one('a', 0, 1));
      const save = (state: string) =>
        store.transact(async (session) => {
          await session.loadStream('a', 'sum@1');
          await session.saveSnapshot('a', 'sum@1', { version: 1, state });
        });
      await Promise.all(['same', 'same', 'same', 'same'].map(save));
      expect((await store.loadStream('a', 'sum@1')).snapshot).toEqual({ version: 1, state: 'same' });
    });

    it('says where a stream was at a moment: at the last event recorded by then, whatever came between', async () => {
      const seconds = [1, 2, 5, 4, 9];
      for (const [index, second] of seconds.entries()) {
        const recordedAt = `2026-01-01T00:00:0${second}.000Z`;
        await store.transact((session) => session.append(one('a', index, second), { ...context, recordedAt }));
      }
      const at = (moment: string) => store.versionAt('a', moment);
      expect(await at('2026-01-01T00:00:00.999Z')).toBe(0);
      expect(await at('2026-01-01T00:00:01.000Z')).toBe(1);
      expect(await at('2026-01-01T02:00:03.000+02:00')).toBe(2);
      expect(await at('2026-01-01T00:00:04.000Z')).toBe(4);
      expect(await at('2026-01-01T00:00:08.999Z')).toBe(4);
      expect(await at('2026-01-01T00:00:09.000Z')).toBe(5);
      expect(await at('+010000-01-01T09:59:59.000Z')).toBe(5);
      expect(await at('-000001-12-31T23:00:00.000Z')).toBe(0);
      expect(await store.versionAt('nobody', '2027-01-01T00:00:00.000Z')).toBe(0);
      const { value } = await store.transact((session) => session.versionAt('a', '2026-01-01T00:00:02.500Z'));
      expect(value).toBe(2);
    });

    it('says it of every moment of a long stream, also where a clock went half a minute slower', async () => {
      const seconds = Array.from({ length: 60 }, (_, index) => index * 20 - (index % 7 === 3 ? 30 : 0));
      const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1_000).toISOString();
      for (const [index, second] of seconds.entries()) {
        await store.transact((session) =>
          session.append(one('a', index, second), { ...context, recordedAt: at(second) }),
        );
      }
      for (let moment = -40; moment < 1_240; moment += 10) {
        const expected = seconds.findLastIndex((second) => second <= moment) + 1;
        expect({ moment, version: await store.versionAt('a', at(moment)) }).toEqual({ moment, version: expected });
      }
    });

    it('is not changed by what its callers do to the events they hold', async () => {
      const data = { count: 1 };
      const { value } = await append({ streamId: 'a', expectedVersion: 0, events: [{ ...counted(1), data }] });
      data.count = 2;
      (value[0]?.data as { count: number }).count = 3;
      ((await store.readStream('a'))[0]?.data as { count: number }).count = 4;
      expect(await counts('a')).toEqual([1]);
    });

    it('refuses a session after its end', async () => {
      let leaked: EventSession<Transaction> | undefined;
      await store.transact(async (session) => {
        leaked = session;
      });
      await expect(leaked?.append(one('a', 0, 1), context)).rejects.toBeInstanceOf(SessionEnded);
      await expect(leaked?.readStream('a')).rejects.toBeInstanceOf(SessionEnded);
    });

    it('brings events of old shapes up step by step wherever they are read, and leaves the log alone', async () => {
      // As it was written when version 1 was current. Never to be edited.
      const frozen: DomainEvent = { type: 'ProxyNamed', schemaVersion: 1, data: { name: 'orders' } };
      await append({ streamId: 'a', expectedVersion: 0, events: [frozen] });
      const before = await store.readStream('a');
      expect(before).toMatchObject([frozen]);

      const upcasters: Upcasters = new Map([
        [
          'ProxyNamed@1',
          (event) => ({ ...event, schemaVersion: 2, data: { ...(event.data as object), path: '/orders' } }),
        ],
        ['ProxyNamed@2', (event) => ({ ...event, type: 'ProxyRenamed', schemaVersion: 1 })],
      ]);
      store = await factory({ upcasters });
      await append({ streamId: 'a', expectedVersion: 0, events: [frozen] });
      const upcasted = {
        type: 'ProxyRenamed',
        schemaVersion: 1,
        streamVersion: 1,
        data: { name: 'orders', path: '/orders' },
      };
      expect(await store.readStream('a')).toMatchObject([upcasted]);
      const read = await readUntil(
        () => store.readAll(START, 1),
        (events) => events.length === 1,
      );
      expect(read).toMatchObject([upcasted]);
      const { value } = await store.transact((session) => session.readStream('a'));
      expect(value).toMatchObject([upcasted]);
    });
  });
}
