import { type JsonObject } from './json-value.ts';

/** What can be wrong with a key, its text or its selection; the names are those of the VerifyJWT fault table. */
export type KeyFaultCode =
  | 'KeyIdMissing'
  | 'NoMatchingPublicKey'
  | 'KeyParsingFailed'
  | 'WrongKeyType'
  | 'InvalidCurve'
  | 'InsufficientKeyLength'
  | 'InvalidSecretKey'
  | 'InvalidPublicKey'
  | 'InvalidPrivateKey'
  | 'InvalidPasswordKey'
  | 'InvalidKeyConfiguration';

/** Why a token is refused. A code is never renamed and never reused. */
export type JwtRefusalCode =
  /** Not three parts (five for an encrypted token), not base64url in its one spelling, or longer than {@link MAX_TOKEN_LENGTH}. */
  | 'MalformedToken'
  /** Header or payload is not a JSON object, not UTF-8, names a member twice, nests too deep or has too many values. */
  | 'InvalidJsonFormat'
  | 'NoAlgorithmInHeader'
  /** Carries `algorithm`. */
  | 'AlgorithmNotAllowed'
  /** Carries `header`. */
  | 'UnhandledCriticalHeader'
  | 'InvalidSignature'
  /** The key does not open the token, whatever the reason; which one it is would help who guesses. */
  | 'DecryptionFailed'
  /** Of a token under a password: the salt's length or `p2c` is not what the policy demands, or beyond all limits. */
  | 'InvalidSaltLength'
  | 'InvalidIterationCount'
  | 'TokenExpired'
  | 'TokenNotYetValid'
  /** Carries `claim`. */
  | 'ClaimMismatch'
  | 'WrongTokenType'
  | KeyFaultCode
  /** Carries `reference`. Raised by the caller's selectors and checks, never by the engine. */
  | 'UnresolvedReference';

/** A token's two JSON objects and their texts, decoded but otherwise as they stood in the token. */
export interface DecodedJwt {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  readonly headerText: string;
  readonly payloadText: string;
}

/** The facts a refusal may carry. They are the token's or the configuration's words, never key material. */
export interface JwtRefusalDetail {
  readonly claim?: string;
  readonly header?: string;
  readonly algorithm?: string;
  readonly reference?: string;
  /** The verified token, when the failure came after the signature had been checked. Never set before. */
  readonly jwt?: DecodedJwt;
}

/** An everyday outcome, so a value: building one costs no stack trace. */
export interface JwtRefusal extends JwtRefusalDetail {
  readonly ok: false;
  readonly code: JwtRefusalCode;
}

/** Made once per code, so that refusing in bulk allocates nothing. */
const constants = new Map<JwtRefusalCode, JwtRefusal>();

/** A frozen refusal; the same object every time when there is no detail. */
export const refusal = (code: JwtRefusalCode, detail?: JwtRefusalDetail): JwtRefusal => {
  if (detail !== undefined) return Object.freeze({ ok: false as const, code, ...detail });
  const known = constants.get(code);
  if (known !== undefined) return known;
  const made: JwtRefusal = Object.freeze({ ok: false as const, code });
  constants.set(code, made);
  return made;
};
