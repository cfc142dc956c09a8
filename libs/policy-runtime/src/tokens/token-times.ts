import type { JsonValue } from '#libs/jwt-engine';

/** Seconds of a claim in milliseconds; undefined when they are no number, or too many. */
export function millisecondsOf(seconds: JsonValue | undefined): number | undefined {
  if (typeof seconds !== 'number') return undefined;
  const ms = Math.round(seconds * 1000);
  return Number.isFinite(ms) ? ms : undefined;
}

/** 2017-11-07T23:53:55.000+0000, as Java's yyyy-MM-dd'T'HH:mm:ss.SSSZ prints it in UTC; undefined beyond dates. */
export function formattedDate(ms: number | undefined): string | undefined {
  if (ms === undefined) return undefined;
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return undefined;
  // A year of more than four digits has a sign and zeros in front in ISO 8601, not so in Java.
  return date.toISOString().replace(/^\+0*/, '').replace('Z', '+0000');
}

const padded = (value: number, digits = 2): string => String(value).padStart(digits, '0');

/** 00:59:59.926; hours go on after 24, a negative duration has a minus in front (`verify-jwt.md` 6.1). */
export function formattedDuration(ms: number | undefined): string | undefined {
  if (ms === undefined) return undefined;
  const left = Math.abs(ms);
  const clock = [Math.floor(left / 3_600_000), Math.floor(left / 60_000) % 60, Math.floor(left / 1000) % 60];
  return `${ms < 0 ? '-' : ''}${clock.map((part) => padded(part)).join(':')}.${padded(left % 1000, 3)}`;
}
