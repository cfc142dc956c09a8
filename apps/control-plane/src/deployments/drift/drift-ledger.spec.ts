import { proxyInRedis } from './drift-finding.ts';
import { DriftLedger } from './drift-ledger.ts';

const missing = (proxyId: string, recorded = 1) => proxyInRedis(proxyId, { problem: 'missing', recorded, found: null });

describe('what is known to differ', () => {
  it('is news once, for as long as it is found again', () => {
    const ledger = new DriftLedger();
    expect(ledger.note('artifacts', [missing('a')], false)).toEqual([missing('a')]);
    expect(ledger.note('artifacts', [missing('b')], true)).toEqual([missing('b')]);
    expect(ledger.note('artifacts', [missing('a')], false)).toEqual([]);
    expect(ledger.open()).toEqual([missing('a'), missing('b')]);
    expect(ledger.note('artifacts', [], true)).toEqual([]);
    expect(ledger.open()).toEqual([missing('a')]);
    ledger.note('artifacts', [], true);
    expect(ledger.open()).toEqual([]);
    expect(ledger.note('artifacts', [missing('a')], true)).toEqual([missing('a')]);
  });

  it('is news again when something else is recorded since', () => {
    const ledger = new DriftLedger();
    ledger.note('records', [missing('a', 1)], true);
    expect(ledger.note('records', [missing('a', 2)], true)).toEqual([missing('a', 2)]);
    expect(ledger.note('artifacts', [missing('a', 2)], true)).toEqual([missing('a', 2)]);
    expect(ledger.open()).toEqual([missing('a', 2)]);
  });
});
