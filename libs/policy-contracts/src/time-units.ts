/** The seed's EnumTimeUnit in milliseconds. Months are 30 days and years 365 (contract 4.1). */
export const TIME_UNIT_MS = {
  MILLI_SECONDS: 1,
  SECONDS: 1_000,
  MINUTES: 60_000,
  HOURS: 3_600_000,
  DAYS: 86_400_000,
  WEEKS: 7 * 86_400_000,
  MONTHS: 30 * 86_400_000,
  YEARS: 365 * 86_400_000,
} as const;

export type TimeUnit = keyof typeof TIME_UNIT_MS;
export const TIME_UNITS = Object.keys(TIME_UNIT_MS) as [TimeUnit, ...TimeUnit[]];

/** The longest duration a policy may name, in milliseconds. */
export const LONGEST_DURATION_MS = 2 ** 53;

/** Amount times unit in milliseconds; undefined when it is beyond what a policy may name. */
export function durationMs(amount: number, unit: TimeUnit): number | undefined {
  const ms = amount * TIME_UNIT_MS[unit];
  return ms <= LONGEST_DURATION_MS ? ms : undefined;
}
