import { compileClaimChecks } from '../compile-claim-checks.ts';
import { jweFamily } from '../jwe-algorithms.ts';
import { type JwtRefusal, refusal } from '../jwt-refusal.ts';
import { parseJsonObject } from '../strict-json.ts';
import { type TokenRules, type VerifyResult } from '../token-rules.ts';
import { checkDecryptionKeyFor } from './check-decryption-key.ts';
import { type DecryptionKey, prepareDecryptionKey } from './decryption-key.ts';
import { compileTokenReader, type EncryptedToken } from './encrypted-token.ts';
import {
  compileKeyFinder,
  type EncryptedVerifierOptions,
  type EncryptionRules,
  requireEncryptionRules,
} from './encrypted-verifier-options.ts';
import { checkPasswordParameters } from './password-parameters.ts';
import { hasSoundShape } from './token-shape.ts';

/**
 * Judges one token at `nowSeconds` since the epoch (may be fractional). No token makes the promise reject; a selector or a
 * check of the caller that throws does.
 */
export type AsyncVerifier<Context> = (token: string, nowSeconds: number, context: Context) => Promise<VerifyResult>;

/** Steps 11 to 16 of the evaluation order: the payload's JSON, then its claims. */
const compilePayloadCheck = <Context>(
  options: TokenRules<Context>,
): ((token: EncryptedToken, payload: Buffer, nowSeconds: number, context: Context) => VerifyResult) => {
  const judgeClaims = compileClaimChecks(options);
  return ({ header, headerText }, payload, nowSeconds, context) => {
    const parsed = parseJsonObject(payload);
    if (parsed === undefined) return refusal('InvalidJsonFormat');
    const jwt = { header, claims: parsed.value, headerText, payloadText: parsed.text };
    return judgeClaims(jwt, nowSeconds, context);
  };
};

/** Why a key that fits the algorithm does not fit this token, or what the token may not ask of it. */
const compileTokenFault = (
  rules: EncryptionRules,
): ((token: EncryptedToken, found: DecryptionKey) => JwtRefusal | undefined) => {
  switch (jweFamily(rules.keyAlgorithm)) {
    case 'direct':
      return ({ contentAlgorithm }, { key }) => checkDecryptionKeyFor(rules.keyAlgorithm, key, contentAlgorithm);
    case 'password':
      return ({ header }) => checkPasswordParameters(header, rules);
    case 'rsa':
    case 'wrap':
    case 'gcm-wrap':
    case 'agreement':
      return () => undefined;
  }
};

/**
 * Resolves every option once and returns the function that opens encrypted tokens in compact form (RFC 7516 section 5.2)
 * and judges their claims.
 *
 * The order is fixed: parts and base64url, header, `alg`, `enc`, `crit`, `typ`, key, for PBES2 salt and count,
 * decryption, payload, then the claims as in a signed token. Nothing but the options decides algorithms and key; of the
 * key material in a header only `epk` is used, a point on the curve of our key, which key agreement needs.
 *
 * Whatever keeps a token from opening is `DecryptionFailed`: another key, a changed part, a part or a parameter of the wrong
 * length or form (`iv`, `tag`, `epk`, `apu`, `apv`, `p2s`), another `zip` than `DEF`, more than 256 KiB inflated.
 *
 * Private-key operations and derivations run off the event loop; everything that refuses a token without a key comes first.
 *
 * @throws RangeError when an algorithm is unknown, or a number is negative, not finite or not whole where it must be.
 */
export const compileEncryptedVerifier = <Context = void>(
  options: EncryptedVerifierOptions<Context>,
): AsyncVerifier<Context> => {
  const { encryption, key } = options;
  requireEncryptionRules(encryption);
  const { keyAlgorithm } = encryption;
  const readToken = compileTokenReader(options);
  const findKey = compileKeyFinder(key, (found) => prepareDecryptionKey(keyAlgorithm, found));
  const faultOf = compileTokenFault(encryption);
  const judge = compilePayloadCheck(options);

  return async (text, nowSeconds, context) => {
    const token = readToken(text);
    if ('ok' in token) return token;
    const found = findKey(token.header, context);
    if ('ok' in found) return found;
    const fault = faultOf(token, found);
    if (fault !== undefined) return fault;
    const payload = hasSoundShape(token, keyAlgorithm, found.key) ? await found.open(text, token) : undefined;
    return payload === undefined ? refusal('DecryptionFailed') : judge(token, payload, nowSeconds, context);
  };
};
