import { BoundedSeries } from './bounded-series.ts';

describe('BoundedSeries', () => {
  it('counts what comes after the last that there is room for together', () => {
    const series = new BoundedSeries<'proxy', { count: number }>(['proxy'], () => ({ count: 0 }), 2);
    for (const proxy of ['a', 'b', 'c', 'd', 'a', 'c']) series.of({ proxy }).count += 1;
    expect([...series].map(({ labels, value }) => [labels.proxy, value.count])).toEqual([
      ['a', 2],
      ['b', 1],
      ['other', 3],
    ]);
  });
});
