import { pauseAfterMs, SlowedAnswers } from './slowed-answers.ts';

describe('answers of failed logins', () => {
  it('are held back from the third on, ever longer, up to four seconds', () => {
    const pauses = [0, 1, 2, 3, 4, 5, 6, 7, 8, 1_000_000].map(pauseAfterMs);
    expect(pauses).toEqual([0, 0, 0, 250, 500, 1_000, 2_000, 4_000, 4_000, 4_000]);
  });

  it('are held back a bounded number at once; the others are given at once', async () => {
    const held: (() => void)[] = [];
    const slowed = new SlowedAnswers(() => new Promise((resolve) => held.push(resolve)), 2);
    const first = [slowed.slow(3), slowed.slow(3)];
    await slowed.slow(3);
    expect(held).toHaveLength(2);
    for (const release of held.splice(0)) release();
    await Promise.all(first);
    const later = slowed.slow(4);
    expect(held).toHaveLength(1);
    held[0]?.();
    await later;
  });
});
