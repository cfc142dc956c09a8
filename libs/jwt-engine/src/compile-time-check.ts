import { type JsonObject, type JsonValue } from './json-value.ts';
import { type JwtRefusal, refusal } from './jwt-refusal.ts';

/** The part of the verifier's options that concerns `exp`, `nbf` and `iat`. */
export interface TimeRules {
  readonly timeAllowanceSeconds?: number;
  readonly ignoreIssuedAt?: boolean;
  readonly maxLifespan?: { readonly seconds: number; readonly useIssueTime: boolean };
}

/** Judges the times of a verified token at `nowSeconds` since the epoch, which may be fractional. */
export type TimeCheck = (claims: JsonObject, nowSeconds: number) => JwtRefusal | undefined;

const NO_EXP = refusal('ClaimMismatch', { claim: 'exp' });
const NO_NBF = refusal('ClaimMismatch', { claim: 'nbf' });
const NO_IAT = refusal('ClaimMismatch', { claim: 'iat' });

/** A NumericDate may be fractional (RFC 7519 section 2); whole milliseconds make boundaries exact. */
const toMs = (numericDateSeconds: number): number => Math.round(numericDateSeconds * 1000);

const isNumericDate = (value: JsonValue | undefined): value is number | undefined =>
  value === undefined || (typeof value === 'number' && Number.isFinite(value));

const seconds = (name: string, value: number): number => {
  if (!Number.isFinite(value) || value < 0)
    throw new RangeError(`${name} must be a finite number of seconds, 0 or more`);
  return value;
};

type LifespanCheck = (
  expires: number | undefined,
  notBefore: number | undefined,
  issued: number | undefined,
) => JwtRefusal | undefined;

const compileLifespanCheck = (limit: TimeRules['maxLifespan']): LifespanCheck => {
  if (limit === undefined) return () => undefined;
  const limitMs = toMs(seconds('maxLifespan.seconds', limit.seconds));
  const { useIssueTime } = limit;
  return (expires, notBefore, issued) => {
    const start = useIssueTime ? issued : notBefore;
    if (start === undefined) return useIssueTime ? NO_IAT : NO_NBF;
    if (expires === undefined) return NO_EXP;
    // Written so that a difference that is no number (two infinities) is refused.
    return toMs(expires) - toMs(start) <= limitMs ? undefined : NO_EXP;
  };
};

/**
 * Prepares the checks of `exp`, `nbf`, `iat` and the lifespan, in this order. Each absent claim but those
 * that the lifespan needs is fine; one that is no number is a `ClaimMismatch`.
 *
 * Expired from `exp + allowance` on, not valid before `nbf - allowance` and, unless ignored, before `iat - allowance`.
 *
 * @throws RangeError when a number of seconds is negative or not finite.
 */
export const compileTimeCheck = (rules: TimeRules): TimeCheck => {
  const allowanceMs = toMs(seconds('timeAllowanceSeconds', rules.timeAllowanceSeconds ?? 0));
  const ignoresIssuedAt = rules.ignoreIssuedAt ?? false;
  const checkLifespan = compileLifespanCheck(rules.maxLifespan);

  return ({ exp, nbf, iat }, nowSeconds) => {
    // Comparisons are negated so that a clock that is no number lets nothing pass.
    const nowMs = toMs(nowSeconds);
    if (!isNumericDate(exp)) return NO_EXP;
    if (exp !== undefined && !(nowMs < toMs(exp) + allowanceMs)) return refusal('TokenExpired');
    if (!isNumericDate(nbf)) return NO_NBF;
    if (nbf !== undefined && !(nowMs >= toMs(nbf) - allowanceMs)) return refusal('TokenNotYetValid');
    if (!isNumericDate(iat)) return NO_IAT;
    if (iat !== undefined && !ignoresIssuedAt && !(nowMs >= toMs(iat) - allowanceMs))
      return refusal('TokenNotYetValid');
    return checkLifespan(exp, nbf, iat);
  };
};
