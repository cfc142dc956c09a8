/**
 * Whether less than `lengthMs` has gone by since `sinceMs`. A clock that was set back has gone by nothing that can be
 * told, so the span counts as over.
 */
export const isWithin = (sinceMs: number | undefined, lengthMs: number, nowMs: number): boolean =>
  sinceMs !== undefined && nowMs >= sinceMs && nowMs - sinceMs < lengthMs;
