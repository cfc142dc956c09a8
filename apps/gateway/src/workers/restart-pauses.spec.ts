import { RestartPauses } from './restart-pauses.ts';

const pausesAfter = (...livesMs: number[]): number[] => {
  const pauses = new RestartPauses();
  return livesMs.map((livedMs) => pauses.next(livedMs));
};

describe('the pause before a process is started again', () => {
  it('is none for one that lived long, however often', () => {
    expect(pausesAfter(60_000, 10_000, 11_000)).toEqual([0, 0, 0]);
  });

  it('is none for the first that ended soon, and grows to ten seconds while they do', () => {
    expect(pausesAfter(1, 1, 1, 1, 9_999, 1, 1, 1, 1)).toEqual([
      0, 250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
    ]);
  });

  it('is forgotten after one that lived long', () => {
    expect(pausesAfter(1, 1, 1, 10_000, 1, 1)).toEqual([0, 250, 500, 0, 0, 250]);
  });
});
