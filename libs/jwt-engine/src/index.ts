export { checkKeyFor } from './check-key.ts';
export { compileSigner, type SignerOptions, UnusableSigningKey } from './compile-signer.ts';
export { compileVerifier, type KeySelector, type VerifierOptions } from './compile-verifier.ts';
export { type JsonObject, type JsonValue } from './json-value.ts';
export { checkDecryptionKeyFor } from './jwe/check-decryption-key.ts';
export { type AsyncVerifier, compileEncryptedVerifier } from './jwe/compile-encrypted-verifier.ts';
export {
  type DecryptionKeySelector,
  type EncryptedVerifierOptions,
  type EncryptionRules,
} from './jwe/encrypted-verifier-options.ts';
export { jwksSelectorFrom, readJwks, type ReadJwks } from './jwks-selector.ts';
export {
  isJweContentAlgorithmName,
  isJweKeyAlgorithmName,
  JWE_CONTENT_ALGORITHM_NAMES,
  JWE_KEY_ALGORITHM_NAMES,
  type JweContentAlgorithmName,
  type JweFamily,
  jweFamily,
  type JweKeyAlgorithmName,
  MAX_PBKDF2_ITERATIONS,
} from './jwe-algorithms.ts';
export {
  isJwsAlgorithmName,
  JWS_ALGORITHM_NAMES,
  type JwsAlgorithmName,
  jwsFamily,
  type JwsFamily,
} from './jws-algorithms.ts';
export {
  type DecodedJwt,
  type JwtRefusal,
  type JwtRefusalCode,
  type JwtRefusalDetail,
  type KeyFaultCode,
  refusal,
} from './jwt-refusal.ts';
export { privateKeyFrom, publicKeyFrom } from './pem-keys.ts';
export {
  generateKey,
  isSoundPair,
  jwkFromKey,
  KEY_CURVES,
  type KeyCurve,
  keyFactsOf,
  type KeyFacts,
  keyFromJwk,
  type KeyKind,
} from './portable-keys.ts';
export { secretKeyFrom, type SecretEncoding } from './secret-keys.ts';
export {
  BrokenSigningKey,
  type GeneratedKey,
  generateSigningKey,
  generateSigningKeyAside,
  jwkThumbprint,
  publicJwk,
  type SigningKey,
  signingKeyFromJwk,
} from './signing-keys.ts';
export { type ClaimCheck, MAX_TOKEN_LENGTH, type TokenRules, type Verifier, type VerifyResult } from './token-rules.ts';
export {
  type VerifiedTokenCounts,
  type VerifiedTokenLimits,
  VerifiedTokens,
} from './verified-tokens/verified-tokens.ts';
