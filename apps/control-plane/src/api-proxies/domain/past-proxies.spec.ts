import fc from 'fast-check';
import { type DomainEvent, InMemoryEventStore, type StreamReader } from '#libs/event-store';
import { loadAndKeepState } from '../../decider/stream-states.ts';
import type { ApiProxyEvent } from './api-proxy.events.ts';
import { apiProxyDecider, apiProxyStream, stepsOf, type ApiProxyState } from './index.ts';
import { isRevision, proxyAtRevision, proxyAtTime, proxySteps, revisionSteps } from './past-proxies.ts';
import { histories, recorded } from '../testing/random-history.ts';
import { endpointAdded, policyAdded, proxyCreated } from '../testing/sample-proxy.ts';
import { stateAtRevision } from '../testing/state-at-revision.ts';

const STREAM = apiProxyStream('p-1');
const ABSENT: ApiProxyState = { status: 'absent' };
const keysChanged: ApiProxyEvent = {
  type: 'KeysChanged',
  schemaVersion: 1,
  data: { proxyId: 'p-1', keys: { publicKey: 'new', secretKey: { secretId: 's', fingerprint: 'f' } } },
};
const deleted: ApiProxyEvent = { type: 'ProxyDeleted', schemaVersion: 1, data: { proxyId: 'p-1' } };

interface TimedEvent extends DomainEvent {
  readonly recordedAt: string;
}

/** Event by event, each of them a change that loads the proxy first and so keeps a snapshot at every `interval`. */
async function storeOf(events: readonly TimedEvent[], interval: number): Promise<InMemoryEventStore> {
  const store = new InMemoryEventStore();
  for (const { recordedAt, type, schemaVersion, data } of events) {
    await store.transact(async (session) => {
      const { version } = await loadAndKeepState(session, apiProxyDecider, STREAM, interval);
      const append = { streamId: STREAM, expectedVersion: version, events: [{ type, schemaVersion, data }] };
      await session.append(append, { recordedAt, metadata: { actor: 'tester', requestId: 'r' } });
    });
  }
  return store;
}

const comparable = (steps: readonly { event: ApiProxyEvent; before: ApiProxyState; after: ApiProxyState }[]) =>
  steps.map(({ event: { type, data }, before, after }) => ({ type, data, before, after }));

