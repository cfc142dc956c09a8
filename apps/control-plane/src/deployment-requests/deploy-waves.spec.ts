import { wavesOf } from './deploy-waves.ts';

const targets = (...names: string[]) =>
  names.map((environmentName) => ({ environmentName, environmentId: `id of ${environmentName}` }));
const strategy = (...waves: string[][]) => ({ waves, stopOnFailure: true, minAppliedPercent: 100 });

describe('the waves of a change', () => {
  it('are one without a strategy', () => {
    expect(wavesOf(targets('a', 'b'), null)).toEqual([targets('a', 'b')]);
  });

  it('are in the order of the strategy, with what it does not name last', () => {
    expect(wavesOf(targets('a', 'b', 'c'), strategy(['c'], ['a']))).toEqual([targets('c'), targets('a'), targets('b')]);
  });

  it('leave out what the change does not go to', () => {
    expect(wavesOf(targets('b'), strategy(['a'], ['b', 'c']))).toEqual([targets('b')]);
  });
});
