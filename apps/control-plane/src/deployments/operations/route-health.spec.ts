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
  ...{
    leases: [lease('one')],
    newest: { kind: 'publish', deployment: 3 },
    published,
    position,
    proxyId: 'p',
    drift: [],
  },
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
          ...{ routeActive: true, servedPath: '/orders', methods: ['GET'], deployment: 3 },
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

  const said = { deployment: 9, rejectedDeployments: [], holdsInstead: [], served: { proxies: 1, digest: 'd' } };
  const holding = (deployment: number) => lease('one', { ...said, holdsInstead: [{ proxyId: 'p', deployment }] });
  const undeployed = { newest: { kind: 'undeploy', deployment: 4 }, published: undefined } as const;
  const others: [string, Partial<RouteFacts>, object][] = [
    [
      'an older deployment',
      { leases: [holding(2)] },
      {
        routeActive: false,
        deployment: 2,
        error: 'deployment 3 is not applied yet: it serves deployment 2 of it instead',
      },
    ],
    [
      'one that was given out before the database came back from a backup',
      { leases: [holding(57)] },
      {
        routeActive: false,
        deployment: 57,
        error: 'deployment 3 is not applied yet: it serves deployment 57 of it instead',
      },
    ],
    [
      'nothing',
      { leases: [holding(0)] },
      { routeActive: false, deployment: 0, error: 'deployment 3 is not applied yet: it serves nothing of it' },
    ],
    [
      'the last good one in place of what it rejects',
      {
        leases: [
          { ...holding(2), rejectedDeployments: [3], rejected: [{ proxyId: 'p', deployment: 3, reason: 'no key' }] },
        ],
      },
      { routeActive: false, deployment: 2, error: 'deployment 3 is rejected: no key' },
    ],
    [
      'what was taken out',
      { leases: [holding(3)], ...undeployed },
      { routeActive: true, deployment: 3, error: 'undeployment 4 is not applied yet' },
    ],
    [
      'what was never deployed',
      { leases: [holding(3)], newest: undefined, published: undefined },
      { routeActive: true, deployment: 3, error: 'nothing is published: it serves deployment 3 of it instead' },
    ],
  ];
  it.each(others)('is inconsistent when a gateway serves %s', (_name, members, pod) => {
    const health = routeHealth(facts(members));
    expect(health).toMatchObject({ inconsistent: true, pods: [{ gatewayId: 'one', ...pod }] });
  });

  it('is consistent when what was taken out is gone by another deployment', () => {
    expect(routeHealth(facts({ leases: [holding(0)], ...undeployed }))).toMatchObject({
      ...{ inconsistent: false, podsActive: 0, pods: [{ deployment: 0 }] },
    });
  });

  it('is inconsistent when a gateway serves other bytes, or more than was ever deployed', () => {
    const differing = { where: 'gateway', gatewayId: 'one', subject: { kind: 'gateway' }, recorded: 4 } as const;
    const health = (drift: RouteFacts['drift']) => routeHealth(facts({ leases: [lease('one'), lease('two')], drift }));
    expect(health([{ ...differing, problem: 'altered', found: 5 }])).toMatchObject({
      inconsistent: true,
      pods: [{ error: 'what it serves differs from what is published, it does not say of which proxy' }, {}],
    });
    const ahead = health([{ ...differing, problem: 'newer', found: 57 }]);
    expect(ahead.pods[0]?.error).toBe('it has applied deployment 57, and 4 is the highest that is recorded');
    expect(ahead.pods[1]).not.toHaveProperty('error');
  });

  it('is inconsistent when Redis holds something else of this proxy, and not for another proxy', () => {
    const found = (proxyId: string): RouteFacts['drift'] => [
      {
        ...{ where: 'redis', gatewayId: null, subject: { kind: 'proxy', proxyId }, problem: 'older' },
        ...{ recorded: 3, found: 2 },
      },
    ];
    expect(routeHealth(facts({ drift: found('p') })).inconsistent).toBe(true);
    expect(routeHealth(facts({ drift: found('q') })).inconsistent).toBe(false);
  });

  it('says as much as it knows of gateways of an earlier build', () => {
    const leases = [lease('one', { loaded: null })];
    expect(routeHealth(facts({ leases })).pods).toMatchObject([
      { routeActive: false, deployment: null, error: 'deployment 3 is not applied yet' },
    ]);
  });
});
