import type { Fault } from '../exchange/fault.ts';
import { exchangeFor, linked, NOW_MS } from '../testing/artifacts.ts';
import { rememberRecent } from './recent-results.ts';
import { inSequence, whenAnswered, type Step } from './step.ts';

const FAULT: Fault = { status: 401, headers: [], body: '', name: 'N', policy: 'P', reason: 'why' };
const exchange = exchangeFor(linked({}));

function recorded(ran: string[], name: string, fault?: Fault): { readonly now: Step; readonly later: Step } {
  const run = (): Fault | undefined => {
    ran.push(name);
    return fault;
  };
  return { now: run, later: async () => Promise.resolve().then(run) };
}

describe('inSequence', () => {
  it('answers at once when nothing waits, and stops at the first fault', () => {
    const ran: string[] = [];
    const steps = ['a', 'b', 'c'].map((name) => recorded(ran, name, name === 'b' ? FAULT : undefined).now);
    expect(inSequence(steps)(exchange, NOW_MS)).toBe(FAULT);
    expect(ran).toEqual(['a', 'b']);
    expect(inSequence([])(exchange, NOW_MS)).toBeUndefined();
  });

  it('waits where a step waits, in order', async () => {
    const ran: string[] = [];
    const joined = inSequence([
      recorded(ran, 'a').now,
      recorded(ran, 'b').later,
      recorded(ran, 'c', FAULT).now,
      recorded(ran, 'd').later,
    ]);
    const outcome = joined(exchange, NOW_MS);
    expect(ran).toEqual(['a']);
    expect(outcome).toBeInstanceOf(Promise);
    expect(await outcome).toBe(FAULT);
    expect(ran).toEqual(['a', 'b', 'c']);
  });

  it('stops at the fault of a step that waited', async () => {
    const ran: string[] = [];
    const joined = inSequence([recorded(ran, 'a', FAULT).later, recorded(ran, 'b').now]);
    expect(await joined(exchange, NOW_MS)).toBe(FAULT);
    expect(ran).toEqual(['a']);
  });
});

describe('whenAnswered', () => {
  it('goes on at once, or after the wait', async () => {
    const kept = (fault: Fault | undefined) => fault;
    expect(whenAnswered(FAULT, kept)).toBe(FAULT);
    expect(await whenAnswered(Promise.resolve(FAULT), kept)).toBe(FAULT);
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
