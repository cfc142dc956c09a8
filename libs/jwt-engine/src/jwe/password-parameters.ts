import { MAX_PBKDF2_ITERATIONS } from '../jwe-algorithms.ts';
import { type JsonObject, type JsonValue } from '../json-value.ts';
import { type JwtRefusal, refusal } from '../jwt-refusal.ts';
import { bytesOfParameter } from './encrypted-token.ts';

/** What a token's salt and count must be, beside the limits that hold for all. */
export interface PasswordRules {
  /** Length of the decoded `p2s`. */
  readonly saltBytes?: number;
  /** `p2c`. */
  readonly iterationCount?: number;
}

/** RFC 7518 section 4.8.1.1. */
const MIN_SALT_BYTES = 8;

const isSaltSound = (salt: Buffer, demandedBytes: number | undefined): boolean =>
  salt.length >= MIN_SALT_BYTES && salt.length === (demandedBytes ?? salt.length);

const isCountSound = (count: JsonValue | undefined, demanded: number | undefined): boolean =>
  typeof count === 'number' &&
  Number.isInteger(count) &&
  count >= 1 &&
  count <= MAX_PBKDF2_ITERATIONS &&
  count === (demanded ?? count);

/**
 * Judges what a token asks of a password, before anything is derived: `InvalidSaltLength`, then `InvalidIterationCount`,
 * also when `p2c` is absent or no whole number. A `p2s` that is no base64url has no length: the token does not open.
 */
export const checkPasswordParameters = (header: JsonObject, rules: PasswordRules): JwtRefusal | undefined => {
  const salt = bytesOfParameter(header['p2s']);
  if (salt !== undefined && !isSaltSound(salt, rules.saltBytes)) return refusal('InvalidSaltLength');
  return isCountSound(header['p2c'], rules.iterationCount) ? undefined : refusal('InvalidIterationCount');
};
