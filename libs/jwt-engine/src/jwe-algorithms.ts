/** How a token's content encryption key is kept (RFC 7518 section 4): the family decides the kind of key. */
export type JweFamily = 'direct' | 'rsa' | 'wrap' | 'gcm-wrap' | 'password' | 'agreement';

interface DirectRules {
  readonly family: 'direct';
}

interface RsaRules {
  readonly family: 'rsa';
  readonly digest: 'sha256';
  readonly minModulusBits: number;
}

interface WrapRules {
  readonly family: 'wrap' | 'gcm-wrap';
  /** Length of the secret, exactly. */
  readonly keyBytes: number;
}

interface PasswordRules {
  readonly family: 'password';
  readonly digest: 'sha256' | 'sha384' | 'sha512';
  /** Length of the key that is derived from the password and unwraps (RFC 7518 section 4.8). */
  readonly keyBytes: number;
}

interface AgreementRules {
  readonly family: 'agreement';
  /** Length of the agreed key that unwraps; undefined: what is agreed is the content encryption key itself. */
  readonly keyBytes: number | undefined;
}

/** What the engine knows of a key encryption algorithm. */
export type JweKeyRules = DirectRules | RsaRules | WrapRules | PasswordRules | AgreementRules;

/** Everything the engine knows of an algorithm is on its line. */
const KEY_RULES = {
  dir: { family: 'direct' },
  'RSA-OAEP-256': { family: 'rsa', digest: 'sha256', minModulusBits: 2048 },
  A128KW: { family: 'wrap', keyBytes: 16 },
  A192KW: { family: 'wrap', keyBytes: 24 },
  A256KW: { family: 'wrap', keyBytes: 32 },
  A128GCMKW: { family: 'gcm-wrap', keyBytes: 16 },
  A192GCMKW: { family: 'gcm-wrap', keyBytes: 24 },
  A256GCMKW: { family: 'gcm-wrap', keyBytes: 32 },
  'PBES2-HS256+A128KW': { family: 'password', digest: 'sha256', keyBytes: 16 },
  'PBES2-HS384+A192KW': { family: 'password', digest: 'sha384', keyBytes: 24 },
  'PBES2-HS512+A256KW': { family: 'password', digest: 'sha512', keyBytes: 32 },
  'ECDH-ES': { family: 'agreement', keyBytes: undefined },
  'ECDH-ES+A128KW': { family: 'agreement', keyBytes: 16 },
  'ECDH-ES+A192KW': { family: 'agreement', keyBytes: 24 },
  'ECDH-ES+A256KW': { family: 'agreement', keyBytes: 32 },
} as const satisfies Record<string, JweKeyRules>;

export type JweKeyAlgorithmName = keyof typeof KEY_RULES;
/** The key encryption algorithms that the policies know; RSA1_5, RSA-OAEP with SHA-1 and the OKP curves are not among them. */
export const JWE_KEY_ALGORITHM_NAMES = Object.keys(KEY_RULES) as readonly JweKeyAlgorithmName[];

/** What the engine knows of a content encryption algorithm (RFC 7518 section 5). */
export interface JweContentRules {
  readonly mode: 'cbc-hmac' | 'gcm';
  /** Length of the content encryption key. */
  readonly keyBytes: number;
  readonly initializationVectorBytes: number;
  readonly tagBytes: number;
}

const CBC = { mode: 'cbc-hmac', initializationVectorBytes: 16 } as const;
const GCM = { mode: 'gcm', initializationVectorBytes: 12, tagBytes: 16 } as const;

const CONTENT_RULES = {
  'A128CBC-HS256': { ...CBC, keyBytes: 32, tagBytes: 16 },
  'A192CBC-HS384': { ...CBC, keyBytes: 48, tagBytes: 24 },
  'A256CBC-HS512': { ...CBC, keyBytes: 64, tagBytes: 32 },
  A128GCM: { ...GCM, keyBytes: 16 },
  A192GCM: { ...GCM, keyBytes: 24 },
  A256GCM: { ...GCM, keyBytes: 32 },
} as const satisfies Record<string, JweContentRules>;

export type JweContentAlgorithmName = keyof typeof CONTENT_RULES;
export const JWE_CONTENT_ALGORITHM_NAMES = Object.keys(CONTENT_RULES) as readonly JweContentAlgorithmName[];

/** True for the names exactly as RFC 7518 writes them (case matters). */
export const isJweKeyAlgorithmName = (text: string): text is JweKeyAlgorithmName => Object.hasOwn(KEY_RULES, text);
export const isJweContentAlgorithmName = (text: string): text is JweContentAlgorithmName =>
  Object.hasOwn(CONTENT_RULES, text);

/** The lines of the tables. */
export const jweKeyRules = (name: JweKeyAlgorithmName): JweKeyRules => KEY_RULES[name];
export const jweContentRules = (name: JweContentAlgorithmName): JweContentRules => CONTENT_RULES[name];

/** The family decides the kind of key. */
export const jweFamily = (name: JweKeyAlgorithmName): JweFamily => KEY_RULES[name].family;

/** Most iterations a token under a password may ask for: deriving a key costs whoever verifies, not whoever asks. */
export const MAX_PBKDF2_ITERATIONS = 1_000_000;
