import type { LeaseState } from '#libs/config-distribution';
import { routeHealth, type RouteFacts } from './route-health.ts';

const position = { epoch: 'log', sequence: 5 };
const lease = (gatewayId: string, members: Partial<LeaseState> = {}): LeaseState => ({
  ...{ gatewayId, programVersion: '1', address: `${gatewayId}:8080`, startedAt: '', deployment: 0 },
  ...{ loaded: position, handled: [], unsettled: [], rejected: [], rootContext: '/gw' },
  ...members,
});
const published = { deployment: 3, revision: 2, paths: ['/orders', '/v1'], methods: ['GET'] };
const facts = (members: Partial<RouteFacts>): RouteFacts => ({
  ...{ leases: [lease('one')], newest: { kind: 'publish', deployment: 3 }, published, position, proxyId: 'p' },
  ...members,
});

describe('the health of a route', () => {
  it('is good when every gateway has come past the newest deployment', () => {
    expect(routeHealth(facts({}))).toEqual({
      ...{ routeActive: true, servedPath: '/orders', methods: ['GET'], apinizerRootContext: '/gw' },
      ...{ podsResponded: 1, podsActive: 1, deployedInManager: true, inconsistent: false, deployment: 3, revision: 2 },
      gateways: { live: 1, serving: 1 },
      pods: [
        {
          ...{ gatewayId: 'one', workerPodIp: 'one:8080', apinizerRootContext: '/gw' },
          ...{ routeActive: true, servedPath: '/orders', methods: ['GET'] },
        },
      ],
    });
  });

  it('is inconsistent while a newer deployment is recorded than is published', () => {
    const newest = { kind: 'publish', deployment: 4 } as const;
    expect(routeHealth(facts({ newest }))).toMatchObject({ routeActive: true, inconsistent: true });
  });

  it('does not count a gateway that cannot read the artifact', () => {
    const leases = [lease('one'), lease('two', { unsettled: [3] })];
    expect(routeHealth(facts({ leases }))).toMatchObject({ routeActive: false, podsActive: 1, inconsistent: true });
  });

  it('does not count a gateway that follows another log', () => {
    const leases = [lease('one', { loaded: { epoch: 'older log', sequence: 99 } })];
    expect(routeHealth(facts({ leases }))).toMatchObject({ routeActive: false, podsActive: 0, inconsistent: true });
  });

  it('is consistent where nothing was ever deployed', () => {
    const nothing = { newest: undefined, published: undefined };
    expect(routeHealth(facts(nothing))).toMatchObject({ deployedInManager: false, podsActive: 0, inconsistent: false });
  });

  it('has no root context where gateways have different ones', () => {
    const leases = [lease('one'), lease('two', { rootContext: '' })];
    expect(routeHealth(facts({ leases })).apinizerRootContext).toBeNull();
  });
});
