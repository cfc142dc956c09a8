import { compileTimeCheck } from './compile-time-check.ts';
import { type JsonValue } from './json-value.ts';
import { refusal } from './jwt-refusal.ts';
import { type ClaimCheck, type TokenRules } from './token-rules.ts';

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

/** Times, issuer, audience, then the caller's own checks; the first that fails decides. */
export const compileClaimChecks = <Context>(options: TokenRules<Context>): readonly ClaimCheck<Context>[] => {
  const checkTimes = compileTimeCheck(options);
  const checks: ClaimCheck<Context>[] = [({ claims }, nowSeconds) => checkTimes(claims, nowSeconds)];
  if (options.issuer !== undefined) checks.push(requireIssuer(options.issuer));
  if (options.audience !== undefined) checks.push(requireAudience(options.audience));
  return checks.concat(options.checks ?? []);
};
