import type { LeaseState } from '#libs/config-distribution';
import { outcomeOf } from './gateway-answer.ts';

const position = { epoch: 'log', sequence: 5 };
const question = { proxyId: 'p', kind: 'publish', deployment: 7, position } as const;
/** As a gateway of an earlier build says it. */
const earlier = (members: Partial<LeaseState>): LeaseState => ({
  ...{ gatewayId: 'one', programVersion: '1', address: '', startedAt: '', deployment: 7, loaded: null },
  ...{ handled: [], unsettled: [], rejected: [] },
  ...members,
});
const lease = (members: Partial<LeaseState>): LeaseState =>
  earlier({ rejectedDeployments: [], holdsInstead: [], served: { proxies: 1, digest: '' }, ...members });

const APPLIED = { outcome: 'applied', reason: undefined };
const NO_ANSWER = { outcome: 'pending', reason: undefined };

const CASES: [string, LeaseState, { outcome: string; reason: string | undefined }][] = [
  ['has not read it', lease({}), NO_ANSWER],
  ['has read less', lease({ loaded: { epoch: 'log', sequence: 4 } }), NO_ANSWER],
  ['has read another log', lease({ loaded: { epoch: 'older log', sequence: 99 } }), NO_ANSWER],
  ['has read it', lease({ loaded: position }), APPLIED],
  ['has read more', lease({ loaded: { epoch: 'log', sequence: 99 } }), APPLIED],
  ['has handled it alone', lease({ handled: [6, 7] }), APPLIED],
  ['has read it and cannot read its artifact', lease({ loaded: position, unsettled: [7] }), NO_ANSWER],
  [
    'rejects it',
    lease({
      loaded: position,
      rejectedDeployments: [7],
      rejected: [{ proxyId: 'p', deployment: 7, reason: 'no key' }],
    }),
    { outcome: 'rejected', reason: 'no key' },
  ],
  [
    'rejects it with many others, and has no room for the reason',
    lease({ loaded: position, handled: [7], rejectedDeployments: [6, 7], rejected: [] }),
    { outcome: 'rejected', reason: 'rejected; the reason is in the log of the gateway' },
  ],
  [
    'rejects another one',
    lease({
      loaded: position,
      rejectedDeployments: [6],
      rejected: [{ proxyId: 'q', deployment: 6, reason: 'no key' }],
    }),
    APPLIED,
  ],
  [
    'has read it, and passed over it for one that was given out before PostgreSQL came back from a backup',
    lease({ loaded: position, handled: [7], deployment: 57, holdsInstead: [{ proxyId: 'p', deployment: 57 }] }),
    { outcome: 'pending', reason: 'it serves deployment 57 of it instead' },
  ],
  [
    'has read it, and goes on with an older one',
    lease({ loaded: position, deployment: 8, holdsInstead: [{ proxyId: 'p', deployment: 3 }] }),
    { outcome: 'pending', reason: 'it serves deployment 3 of it instead' },
  ],
  [
    'has read it, and serves nothing of it',
    lease({ loaded: position, deployment: 8, holdsInstead: [{ proxyId: 'p', deployment: 0 }] }),
    { outcome: 'pending', reason: 'it serves nothing of it' },
  ],
  ['holds another proxy back', lease({ loaded: position, holdsInstead: [{ proxyId: 'q', deployment: 3 }] }), APPLIED],
  [
    'serves it, and has not applied a newer one',
    lease({ loaded: position, deployment: 8, holdsInstead: [{ proxyId: 'p', deployment: 7 }] }),
    APPLIED,
  ],
  [
    'says that it has read it, and has applied nothing as new',
    lease({ loaded: position, handled: [7], deployment: 6 }),
    { outcome: 'pending', reason: 'it says that it has read it, and has applied nothing beyond deployment 6' },
  ],
  ['is of an earlier build and has read it', earlier({ loaded: position, deployment: 0 }), APPLIED],
  [
    'is of an earlier build and rejects it',
    earlier({ loaded: position, rejected: [{ proxyId: 'p', deployment: 7, reason: 'no key' }] }),
    { outcome: 'rejected', reason: 'no key' },
  ],
];

describe('what a gateway says about a deployment', () => {
  it.each(CASES)('when it %s', (_name, said, outcome) => {
    expect(outcomeOf(said, question)).toEqual(outcome);
  });

  it('takes it for undeployed when nothing is served, whatever it was that took it away', () => {
    const undeployed = { ...question, kind: 'undeploy' } as const;
    const said = (deployment: number) =>
      lease({ loaded: position, handled: [7], deployment: 57, holdsInstead: [{ proxyId: 'p', deployment }] });
    expect(outcomeOf(said(0), undeployed)).toEqual(APPLIED);
    expect(outcomeOf(said(57), undeployed)).toMatchObject({ outcome: 'pending' });
  });
});
