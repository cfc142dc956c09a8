import { z } from 'zod';
import { optional, withDefault, wholeNumber } from './nullable-fields.ts';
import { cacheVerifiedTokens, policyBaseFields, policyHeader } from './policy-base.ts';
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

/** How a gateway treats its knowledge of revoked tokens: the last it had, not older than some seconds, or live only. */
export const REVOCATION_CHECKS = ['lastKnown', 'boundedStale', 'closed'] as const;

export const AUTH_JWT_DEFAULTS = {
  userHeaderName: 'X-Authenticated-UserId',
  refreshTokenGraceSeconds: 10,
  /** Life of a refresh token when the policy names none, in milliseconds: 30 days. */
  refreshTokenLifeMs: 30 * 86_400_000,
} as const;

/** `policy-auth-jwt`, the seed field for field, then this product's additions (contract 4.1). */
export const AUTH_JWT_SCHEMA = z.strictObject({
  type: z.literal('policy-auth-jwt'),
  ...policyBaseFields,
  tokenNeverExpires: withDefault(z.boolean(), true),
  tokenExpiresInAmount: optional(wholeNumber(1)),
  tokenExpiresInUnit: optional(z.enum(TIME_UNITS)),
  refreshTokenAllowed: withDefault(z.boolean(), false),
  refreshTokenCount: optional(wholeNumber(1, 100_000)),
  refreshTokenExpiresInAmount: optional(wholeNumber(1)),
  refreshTokenExpiresInUnit: optional(z.enum(TIME_UNITS)),
  refreshTokenAbsoluteExpiresInAmount: optional(wholeNumber(1)),
  refreshTokenAbsoluteExpiresInUnit: optional(z.enum(TIME_UNITS)),
  allowUrlParameters: withDefault(z.boolean(), false),
  managedFromThisPolicy: withDefault(z.boolean(), true),
  grantType: withDefault(z.enum(GRANT_TYPES), 'PASSWORD'),
  jwtSignatureAlgorithm: z.enum(AUTH_JWT_ALGORITHMS),
  keyStoreName: optional(z.string().min(1).max(255)),
  clearAuth: withDefault(z.boolean(), false),
  addUserToHeader: withDefault(z.boolean(), false),
  userHeaderName: withDefault(policyHeader, AUTH_JWT_DEFAULTS.userHeaderName),
  requireClientSecret: withDefault(z.boolean(), true),
  refreshTokenMaxUses: optional(wholeNumber(1)),
  refreshTokenLimitAction: withDefault(z.enum(['REVOKE_OLDEST', 'REJECT']), 'REVOKE_OLDEST'),
  refreshTokenGraceSeconds: withDefault(wholeNumber(0, 300), AUTH_JWT_DEFAULTS.refreshTokenGraceSeconds),
  revocationCheck: withDefault(z.enum(REVOCATION_CHECKS), 'lastKnown'),
  revocationStaleSeconds: optional(wholeNumber(1, 86_400)),
  cacheVerifiedTokens,
});

export type AuthJwtContract = z.infer<typeof AUTH_JWT_SCHEMA>;

interface LifeNames {
  readonly amount: 'tokenExpiresInAmount' | 'refreshTokenExpiresInAmount' | 'refreshTokenAbsoluteExpiresInAmount';
  readonly unit: 'tokenExpiresInUnit' | 'refreshTokenExpiresInUnit' | 'refreshTokenAbsoluteExpiresInUnit';
}
const ACCESS_LIFE: LifeNames = { amount: 'tokenExpiresInAmount', unit: 'tokenExpiresInUnit' };
const REFRESH_LIFE: LifeNames = { amount: 'refreshTokenExpiresInAmount', unit: 'refreshTokenExpiresInUnit' };
const ABSOLUTE_LIFE: LifeNames = {
  amount: 'refreshTokenAbsoluteExpiresInAmount',
  unit: 'refreshTokenAbsoluteExpiresInUnit',
};
const LIVES = [ACCESS_LIFE, REFRESH_LIFE, ABSOLUTE_LIFE];

const isGiven = (raw: Readonly<Record<string, unknown>>, name: string): boolean =>
  raw[name] !== undefined && raw[name] !== null;

const required = (name: string, when: string): ValidationFault => {
  const field = `policy.${name}`;
  return { field, code: 'required', message: `${field} is required ${when}` };
};

