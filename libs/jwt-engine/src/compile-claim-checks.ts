import { compileTimeCheck } from './compile-time-check.ts';
import { type JsonValue } from './json-value.ts';
import { type DecodedJwt, refusal } from './jwt-refusal.ts';
import { type ClaimCheck, type TokenRules, type VerifyResult } from './token-rules.ts';

const requireIssuer = (issuer: string): ClaimCheck<unknown> => {
  const mismatch = refusal('ClaimMismatch', { claim: 'iss' });
  return ({ claims }) => (claims['iss'] === issuer ? undefined : mismatch);
};

const requireAudience = (audience: string): ClaimCheck<unknown> => {
  const mismatch = refusal('ClaimMismatch', { claim: 'aud' });
  const includes = (value: JsonValue | undefined): boolean =>
    value === audience || (Array.isArray(value) && value.includes(audience));
  return ({ claims }) => (includes(claims['aud']) ? undefined : mismatch);
};

/** Judges a token whose signature or tag was good. */
type ClaimJudge<Context> = (jwt: DecodedJwt, nowSeconds: number, context: Context) => VerifyResult;

/** Times, issuer, audience, then the caller's own checks; the first that fails decides, and brings the token along. */
export const compileClaimChecks = <Context>(options: TokenRules<Context>): ClaimJudge<Context> => {
  const checkTimes = compileTimeCheck(options);
  const checks: ClaimCheck<Context>[] = [({ claims }, nowSeconds) => checkTimes(claims, nowSeconds)];
  if (options.issuer !== undefined) checks.push(requireIssuer(options.issuer));
  if (options.audience !== undefined) checks.push(requireAudience(options.audience));
  checks.push(...(options.checks ?? []));
  return (jwt, nowSeconds, context) => {
    for (const check of checks) {
      const failed = check(jwt, nowSeconds, context);
      if (failed !== undefined) return { ...failed, jwt };
    }
    return { ok: true, jwt };
  };
};
