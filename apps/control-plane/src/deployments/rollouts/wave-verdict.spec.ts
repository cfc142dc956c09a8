import { standingOf, verdictOf, type Standing } from './wave-verdict.ts';

type Outcome = NonNullable<Parameters<typeof standingOf>[0]>;

const outcome = (state: Outcome['state'], live = 0, applied = 0): Outcome => ({
  state,
  result: { message: '', gateways: { live, applied, rejected: 0, pending: 0 }, detailList: [] },
});
const standing = (of: Outcome | undefined, minAppliedPercent = 100) =>
  standingOf(of, { stopOnFailure: true, minAppliedPercent });

describe('an environment of a wave', () => {
  it.each<[string, Outcome | undefined, number, Standing]>([
    ['succeeded without gateways', outcome('succeeded'), 100, 'acknowledged'],
    ['succeeded', outcome('succeeded', 2, 2), 100, 'acknowledged'],
    ['not tried yet', { state: 'pending', result: null }, 1, 'pending'],
    ['waiting for its Redis', outcome('pending'), 1, 'pending'],
    ['applied by too few yet', outcome('pending', 3, 2), 67, 'pending'],
    ['applied by enough while others are silent', outcome('pending', 3, 2), 66, 'acknowledged'],
    ['rejected by some within the tolerance', outcome('failed', 10, 9), 90, 'acknowledged'],
    ['rejected by too many', outcome('failed', 10, 9), 91, 'failed'],
    ['failed before any gateway saw it', outcome('failed'), 1, 'failed'],
    ['superseded by something else', outcome('superseded'), 1, 'failed'],
    ['gone', undefined, 1, 'failed'],
  ])('%s', (_name, of, percent, expected) => {
    expect(standing(of, percent)).toBe(expected);
  });
});

describe('a wave', () => {
  const verdict = (standings: Standing[], stopOnFailure = true) =>
    verdictOf(standings, { stopOnFailure, minAppliedPercent: 100 });

  it('is followed by the next one when all have acknowledged', () => {
    expect(verdict(['acknowledged', 'acknowledged'])).toBe('next');
  });

  it('is waited for while one is pending', () => {
    expect(verdict(['acknowledged', 'pending'])).toBe('wait');
  });

  it('stops the rollout at its first failure, or not at all', () => {
    expect(verdict(['failed', 'pending'])).toBe('stop');
    expect(verdict(['failed', 'pending'], false)).toBe('wait');
    expect(verdict(['failed', 'acknowledged'], false)).toBe('next');
  });
});
