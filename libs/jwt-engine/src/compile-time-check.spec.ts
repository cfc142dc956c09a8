import { compileTimeCheck, type TimeRules } from './compile-time-check.ts';
import { type JsonObject } from './json-value.ts';

const NOW = 1_700_000_000;

const verdict = (claims: JsonObject, rules: TimeRules = {}, nowSeconds = NOW): string => {
  const failed = compileTimeCheck(rules)(claims, nowSeconds);
  if (failed === undefined) return 'passes';
  return failed.claim === undefined ? failed.code : `${failed.code} ${failed.claim}`;
};

describe('exp', () => {
  it.each([
    ['one second ahead', NOW + 1, 0, 'passes'],
    ['this very second', NOW, 0, 'TokenExpired'],
    ['one second ago', NOW - 1, 0, 'TokenExpired'],
    ['one millisecond ahead', NOW + 0.001, 0, 'passes'],
    ['one millisecond ago', NOW - 0.001, 0, 'TokenExpired'],
    ['20 s ago with 30 s allowed', NOW - 20, 30, 'passes'],
    ['30 s ago with 30 s allowed', NOW - 30, 30, 'TokenExpired'],
    ['40 s ago with 30 s allowed', NOW - 40, 30, 'TokenExpired'],
    ['negative', -1, 0, 'TokenExpired'],
    ['beyond every calendar', 2 ** 63, 0, 'passes'],
  ])('%s', (_when, exp, timeAllowanceSeconds, expected) => {
    expect(verdict({ exp }, { timeAllowanceSeconds })).toBe(expected);
  });

  it('may be absent', () => {
    expect(verdict({})).toBe('passes');
  });

  it('ends at the same millisecond when clock and claim are fractional', () => {
    expect(verdict({ exp: NOW + 0.1 }, { timeAllowanceSeconds: 30 }, NOW + 30.099)).toBe('passes');
    expect(verdict({ exp: NOW + 0.1 }, { timeAllowanceSeconds: 30 }, NOW + 30.1)).toBe('TokenExpired');
  });
});

describe('nbf and iat', () => {
  it.each([
    ['this very second', NOW, 0, 'passes'],
    ['one second ahead', NOW + 1, 0, 'TokenNotYetValid'],
    ['20 s ahead with 30 s allowed', NOW + 20, 30, 'passes'],
    ['30 s ahead with 30 s allowed', NOW + 30, 30, 'passes'],
    ['31 s ahead with 30 s allowed', NOW + 31, 30, 'TokenNotYetValid'],
  ])('%s', (_when, time, timeAllowanceSeconds, expected) => {
    expect(verdict({ nbf: time }, { timeAllowanceSeconds })).toBe(expected);
    expect(verdict({ iat: time }, { timeAllowanceSeconds })).toBe(expected);
  });

  it('lets an iat of the future pass when it is ignored, but not an nbf', () => {
    expect(verdict({ iat: NOW + 3600 }, { ignoreIssuedAt: true })).toBe('passes');
    expect(verdict({ nbf: NOW + 3600 }, { ignoreIssuedAt: true })).toBe('TokenNotYetValid');
  });
});

describe('a time that is no number', () => {
  it.each(['exp', 'nbf', 'iat'])('is a mismatch of %s', (claim) => {
    for (const value of [String(NOW), null, true, [NOW], {}, Infinity]) {
      expect(verdict({ [claim]: value }, { ignoreIssuedAt: true })).toBe(`ClaimMismatch ${claim}`);
    }
  });
});

describe('the order', () => {
  it('is exp, nbf, iat, lifespan', () => {
    const rules = { maxLifespan: { seconds: 1, useIssueTime: false } };
    const claims = { exp: NOW - 1, nbf: NOW + 1, iat: 'x' };
    expect(verdict(claims, rules)).toBe('TokenExpired');
    expect(verdict({ ...claims, exp: NOW + 9 }, rules)).toBe('TokenNotYetValid');
    expect(verdict({ ...claims, exp: NOW + 9, nbf: NOW }, rules)).toBe('ClaimMismatch iat');
    expect(verdict({ exp: NOW + 9, nbf: NOW, iat: NOW }, rules)).toBe('ClaimMismatch exp');
  });
});

describe('the lifespan', () => {
  const fromNbf = { maxLifespan: { seconds: 300, useIssueTime: false } };
  const fromIat = { maxLifespan: { seconds: 300, useIssueTime: true } };

  it.each([
    ['nbf to exp as long as allowed', { nbf: NOW - 10, exp: NOW + 290 }, fromNbf, 'passes'],
    ['nbf to exp a millisecond longer', { nbf: NOW - 10, exp: NOW + 290.001 }, fromNbf, 'ClaimMismatch exp'],
    ['iat does not count', { iat: NOW - 3600, nbf: NOW, exp: NOW + 300 }, fromNbf, 'passes'],
    ['iat to exp too long', { iat: NOW, nbf: NOW + 0, exp: NOW + 600 }, fromIat, 'ClaimMismatch exp'],
    ['nbf does not count', { iat: NOW, nbf: NOW - 3600, exp: NOW + 300 }, fromIat, 'passes'],
    ['no nbf but iat', { iat: NOW, exp: NOW + 1 }, fromNbf, 'ClaimMismatch nbf'],
    ['no iat but nbf', { nbf: NOW, exp: NOW + 1 }, fromIat, 'ClaimMismatch iat'],
    ['no exp', { nbf: NOW, iat: NOW }, fromNbf, 'ClaimMismatch exp'],
    ['neither', {}, fromIat, 'ClaimMismatch iat'],
    ['fractions that do not add up in binary', { nbf: NOW - 0.1, exp: NOW + 299.9 }, fromNbf, 'passes'],
  ])('%s', (_what, claims, rules, expected) => {
    expect(verdict(claims, rules)).toBe(expected);
  });

  it('does not get the allowance added', () => {
    const rules = { ...fromNbf, timeAllowanceSeconds: 60 };
    expect(verdict({ nbf: NOW, exp: NOW + 301 }, rules)).toBe('ClaimMismatch exp');
  });

  it('is refused when two numbers too large for milliseconds hide it', () => {
    expect(verdict({ iat: 1e308, exp: 1e308 }, { ...fromIat, ignoreIssuedAt: true })).toBe('ClaimMismatch exp');
  });
});

describe('compileTimeCheck', () => {
  it('lets nothing with a time pass when the clock is no number', () => {
    expect(verdict({ exp: NOW + 1 }, {}, NaN)).toBe('TokenExpired');
    expect(verdict({ nbf: NOW - 1 }, {}, NaN)).toBe('TokenNotYetValid');
  });

  it.each([NaN, -1, Infinity])('throws for %p seconds', (seconds) => {
    expect(() => compileTimeCheck({ timeAllowanceSeconds: seconds })).toThrow(RangeError);
    expect(() => compileTimeCheck({ maxLifespan: { seconds, useIssueTime: true } })).toThrow(RangeError);
  });
});
