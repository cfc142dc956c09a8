import fc from 'fast-check';
import { compileProxy } from '../../deployments/compile/compile-proxy.ts';
import { fold } from '../../decider/decider.ts';
import { histories, recorded } from '../testing/random-history.ts';
import { policyAdded, proxyCreated } from '../testing/sample-proxy.ts';
import { stateAtRevision } from '../testing/state-at-revision.ts';
import { apiProxyDecider } from './api-proxy.decider.ts';
import { contentOf, requireApiProxy, type ActiveApiProxy } from './api-proxy.state.ts';
import { stepsOf } from './proxy-history.ts';

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
