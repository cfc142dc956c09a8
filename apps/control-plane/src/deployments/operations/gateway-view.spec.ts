import type { LeaseState } from '#libs/config-distribution';
import type { DriftFinding } from '../drift/drift-finding.ts';
import { gatewayView, type GatewayFacts } from './gateway-view.ts';

const end = { epoch: 'log', sequence: 5 };
const facts: GatewayFacts = {
  ...{ end, seenMs: new Map([['one', Date.UTC(2026, 5, 16)]]), drift: [] },
  titles: (proxyId) => ({ projectName: 'shop', apiProxyName: proxyId }),
};
const earlier = (members: Partial<LeaseState> = {}): LeaseState => ({
  ...{ gatewayId: 'one', programVersion: '1', address: 'host:8080', startedAt: '2026', deployment: 7, loaded: end },
  ...{ handled: [], unsettled: [], rejected: [], ...members },
});
const BESIDE: Partial<LeaseState> = { obeys: { 'key-sets': 4 }, keySetNotes: [] };
const lease = (members: Partial<LeaseState> = {}): LeaseState =>
  earlier({ rejectedDeployments: [], holdsInstead: [], served: { proxies: 3, digest: 'd' }, ...BESIDE, ...members });
const drift = (problem: DriftFinding['problem'], gatewayId: string): DriftFinding[] => [
  { where: 'gateway', gatewayId, subject: { kind: 'gateway' }, problem, recorded: 4, found: 57 },
];

describe('the view of a gateway', () => {
  it('says that it serves what is recorded', () => {
    expect(gatewayView(lease(), facts)).toEqual({
      ...{ gatewayId: 'one', programVersion: '1', address: 'host:8080', rootContext: null, startedAt: '2026' },
      ...{ lastSeen: '2026-06-16T00:00:00.000Z', deployment: 7, upToDate: true, inSync: true, problem: null },
      ...{ served: 3, behind: 0, rejectedCount: 0, servesInstead: [], rejected: [] },
      ...{ obeys: { 'key-sets': 4 }, keySetNotes: [] },
    });
  });

  it('names the key sets that it has not, without what an address may hold of a secret, and is in sync without them', () => {
    const of = { proxyId: 'orders', deployment: 7 };
    const keySetNotes = [
      { ...of, address: 'https://u:p@idp.test/jwks?code=secret', state: 'failed', reason: 'http-status 503' } as const,
      { ...of, address: 'https://b.test/', state: 'fetching' } as const,
    ];
    const named = { projectName: 'shop', apiProxyName: 'orders', deployment: 7 };
    expect(gatewayView(lease({ keySetNotes }), facts)).toMatchObject({
      ...{ upToDate: true, inSync: true, problem: null },
      keySetNotes: [
        { ...named, address: 'https://idp.test/jwks', state: 'failed', reason: 'http-status 503' },
        { ...named, address: 'https://b.test/', state: 'fetching', reason: null },
      ],
    });
  });

  it('says what is rejected, all of it by count and the newest with reasons, and what is served instead', () => {
    const rejected = [{ proxyId: 'orders', deployment: 9, reason: 'no key' }];
    const holdsInstead = [{ proxyId: 'orders', deployment: 8 }];
    expect(gatewayView(lease({ rejected, rejectedDeployments: [9, 6], holdsInstead }), facts)).toMatchObject({
      ...{ upToDate: false, inSync: false, problem: 'it rejects the newest deployment of 2 proxies', rejectedCount: 2 },
      servesInstead: [{ projectName: 'shop', apiProxyName: 'orders', deployment: 8 }],
      rejected: [{ projectName: 'shop', apiProxyName: 'orders', deployment: 9, reason: 'no key' }],
    });
  });

  const problems: [string, LeaseState, Partial<GatewayFacts>, object][] = [
    ['has read nothing', lease({ loaded: null }), {}, { behind: null, problem: 'it has read nothing yet' }],
    [
      'follows another log',
      lease({ loaded: { epoch: 'older', sequence: 5 } }),
      {},
      { behind: null, problem: 'it follows another log than the one that is published' },
    ],
    [
      'is behind',
      lease({ loaded: { epoch: 'log', sequence: 3 } }),
      {},
      { behind: 2, problem: 'it has not read 2 published changes yet' },
    ],
    [
      'passed over something',
      lease({ holdsInstead: [{ proxyId: 'orders', deployment: 57 }] }),
      {},
      { upToDate: true, problem: 'it serves another deployment than the newest of 1 proxies' },
    ],
    [
      'serves other bytes',
      lease(),
      { drift: drift('altered', 'one') },
      { upToDate: true, problem: 'what it serves differs from what is published, it does not say of which proxy' },
    ],
    [
      'has applied what was never recorded',
      lease(),
      { drift: drift('newer', 'one') },
      { problem: 'it has applied deployment 57, and 4 is the highest that is recorded' },
    ],
    [
      'is of an earlier build and rejects something',
      earlier({ rejected: [{ proxyId: 'orders', deployment: 9, reason: 'no key' }] }),
      {},
      { upToDate: false, rejectedCount: 1, problem: 'it rejects the newest deployment of 1 proxies' },
    ],
  ];
  it.each(problems)('says when it %s', (_name, said, members, view) => {
    expect(gatewayView(said, { ...facts, ...members })).toMatchObject({ inSync: false, ...view });
  });

  it('does not say more than it knows of an earlier build, nor of another gateway', () => {
    expect(gatewayView(earlier(), facts)).toMatchObject({
      ...{ upToDate: true, inSync: null, problem: null, served: null, obeys: null, keySetNotes: null },
    });
    expect(gatewayView(lease(), { ...facts, drift: drift('altered', 'two') })).toMatchObject({ inSync: true });
  });
});
