import fc from 'fast-check';
import { RetryBudget } from './retry-budget.ts';

const START_MS = 10_000;

function taken(budget: RetryBudget, nowMs: number): number {
  let count = 0;
  while (budget.takeRetry(nowMs)) count += 1;
  return count;
}

const withRequests = (percent: number, count: number, nowMs: number): RetryBudget => {
  const budget = new RetryBudget(percent);
  for (let request = 0; request < count; request += 1) budget.noteRequest(nowMs);
  return budget;
};

describe('a retry budget', () => {
  it.each([
    [20, 0, 30],
    [20, 1_000, 230],
    [0, 1_000, 30],
    [100, 50, 80],
  ])('of %d percent grants of %d requests the floor and the share: %d', (percent, requests, granted) => {
    expect(taken(withRequests(percent, requests, START_MS), START_MS)).toBe(granted);
  });

  it('forgets requests and retries as they leave the last ten seconds', () => {
    const budget = withRequests(20, 1_000, START_MS);
    expect(taken(budget, START_MS)).toBe(230);
    // A quarter of the window before is still reached: of 1000 requests 250, of 230 retries 57.5.
    expect(taken(budget, START_MS + 17_500)).toBe(22);
    expect(taken(budget, START_MS + 60_000)).toBe(30);
  });

  it('never grants more than share and floor over any two windows, whenever it is asked', () => {
    const step = fc.record({ waitMs: fc.nat(3_000), requests: fc.nat(40), wanted: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const budget = new RetryBudget(20);
        const log: { atMs: number; requests: number; granted: number }[] = [];
        let nowMs = 0;
        for (const { waitMs, requests, wanted } of steps) {
          nowMs += waitMs;
          for (let request = 0; request < requests; request += 1) budget.noteRequest(nowMs);
          let granted = 0;
          while (granted < wanted && budget.takeRetry(nowMs)) granted += 1;
          log.push({ atMs: nowMs, requests, granted });
          const recent = log.filter(({ atMs }) => atMs > nowMs - 10_000);
          const seen = log.filter(({ atMs }) => atMs > nowMs - 30_000);
          const sum = (of: typeof log, what: 'requests' | 'granted') => of.reduce((all, one) => all + one[what], 0);
          expect(sum(recent, 'granted')).toBeLessThanOrEqual(2 * 30 + 0.2 * sum(seen, 'requests'));
        }
      }),
    );
  });
});
