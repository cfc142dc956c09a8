import { RepeatedLines, SUMMED_UP_MS } from './repeated-lines.ts';

interface Line {
  readonly what: string;
  readonly from: string;
}
const lines = () => new RepeatedLines<Line>(({ what }) => ({ what, from: 'others' }));
const ONE: Line = { what: 'refused', from: 'a' };

describe('lines that say the same', () => {
  it('are written once and counted for a minute', () => {
    const repeated = lines();
    expect(Array.from({ length: 4 }, () => repeated.isNews(ONE, 0))).toEqual([true, false, false, false]);
    expect(repeated.isNews({ ...ONE, from: 'b' }, 0)).toBe(true);
    expect(repeated.takeDue(SUMMED_UP_MS - 1)).toEqual([]);
    expect(repeated.takeDue(SUMMED_UP_MS)).toEqual([{ facts: ONE, count: 3 }]);
    expect(repeated.takeDue(SUMMED_UP_MS)).toEqual([]);
    expect(repeated.isNews(ONE, SUMMED_UP_MS)).toBe(true);
  });

  it('are all told at the end', () => {
    const repeated = lines();
    for (let n = 0; n < 3; n += 1) repeated.isNews(ONE, 0);
    expect(repeated.takeDue(1, true)).toEqual([{ facts: ONE, count: 2 }]);
  });

  it('are bounded in number: more different ones are counted as one, and those that are counted go on', () => {
    const repeated = lines();
    const news = Array.from({ length: 5_000 }, (_none, index) => repeated.isNews({ ...ONE, from: `${index}` }, 0));
    expect(news.filter(Boolean)).toHaveLength(1_001);
    expect(repeated.isNews({ ...ONE, from: '0' }, 0)).toBe(false);
    expect(repeated.takeDue(SUMMED_UP_MS)).toEqual([
      { facts: { ...ONE, from: '0' }, count: 1 },
      { facts: { what: 'refused', from: 'others' }, count: 3_999 },
    ]);
  });
});
