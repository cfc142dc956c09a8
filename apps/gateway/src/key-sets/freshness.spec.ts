import { freshForSeconds } from './freshness.ts';

describe('a key set is fresh', () => {
  it.each([
    ['for 300 s without Cache-Control', undefined, 300],
    ['for 300 s without max-age', 'no-cache, private', 300],
    ['for 300 s when it says no-store', 'no-store, max-age=3600', 300],
    ['as long as max-age says', 'public, max-age=900', 900],
    ['as long as max-age says, whatever its spelling', 'Public,Max-Age="900"', 900],
    ['for a minute at least', 'max-age=0', 60],
    ['for an hour at most', 'max-age=86400', 3_600],
    ['for 300 s when max-age is no number', 'max-age=-1', 300],
    ['for 300 s when only shared caches are told', 's-maxage=900', 300],
  ])('%s', (_what, cacheControl, seconds) => {
    expect(freshForSeconds({ 'cache-control': cacheControl })).toBe(seconds);
  });

  it('as long as all of several Cache-Control headers say', () => {
    expect(freshForSeconds({ 'cache-control': ['public', 'max-age=900'] })).toBe(900);
  });

  it('as long as a cache on the way has left of it', () => {
    const fresh = (age: string) => freshForSeconds({ 'cache-control': 'max-age=3600', age });
    expect(['600', '3590', '9999', 'x'].map(fresh)).toEqual([3_000, 60, 60, 3_600]);
  });
});
