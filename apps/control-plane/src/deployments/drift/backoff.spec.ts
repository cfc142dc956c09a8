import { Backoff } from './backoff.ts';

describe('a backoff', () => {
  it('allows the first time at once, and each further one after twice the time, up to the longest', () => {
    const backoff = new Backoff(10, 35);
    expect(backoff.allows('a', 0)).toBe(true);
    const allowedAfter: number[] = [];
    let nowMs = 0;
    for (let time = 0; time < 4; time += 1) {
      backoff.note('a', nowMs);
      let waitedMs = 0;
      while (!backoff.allows('a', nowMs + waitedMs)) waitedMs += 1;
      allowedAfter.push(waitedMs);
      nowMs += waitedMs;
    }
    expect(allowedAfter).toEqual([10, 20, 35, 35]);
    expect(backoff.allows('b', nowMs)).toBe(true);
  });

  it('begins anew after it was quiet for long', () => {
    const backoff = new Backoff(10, 35);
    backoff.note('a', 0);
    backoff.note('a', 10);
    backoff.note('a', 100);
    expect([backoff.allows('a', 109), backoff.allows('a', 110)]).toEqual([false, true]);
  });
});
