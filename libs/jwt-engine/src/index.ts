export { checkKeyFor } from './check-key.ts';
export { compileSigner, type SignerOptions, UnusableSigningKey } from './compile-signer.ts';
export {
  type ClaimCheck,
  compileVerifier,
  type KeySelector,
  MAX_TOKEN_LENGTH,
  type Verifier,
  type VerifierOptions,
  type VerifyResult,
} from './compile-verifier.ts';
export { type JsonObject, type JsonValue } from './json-value.ts';
export { jwksSelectorFrom } from './jwks-selector.ts';
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
  jwkThumbprint,
  publicJwk,
  type SigningKey,
  signingKeyFromJwk,
} from './signing-keys.ts';
