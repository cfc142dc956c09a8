import type { LeaseState } from '#libs/config-distribution';
import { ObedienceTally } from './obedience-tally.ts';

const lease = (gatewayId: string, obeys?: Record<string, number>): LeaseState => ({
  ...{ gatewayId, programVersion: 'test', address: '127.0.0.1:1', startedAt: '2026-11-22T10:00:00.000Z' },
  ...{ deployment: 0, loaded: null, handled: [], unsettled: [], rejected: [] },
  ...(obeys === undefined ? {} : { obeys }),
});

describe('a count of the gateways that obey orders', () => {
  let tally: ObedienceTally;
  beforeEach(() => void (tally = new ObedienceTally('key-sets', 7)));

  it('waits for those that obey an earlier version, and not for those that never say', () => {
    tally.hear('c', lease('c', { 'key-sets': 6, toString: 9 }));
    tally.hear('b', lease('b'));
    tally.hear('a', lease('a', { 'key-sets': 8 }));
    expect(tally.count()).toEqual({
      ...{ live: 3, obeying: 1, pending: 2 },
      details: [
        { gatewayId: 'a', obeys: 8, isObeying: true },
        { gatewayId: 'b', obeys: null, isObeying: false },
        { gatewayId: 'c', obeys: 6, isObeying: false },
      ],
    });
    expect(tally.pending).toBe(1);
    tally.hear('c', lease('c', { 'key-sets': 7 }));
    expect([tally.pending, tally.count().pending]).toEqual([0, 1]);
  });

  it('counts nobody who lives no more', () => {
    tally.hear('a', lease('a'));
    tally.hear('b', lease('b', { 'key-sets': 7 }));
    tally.hear('a', undefined);
    tally.hear('b', undefined);
    expect(tally.count()).toEqual({ live: 0, obeying: 0, pending: 0, details: [] });
  });

  it('takes nothing for an order that every object has', () => {
    const other = new ObedienceTally('toString', 1);
    other.hear('a', lease('a', {}));
    expect(other.count().details).toEqual([{ gatewayId: 'a', obeys: null, isObeying: false }]);
  });
});
