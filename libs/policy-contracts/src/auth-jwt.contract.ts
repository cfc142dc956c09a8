import { z } from 'zod';
import { optional, withDefault, wholeNumber } from './nullable-fields.ts';
import { HEADER_NAME, policyBaseFields } from './policy-base.ts';
import { durationMs, TIME_UNITS, type TimeUnit } from './time-units.ts';
import { parseWith, type ContractWarning, type Parsed, type ValidationFault } from './validation-fault.ts';

export const AUTH_JWT_ALGORITHMS = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
] as const;
export const GRANT_TYPES = ['PASSWORD', 'CLIENT_CREDENTIALS'] as const;

export const AUTH_JWT_DEFAULTS = {
  userHeaderName: 'X-Authenticated-UserId',
  refreshTokenGraceSeconds: 10,
  /** Life of a refresh token when the policy names none, in milliseconds: 30 days. */
  refreshTokenLifeMs: 30 * 86_400_000,
} as const;

/** `policy-auth-jwt`, the seed field for field, then this product's additions (contract 4.1). */
const SCHEMA = z.strictObject({
  type: z.literal('policy-auth-jwt'),
  ...policyBaseFields,
  tokenNeverExpires: withDefault(z.boolean(), true),
  tokenExpiresInAmount: optional(wholeNumber(1)),
  tokenExpiresInUnit: optional(z.enum(TIME_UNITS)),
  refreshTokenAllowed: withDefault(z.boolean(), false),
  refreshTokenCount: optional(wholeNumber(1, 100_000)),
  refreshTokenExpiresInAmount: optional(wholeNumber(1)),
  refreshTokenExpiresInUnit: optional(z.enum(TIME_UNITS)),
  allowUrlParameters: withDefault(z.boolean(), false),
  managedFromThisPolicy: withDefault(z.boolean(), true),
  grantType: withDefault(z.enum(GRANT_TYPES), 'PASSWORD'),
  jwtSignatureAlgorithm: z.enum(AUTH_JWT_ALGORITHMS),
  keyStoreName: optional(z.string().min(1).max(255)),
  clearAuth: withDefault(z.boolean(), false),
  addUserToHeader: withDefault(z.boolean(), false),
  userHeaderName: withDefault(z.string().regex(HEADER_NAME, 'must be a header name'), AUTH_JWT_DEFAULTS.userHeaderName),
  requireClientSecret: withDefault(z.boolean(), true),
  refreshTokenMaxUses: optional(wholeNumber(1)),
  refreshTokenLimitAction: withDefault(z.enum(['REVOKE_OLDEST', 'REJECT']), 'REVOKE_OLDEST'),
  refreshTokenGraceSeconds: withDefault(wholeNumber(0, 300), AUTH_JWT_DEFAULTS.refreshTokenGraceSeconds),
  revocationCheck: withDefault(z.enum(['lastKnown']), 'lastKnown'),
});

export type AuthJwtContract = z.infer<typeof SCHEMA>;

function lifeFaults(
  policy: AuthJwtContract,
  names: {
    amount: 'tokenExpiresInAmount' | 'refreshTokenExpiresInAmount';
    unit: 'tokenExpiresInUnit' | 'refreshTokenExpiresInUnit';
  },
): ValidationFault[] {
  const amount = policy[names.amount];
  const unit = policy[names.unit];
  if (amount !== undefined && unit !== undefined) {
    if (durationMs(amount, unit) !== undefined) return [];
    const field = `policy.${names.amount}`;
    return [{ field, code: 'out_of_range', message: `${field} in ${unit} is more than 2^53 milliseconds` }];
  }
  if (amount === undefined && unit === undefined) return [];
  const [missing, given] = amount === undefined ? [names.amount, names.unit] : [names.unit, names.amount];
  return [{ field: `policy.${missing}`, code: 'required', message: `policy.${missing} is required beside ${given}` }];
}

function conditionalFaults(policy: AuthJwtContract): ValidationFault[] {
  const required = policy.tokenNeverExpires
    ? []
    : (['tokenExpiresInAmount', 'tokenExpiresInUnit'] as const).filter((name) => policy[name] === undefined);
  const life = { amount: 'tokenExpiresInAmount', unit: 'tokenExpiresInUnit' } as const;
  const refreshLife = { amount: 'refreshTokenExpiresInAmount', unit: 'refreshTokenExpiresInUnit' } as const;
  return [
    ...required.map((name) => ({
      field: `policy.${name}`,
      code: 'required',
      message: `policy.${name} is required when tokenNeverExpires is false`,
    })),
    ...(required.length > 0 ? [] : lifeFaults(policy, life)),
    ...lifeFaults(policy, refreshLife),
  ];
}

function warningsOf(policy: AuthJwtContract): ContractWarning[] {
  const warnings: ContractWarning[] = [];
  const warn = (name: string, message: string) => warnings.push({ field: `policy.${name}`, message });
  if (policy.tokenNeverExpires) warn('tokenNeverExpires', 'tokens of this policy never expire');
  if (policy.tokenNeverExpires && policy.refreshTokenAllowed) {
    warn('refreshTokenAllowed', 'a token that never expires comes without a refresh token');
  } else if (policy.refreshTokenAllowed && policy.refreshTokenExpiresInAmount === undefined) {
    warn('refreshTokenExpiresInAmount', 'not given: refresh tokens live 30 days');
  }
  if (policy.allowUrlParameters) warn('allowUrlParameters', 'tokens in URLs end up in logs and histories');
  if (!policy.requireClientSecret) warn('requireClientSecret', 'the client is not authenticated');
  if (!policy.managedFromThisPolicy) {
    warn('managedFromThisPolicy', 'this version issues tokens under /auth only; this policy checks, it does not issue');
  }
  return warnings;
}

/** Reads a `policy-auth-jwt` body under `policy`; every fault at once. */
export function parseAuthJwt(input: unknown): Parsed<AuthJwtContract> {
  const parsed = parseWith(SCHEMA, input, 'policy');
  if (!parsed.ok) return parsed;
  const faults = conditionalFaults(parsed.value);
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, value: parsed.value, warnings: warningsOf(parsed.value) };
}

/** Life of an access token in milliseconds; undefined when it never expires. */
export function accessTokenLifeMs(policy: AuthJwtContract): number | undefined {
  if (policy.tokenNeverExpires) return undefined;
  return lifeMs(policy.tokenExpiresInAmount, policy.tokenExpiresInUnit);
}

/** Life of a refresh token in milliseconds, counted from its issue. */
export function refreshTokenLifeMs(policy: AuthJwtContract): number {
  const named = lifeMs(policy.refreshTokenExpiresInAmount, policy.refreshTokenExpiresInUnit);
  return named ?? AUTH_JWT_DEFAULTS.refreshTokenLifeMs;
}

function lifeMs(amount: number | undefined, unit: TimeUnit | undefined): number | undefined {
  return amount === undefined || unit === undefined ? undefined : durationMs(amount, unit);
}
