import type { Fault } from '../exchange/fault.ts';
import { exchangeFor, linked, NOW_MS } from '../testing/artifacts.ts';
import { rememberRecent } from './recent-results.ts';
import { inSequence, type Step } from './step.ts';

const FAULT: Fault = { status: 401, headers: [], body: '', name: 'N', policy: 'P', reason: 'why' };
const exchange = exchangeFor(linked({}));

function recorded(ran: string[], name: string, fault?: Fault): { readonly now: Step; readonly later: Step } {
  const run = (): Fault | undefined => {
    ran.push(name);
    return fault;
  };
  return { now: { waits: false, run }, later: { waits: true, run: async () => run() } };
}

describe('inSequence', () => {
  it('stays synchronous without a waiting step, and stops at the first fault', () => {
    const ran: string[] = [];
    const steps = ['a', 'b', 'c'].map((name) => recorded(ran, name, name === 'b' ? FAULT : undefined).now);
    const joined = inSequence(steps);
    expect(joined.waits).toBe(false);
    expect(joined.run(exchange, NOW_MS)).toBe(FAULT);
    expect(ran).toEqual(['a', 'b']);
    expect(inSequence([]).run(exchange, NOW_MS)).toBeUndefined();
  });

  it('waits where a step waits, in order', async () => {
    const ran: string[] = [];
    const joined = inSequence([
      recorded(ran, 'a').now,
      recorded(ran, 'b').later,
      recorded(ran, 'c', FAULT).now,
      recorded(ran, 'd').later,
    ]);
    expect(joined.waits).toBe(true);
    expect(await joined.run(exchange, NOW_MS)).toBe(FAULT);
    expect(ran).toEqual(['a', 'b', 'c']);
  });
});

describe('rememberRecent', () => {
  it('makes each result once, and forgets the oldest beyond its limit', () => {
    const made: string[] = [];
    const results = rememberRecent(2, (text) => {
      made.push(text);
      return text.length;
    });
    expect(['a', 'bb', 'a', 'ccc', 'a', 'bb'].map(results)).toEqual([1, 2, 1, 3, 1, 2]);
    expect(made).toEqual(['a', 'bb', 'ccc', 'a', 'bb']);
  });
});
