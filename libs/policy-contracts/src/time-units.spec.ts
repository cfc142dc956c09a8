import fc from 'fast-check';
import { durationMs, LONGEST_DURATION_MS, TIME_UNIT_MS, TIME_UNITS } from './time-units.ts';

describe('a duration', () => {
  it.each([
    ['MILLI_SECONDS', 1],
    ['SECONDS', 1_000],
    ['MINUTES', 60_000],
    ['HOURS', 3_600_000],
    ['DAYS', 86_400_000],
    ['WEEKS', 604_800_000],
    ['MONTHS', 2_592_000_000],
    ['YEARS', 31_536_000_000],
  ] as const)('of 3 %s is three times %d milliseconds', (unit, ms) => {
    expect(durationMs(3, unit)).toBe(3 * ms);
  });

  it("has the seed's units and no others", () => {
    expect(TIME_UNITS).toEqual(['MILLI_SECONDS', 'SECONDS', 'MINUTES', 'HOURS', 'DAYS', 'WEEKS', 'MONTHS', 'YEARS']);
  });

  it('is exact up to 2^53 milliseconds and nothing beyond', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...TIME_UNITS),
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        (unit, amount) => {
          const exact = BigInt(amount) * BigInt(TIME_UNIT_MS[unit]);
          const ms = durationMs(amount, unit);
          return exact <= BigInt(LONGEST_DURATION_MS) ? ms !== undefined && BigInt(ms) === exact : ms === undefined;
        },
      ),
    );
  });
});
