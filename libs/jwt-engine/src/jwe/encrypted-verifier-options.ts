import { type KeyObject } from 'node:crypto';
import {
  isJweContentAlgorithmName,
  isJweKeyAlgorithmName,
  type JweContentAlgorithmName,
  type JweKeyAlgorithmName,
} from '../jwe-algorithms.ts';
import { type JsonObject } from '../json-value.ts';
import { type JwtRefusal } from '../jwt-refusal.ts';
import { type TokenRules } from '../token-rules.ts';
import { type PasswordRules } from './password-parameters.ts';

/**
 * Finds the key for a header that is not verified yet. It must never build a key from the header itself, and
 * should return the same KeyObject each time: what is derived from a key is kept per object.
 */
export type DecryptionKeySelector<Context> = (header: JsonObject, context: Context) => KeyObject | JwtRefusal;

export interface EncryptionRules extends PasswordRules {
  /** What the token's `alg` must be. */
  readonly keyAlgorithm: JweKeyAlgorithmName;
  /** What the token's `enc` must be. Default: any of the six. */
  readonly contentAlgorithm?: JweContentAlgorithmName;
}

export interface EncryptedVerifierOptions<Context> extends TokenRules<Context> {
  readonly encryption: EncryptionRules;
  /** A private key, a secret, or the bytes of a password as a secret key; or a selector, whose keys are judged when first seen. */
  readonly key: KeyObject | DecryptionKeySelector<Context>;
}

const requireCount = (name: string, value: number | undefined): void => {
  if (value !== undefined && (!Number.isInteger(value) || value < 0))
    throw new RangeError(`encryption.${name} must be a whole number, 0 or more`);
};

/** @throws RangeError when an algorithm is unknown or a demanded length or count is no whole number. */
export const requireEncryptionRules = (rules: EncryptionRules): void => {
  const { keyAlgorithm, contentAlgorithm, saltBytes, iterationCount } = rules;
  if (!isJweKeyAlgorithmName(keyAlgorithm)) throw new RangeError(`unknown key algorithm ${String(keyAlgorithm)}`);
  if (contentAlgorithm !== undefined && !isJweContentAlgorithmName(contentAlgorithm))
    throw new RangeError(`unknown content algorithm ${String(contentAlgorithm)}`);
  requireCount('saltBytes', saltBytes);
  requireCount('iterationCount', iterationCount);
};

type FindKey<Context, Prepared> = (header: JsonObject, context: Context) => Prepared | JwtRefusal;

/** Finds the prepared key of a token: prepared at once when there is one key, else once per key that is selected. */
export const compileKeyFinder = <Context, Prepared extends object>(
  key: EncryptedVerifierOptions<Context>['key'],
  prepare: (key: KeyObject) => Prepared | JwtRefusal,
): FindKey<Context, Prepared> => {
  if (typeof key !== 'function') {
    const prepared = prepare(key);
    return () => prepared;
  }
  const known = new WeakMap<KeyObject, Prepared | JwtRefusal>();
  return (header, context) => {
    const selected = key(header, context);
    if ('ok' in selected) return selected;
    const prepared = known.get(selected) ?? prepare(selected);
    known.set(selected, prepared);
    return prepared;
  };
};
