import fc from 'fast-check';
import { type ApiProxyEvent, isRevision } from '../domain/index.ts';
import { contentOf, requireApiProxy, stepsOf } from '../domain/index.ts';
import { histories, recorded } from '../testing/random-history.ts';
import { endpointAdded, policyAdded, proxyCreated } from '../testing/sample-proxy.ts';
import { stateAtRevision } from '../testing/state-at-revision.ts';
import { contentView, proxyEventView, proxyEventViews } from './proxy-event-view.ts';

const AT_USERS = { scope: 'ENDPOINT', pipeline: 'REQUEST', endpoint: '/users', httpMethod: 'GET' } as const;
const HISTORY: ApiProxyEvent[] = [proxyCreated, endpointAdded('/users'), policyAdded('u', 1, AT_USERS)];
const endpointDeleted: ApiProxyEvent = {
  type: 'EndpointDeleted',
  schemaVersion: 1,
  data: { proxyId: 'p-1', name: '/users', httpMethod: 'GET', policyNames: ['u'] },
};
const lastOf = (events: readonly ApiProxyEvent[]) => stepsOf(events.map(recorded)).map(proxyEventView).at(-1);

describe('an event of a proxy', () => {
  it('has its place, its revision and who did it when, through which request', () => {
    expect(lastOf(HISTORY)).toMatchObject({
      ...{ sequence: 3, type: 'PolicyAdded', revision: 3, actor: 'tester', requestId: 'r-2', reason: null },
      at: '2026-01-01T00:00:02.000Z',
    });
  });

  it('that deletes an endpoint names the policies that it takes along, in its changes too', () => {
    expect(lastOf([...HISTORY, endpointDeleted])).toMatchObject({
      data: {
        ...{ endpoint: { name: '/users', httpMethod: 'GET' }, policyNames: ['u'] },
        changes: [
          { path: 'endpointList[GET /users]', to: null, meaning: 'endpoint GET /users removed' },
          { path: 'policyList[u]', to: null, meaning: 'policy u removed, was at GET /users REQUEST, order 1' },
        ],
      },
    });
  });

  it('that changes an endpoint shows it as it is after it', () => {
    const { endpoint } = endpointAdded('/users').data as { endpoint: object };
    const data = { proxyId: 'p-1', endpoint: { ...endpoint, backendResourceUrl: '/v2' } };
    const updated = { type: 'EndpointUpdated', schemaVersion: 1, data } as ApiProxyEvent;
    expect(lastOf([...HISTORY, updated])?.data).toMatchObject({
      endpoint: { name: '/users', backendResourceUrl: '/v2' },
      changes: [{ path: 'endpointList[GET /users].backendResourceUrl', from: null, to: '/v2' }],
    });
  });

  it('that rolls back shows all that came back', () => {
    const content = contentOf(requireApiProxy(stateAtRevision(HISTORY, 3)));
    const rolledBack = { proxyId: 'p-1', toRevision: 3, content };
    const event: ApiProxyEvent = { type: 'RolledBack', schemaVersion: 1, data: rolledBack };
    expect(lastOf([...HISTORY, endpointDeleted, event])).toMatchObject({
      revision: 5,
      data: {
        ...{ toRevision: 3, endpointList: [{ name: '/users' }], policyList: [{ policy: { name: 'u' } }] },
        changes: [
          { path: 'endpointList[GET /users]', from: null },
          { path: 'policyList[u]', from: null },
        ],
      },
    });
  });

  it('leaves one and the same view of what it leaves alone, so that comparing costs only what changed', () => {
    const steps = stepsOf([...HISTORY, policyAdded('v', 1)].map(recorded));
    const [before, after] = steps.slice(-2).map((step) => contentView(requireApiProxy(step.after)));
    expect(after?.endpointList).toBe(before?.endpointList);
    expect(after?.policyList.map(({ policy }) => (policy as { name: string }).name)).toEqual(['v', 'u']);
    expect(after?.policyList[1]).toBe(before?.policyList[0]);
  });

  it('is a revision unless it changes the keys: revisions count up from 1 without gaps', () => {
    fc.assert(
      fc.property(histories, (events) => {
        const steps = stepsOf(events);
        const revisions = steps.filter(isRevision).map((step) => proxyEventView(step).revision);
        expect(revisions).toEqual(revisions.map((_, index) => index + 1));
        expect(steps.length - revisions.length).toBe(events.filter(({ type }) => type === 'KeysChanged').length);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a page of events', () => {
  it('is the views of its events, and leaves turns to others while it is made', async () => {
    const events = [proxyCreated, ...Array.from({ length: 200 }, (_, at) => policyAdded(`p${at}`, at + 1))];
    const steps = stepsOf(events.map(recorded));
    let turns = 0;
    const count = () => {
      turns += 1;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    const views = await proxyEventViews(steps);
    clearImmediate(timer);
    expect(views).toEqual(steps.map(proxyEventView));
    expect(turns).toBeGreaterThanOrEqual(5);
  });
});
