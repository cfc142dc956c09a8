import fc from 'fast-check';
import { compileProxy } from '../../deployments/compile/compile-proxy.ts';
import { fold } from '../../decider/decider.ts';
import { histories, recorded } from '../testing/random-history.ts';
import { endpointAdded, policyAdded, proxyCreated } from '../testing/sample-proxy.ts';
import { apiProxyDecider } from './api-proxy.decider.ts';
import { contentOf, requireApiProxy, type ActiveApiProxy } from './api-proxy.state.ts';
import { stateAtTime, stepsOf } from './proxy-history.ts';
import { stateAtRevision } from './state-at-revision.ts';

const compiled = (proxy: ActiveApiProxy) => {
  const environment = { name: 'e', tokenIssuer: 'https://e', expiresInUnit: 'SECONDS' } as const;
  return compileProxy(proxy, { environment, variables: {}, signingKeys: {} });
};

describe('the history of a proxy', () => {
  it('gives every revision again as it was when it was the newest, whatever came later (promise 3)', () => {
    fc.assert(
      fc.property(histories, (events) => {
        for (let length = 1; length <= events.length; length += 1) {
          const then = requireApiProxy(fold(apiProxyDecider, events.slice(0, length)));
          const now = requireApiProxy(stateAtRevision(events, then.revision));
          expect(contentOf(now)).toEqual(contentOf(then));
          expect(compiled(now)).toEqual(compiled(then));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('comes back to any revision with a rollback: the same content in the same order, and a revision more', () => {
    fc.assert(
      fc.property(histories, fc.nat(), (events, choice) => {
        const now = requireApiProxy(fold(apiProxyDecider, events));
        const toRevision = (choice % now.revision) + 1;
        const content = contentOf(requireApiProxy(stateAtRevision(events, toRevision)));
        const decided = apiProxyDecider.decide({ type: 'RollBack', toRevision, content }, now);
        const after = requireApiProxy(fold(apiProxyDecider, [...events, ...decided]));
        expect(contentOf(after)).toEqual(content);
        expect(after).toMatchObject({ revision: now.revision + 1, keys: now.keys });
        expect(compiled({ ...after, revision: toRevision })).toEqual(
          compiled(requireApiProxy(stateAtRevision(events, toRevision))),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('has each step between the states before and after it', () => {
    const steps = stepsOf([proxyCreated, policyAdded('a', 1)].map(recorded));
    expect(steps).toMatchObject([
      { event: { type: 'ProxyCreated' }, before: { status: 'absent' }, after: { revision: 1, policies: [] } },
      { event: { type: 'PolicyAdded' }, before: { revision: 1 }, after: { revision: 2, policies: [{ name: 'a' }] } },
    ]);
  });
});

describe('a proxy at a moment', () => {
  const EVENTS = [proxyCreated, policyAdded('a', 1), endpointAdded('/users')].map(recorded);

  it('is what the last event by then left', () => {
    expect(stateAtTime(EVENTS, '2026-01-01T00:00:00.000Z')).toMatchObject({ revision: 1 });
    expect(stateAtTime(EVENTS, '2026-01-01T00:00:01.999Z')).toMatchObject({ revision: 2 });
    expect(stateAtTime(EVENTS, '2027-01-01T00:00:00.000Z')).toMatchObject({ revision: 3 });
  });

  it('is the newest at a moment whose year takes five digits in UTC', () => {
    expect(stateAtTime(EVENTS, new Date('9999-12-31T23:59:59-10:00').toISOString())).toMatchObject({ revision: 3 });
  });

  it('is absent before its creation, and after its deletion', () => {
    expect(stateAtTime(EVENTS, '2025-12-31T23:59:59.999Z')).toEqual({ status: 'absent' });
    const deleted = { type: 'ProxyDeleted', schemaVersion: 1, data: { proxyId: 'p-1' } } as const;
    expect(stateAtTime([...EVENTS, recorded(deleted, 3)], '2026-01-01T00:00:03.000Z')).toEqual({ status: 'absent' });
  });

  it('has what its newest event was decided upon, though the clock that recorded that one went slower', () => {
    const late = { ...recorded(endpointAdded('/users'), 2), recordedAt: '2026-01-01T00:00:00.500Z' };
    expect(stateAtTime([...EVENTS.slice(0, 2), late], '2026-01-01T00:00:00.500Z')).toMatchObject({
      ...{ revision: 3, policies: [{ name: 'a' }], endpoints: [{ name: '/users' }] },
    });
  });
});
