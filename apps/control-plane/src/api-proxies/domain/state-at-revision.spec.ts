import { endpointAdded, policyAdded, proxyCreated } from '../testing/sample-proxy.ts';
import type { ApiProxyEvent } from './api-proxy.events.ts';
import { stateAtRevision } from './state-at-revision.ts';

const keysChanged: ApiProxyEvent = {
  type: 'KeysChanged',
  schemaVersion: 1,
  data: { proxyId: 'p-1', keys: { publicKey: 'new', secretKey: { secretId: 's', fingerprint: 'f' } } },
};
const deleted: ApiProxyEvent = { type: 'ProxyDeleted', schemaVersion: 1, data: { proxyId: 'p-1' } };

/** Revisions: 1 created, 2 policy a, then other keys, 3 endpoint, 4 policy b. */
const HISTORY = [proxyCreated, policyAdded('a', 1), keysChanged, endpointAdded('/users'), policyAdded('b', 1)];

const at = (revision: number, events = HISTORY) => stateAtRevision(events, revision);

describe('a proxy at a revision', () => {
  it('has what it had then, and nothing that came later', () => {
    expect(at(1)).toMatchObject({ revision: 1, policies: [], endpoints: [] });
    expect(at(2)).toMatchObject({ revision: 2, policies: [{ name: 'a' }], endpoints: [] });
    expect(at(3)).toMatchObject({ revision: 3, policies: [{ name: 'a' }], endpoints: [{ name: '/users' }] });
    expect(at(4)).toMatchObject({ revision: 4, policies: [{ name: 'b' }, { name: 'a' }] });
  });

  it('has the last keys it had at that revision, since other keys are not another revision', () => {
    expect(at(2)).toMatchObject({ keys: { publicKey: 'new' } });
    expect(at(1)).toMatchObject({ keys: { publicKey: 'public' } });
  });

  it.each([0, -1, 5, 1.5, Number.NaN])('is absent when it never had it (%d)', (revision) => {
    expect(at(revision)).toEqual({ status: 'absent' });
  });

  it('is there although the proxy was deleted later', () => {
    expect(at(4, [...HISTORY, deleted])).toMatchObject({ status: 'active', revision: 4 });
    expect(at(5, [...HISTORY, deleted])).toEqual({ status: 'absent' });
  });

  it('is the same whatever was recorded after it', () => {
    for (let revision = 1; revision <= 3; revision += 1) {
      const upTo = HISTORY.findIndex((_, index) => {
        const next = at(revision + 1, HISTORY.slice(0, index + 1));
        return next.status === 'active';
      });
      expect(at(revision, HISTORY.slice(0, upTo))).toEqual(at(revision));
    }
  });
});