/** Members that others call for. Looks at the body as it came, so that they are missed together with other faults. */
function missingFaults(input: unknown): ValidationFault[] {
  if (typeof input !== 'object' || input === null) return [];
  const raw = input as Readonly<Record<string, unknown>>;
  const expires = raw['tokenNeverExpires'] === false;
  return LIVES.flatMap(({ amount, unit }) => {
    const missing = [amount, unit].filter((name) => !isGiven(raw, name));
    if (expires && amount === ACCESS_LIFE.amount) {
      return missing.map((name) => required(name, 'when tokenNeverExpires is false'));
    }
    return missing.length === 1 ? missing.map((name) => required(name, `beside ${name === unit ? amount : unit}`)) : [];
  });
}

const STALE = 'revocationStaleSeconds';

/** How old knowledge may be belongs to `boundedStale`: elsewhere it would be a promise that nobody keeps. */
function stalenessFaults(input: unknown): ValidationFault[] {
  if (typeof input !== 'object' || input === null) return [];
  const raw = input as Readonly<Record<string, unknown>>;
  const isBounded = raw['revocationCheck'] === 'boundedStale';
  if (isBounded === isGiven(raw, STALE)) return [];
  if (isBounded) return [required(STALE, 'when revocationCheck is boundedStale')];
  const field = `policy.${STALE}`;
  return [{ field, code: 'invalid', message: `${field} goes with revocationCheck boundedStale only` }];
}

/** Amounts that are whole numbers each, but too long a time in their unit. */
function durationFaults(policy: AuthJwtContract): ValidationFault[] {
  return LIVES.flatMap(({ amount, unit }) => {
    const [amountGiven, unitGiven] = [policy[amount], policy[unit]];
    if (amountGiven === undefined || unitGiven === undefined) return [];
    if (durationMs(amountGiven, unitGiven) !== undefined) return [];
    const field = `policy.${amount}`;
    return [{ field, code: 'out_of_range', message: `${field} in ${unitGiven} is more than 2^53 milliseconds` }];
  });
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
  const loginLife = loginLifeMs(policy);
  if (loginLife !== undefined && loginLife < refreshTokenLifeMs(policy)) {
    warn('refreshTokenAbsoluteExpiresInAmount', 'shorter than the life of a refresh token: that ends with the login');
  }
  if (policy.allowUrlParameters) warn('allowUrlParameters', 'tokens in URLs end up in logs and histories');
  if (!policy.requireClientSecret) warn('requireClientSecret', 'the client is not authenticated');
  return warnings;
}

/** Reads a `policy-auth-jwt` body under `policy`; every fault at once. */
export function parseAuthJwt(input: unknown): Parsed<AuthJwtContract> {
  const parsed = parseWith(AUTH_JWT_SCHEMA, input, 'policy');
  const missing = [...missingFaults(input), ...stalenessFaults(input)];
  if (!parsed.ok) return { ok: false, faults: [...parsed.faults, ...missing] };
  const faults = [...missing, ...durationFaults(parsed.value)];
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, value: parsed.value, warnings: warningsOf(parsed.value) };
}

/** Life of an access token in milliseconds; undefined when it never expires. */
export function accessTokenLifeMs(policy: AuthJwtContract): number | undefined {
  if (policy.tokenNeverExpires) return undefined;
  return lifeMs(policy.tokenExpiresInAmount, policy.tokenExpiresInUnit);
}

/** How long a login can be refreshed at all, in milliseconds from the login on; undefined: as long as its tokens are used. */
export const loginLifeMs = (policy: AuthJwtContract): number | undefined =>
  lifeMs(policy.refreshTokenAbsoluteExpiresInAmount, policy.refreshTokenAbsoluteExpiresInUnit);

/** Life of a refresh token in milliseconds, counted from its issue. */
export function refreshTokenLifeMs(policy: AuthJwtContract): number {
  const named = lifeMs(policy.refreshTokenExpiresInAmount, policy.refreshTokenExpiresInUnit);
  return named ?? AUTH_JWT_DEFAULTS.refreshTokenLifeMs;
}

function lifeMs(amount: number | undefined, unit: TimeUnit | undefined): number | undefined {
  return amount === undefined || unit === undefined ? undefined : durationMs(amount, unit);
}