describe('a proxy read from its newest snapshot before', () => {
  it('is at every revision, moment and step what all of its events say (random histories and intervals)', async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.integer({ min: 1, max: 7 }), fc.boolean(), async (made, interval, isDeleted) => {
        const events = isDeleted ? [...made, recorded(deleted, made.length)] : made;
        const store = await storeOf(events, interval);
        const steps = stepsOf(events);
        for (let revision = -1; revision <= events.length + 1; revision += 1) {
          const found = await proxyAtRevision(store, 'p-1', revision);
          expect(found).toEqual(stateAtRevision(events, revision));
        }
        for (const {
          recorded: { recordedAt },
          after,
        } of steps) {
          expect(await proxyAtTime(store, 'p-1', recordedAt)).toEqual(after);
        }
        for (const after of [0, 1, interval, events.length]) {
          const page = { after, limit: interval + 1 };
          const ofPage = steps.slice(after, after + interval + 1);
          expect(comparable(await proxySteps(store, 'p-1', page))).toEqual(comparable(ofPage));
          const revisions = steps.filter(isRevision).slice(after, after + interval + 1);
          expect(comparable(await revisionSteps(store, 'p-1', page))).toEqual(comparable(revisions));
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** Counts what is read. */
function counting(reader: StreamReader): StreamReader & { events: number } {
  const counted = {
    events: 0,
    readStream: async (...given: Parameters<StreamReader['readStream']>) => {
      const events = await reader.readStream(...given);
      counted.events += events.length;
      return events;
    },
    loadStream: async (...given: Parameters<StreamReader['loadStream']>) => {
      const loaded = await reader.loadStream(...given);
      counted.events += loaded.events.length;
      return loaded;
    },
    versionAt: (...given: Parameters<StreamReader['versionAt']>) => reader.versionAt(...given),
  };
  return counted;
}

describe('a long history', () => {
  // Nine hundred revisions and, in the middle, a hundred changes of keys that are none.
  const policies = Array.from({ length: 449 }, (_, at) => [policyAdded(`p${at}`, 1), policyDeleted(`p${at}`)]).flat();
  const keys = Array.from({ length: 100 }, () => keysChanged);
  const events = [proxyCreated, ...policies.slice(0, 450), ...keys, ...policies.slice(450), endpointAdded('/end')];
  let store: InMemoryEventStore;
  beforeAll(async () => {
    store = await storeOf(events.map(recorded), 100);
  });

  it.each([1, 99, 100, 101, 450, 451, 452, 899, 900])('costs some hundred events for revision %i', async (revision) => {
    const reader = counting(store);
    const state = await proxyAtRevision(reader, 'p-1', revision);
    expect(state).toEqual(stateAtRevision(events, revision));
    expect(reader.events).toBeLessThanOrEqual(500);
  });

  it.each([0, 1, 500, 999])('costs no more than a page and an interval for the steps after %i', async (after) => {
    const reader = counting(store);
    expect(await proxySteps(reader, 'p-1', { after, limit: 10 })).toHaveLength(Math.min(10, 1000 - after));
    expect(reader.events).toBeLessThanOrEqual(110);
  });

  it('costs no more than an interval for a moment', async () => {
    const reader = counting(store);
    const at = recorded(events[777]!, 777).recordedAt;
    expect(await proxyAtTime(reader, 'p-1', at)).toMatchObject({ revision: 678 });
    expect(reader.events).toBeLessThanOrEqual(100);
  });
});

function policyDeleted(name: string): ApiProxyEvent {
  const place = { scope: 'ALL', pipeline: 'REQUEST' } as const;
  return { type: 'PolicyDeleted', schemaVersion: 1, data: { proxyId: 'p-1', name, place } };
}

describe('a proxy at a revision', () => {
  /** Revisions: 1 created, 2 policy a, then other keys, 3 endpoint, 4 policy b. */
  const history = [proxyCreated, policyAdded('a', 1), keysChanged, endpointAdded('/users'), policyAdded('b', 1)];
  const at = async (revision: number, events: readonly ApiProxyEvent[] = history) =>
    proxyAtRevision(await storeOf(events.map(recorded), 2), 'p-1', revision);

  it('has what it had then, and nothing that came later', async () => {
    expect(await at(1)).toMatchObject({ revision: 1, policies: [], endpoints: [] });
    expect(await at(2)).toMatchObject({ revision: 2, policies: [{ name: 'a' }], endpoints: [] });
    expect(await at(3)).toMatchObject({ revision: 3, policies: [{ name: 'a' }], endpoints: [{ name: '/users' }] });
    expect(await at(4)).toMatchObject({ revision: 4, policies: [{ name: 'b' }, { name: 'a' }] });
  });

  it('has the last keys it had at that revision, since other keys are not another revision', async () => {
    expect(await at(2)).toMatchObject({ keys: { publicKey: 'new' } });
    expect(await at(1)).toMatchObject({ keys: { publicKey: 'public' } });
  });

  it.each([0, -1, 5, 1.5, Number.NaN, 1e15, 2 ** 31])('is absent when it never had it (%d)', async (revision) => {
    expect(await at(revision)).toEqual(ABSENT);
  });

  it('is there although the proxy was deleted later', async () => {
    expect(await at(4, [...history, deleted])).toMatchObject({ status: 'active', revision: 4 });
    expect(await at(5, [...history, deleted])).toEqual(ABSENT);
  });
});

describe('a proxy at a moment', () => {
  const EVENTS = [proxyCreated, policyAdded('a', 1), endpointAdded('/users')].map(recorded);
  const at = async (moment: string, events: readonly TimedEvent[] = EVENTS) =>
    proxyAtTime(await storeOf(events, 2), 'p-1', moment);

  it('is what the last event by then left', async () => {
    expect(await at('2026-01-01T00:00:00.000Z')).toMatchObject({ revision: 1 });
    expect(await at('2026-01-01T00:00:01.999Z')).toMatchObject({ revision: 2 });
    expect(await at('2027-01-01T00:00:00.000Z')).toMatchObject({ revision: 3 });
  });

  it('is the newest at a moment whose year takes five digits in UTC', async () => {
    expect(await at(new Date('9999-12-31T23:59:59-10:00').toISOString())).toMatchObject({ revision: 3 });
  });

  it('is absent before its creation, and after its deletion', async () => {
    expect(await at('2025-12-31T23:59:59.999Z')).toEqual(ABSENT);
    expect(await at('2026-01-01T00:00:03.000Z', [...EVENTS, recorded(deleted, 3)])).toEqual(ABSENT);
  });

  it('has what its newest event was decided upon, though the clock that recorded that one went slower', async () => {
    const late = { ...recorded(endpointAdded('/users'), 2), recordedAt: '2026-01-01T00:00:00.500Z' };
    expect(await at('2026-01-01T00:00:00.500Z', [...EVENTS.slice(0, 2), late])).toMatchObject({
      ...{ revision: 3, policies: [{ name: 'a' }], endpoints: [{ name: '/users' }] },
    });
  });
});
