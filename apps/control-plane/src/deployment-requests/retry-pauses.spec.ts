import { nextRunAfterMs, RoomMade } from './retry-pauses.ts';

describe('the pause before a job runs again', () => {
  it('doubles up to eight seconds, however often it has failed', () => {
    const longest = [1, 2, 3, 4, 5, 6, 7, 8, 2_000].map((runs) => nextRunAfterMs(runs, new Error(), 1));
    expect(longest).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 8_000, 8_000, 8_000]);
  });

  it('is long from the first run on for a job that made room for others', () => {
    expect([1, 50].map((runs) => nextRunAfterMs(runs, new RoomMade('e'), 0))).toEqual([30_000, 30_000]);
  });

  it('is shortened by chance, to no less than half', () => {
    expect([0, 0.5].map((random) => nextRunAfterMs(1, new Error(), random))).toEqual([100, 150]);
  });
});
