import { describe, expect, it } from '@jest/globals';
import { Backoff } from './backoff.ts';

describe('the pause before a restart', () => {
  it('doubles from half a second to ten', () => {
    const backoff = new Backoff();
    expect(Array.from({ length: 7 }, () => backoff.delayMs(100))).toEqual([
      500, 1000, 2000, 4000, 8000, 10_000, 10_000,
    ]);
  });

  it('is short again after the process had run well for half a minute', () => {
    const backoff = new Backoff();
    backoff.delayMs(0);
    backoff.delayMs(0);
    expect(backoff.delayMs(30_000)).toBe(500);
  });
});
