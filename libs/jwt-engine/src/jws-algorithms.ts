/** Families share a key type; only RS and PS may be allowed side by side. */
export type JwsFamily = 'HS' | 'RS' | 'PS' | 'ES';

type Digest = 'sha256' | 'sha384' | 'sha512';

interface SecretRules {
  readonly family: 'HS';
  readonly digest: Digest;
  /** Length of the MAC, and the least length of the secret (RFC 7518 section 3.2). */
  readonly digestBytes: number;
}

interface RsaRules {
  readonly family: 'RS' | 'PS';
  readonly digest: Digest;
  /** RFC 7518 sections 3.3 and 3.5. */
  readonly minModulusBits: number;
}

interface EcRules {
  readonly family: 'ES';
  readonly digest: Digest;
  /** OpenSSL's name of the only curve. */
  readonly curve: string;
  /** Length of r and s together (RFC 7518 section 3.4). */
  readonly signatureBytes: number;
}

/** What the engine knows of an algorithm. */
export type JwsAlgorithmRules = SecretRules | RsaRules | EcRules;

/** Everything the engine knows of an algorithm is on its line. To add one is to add a line. */
const RULES = {
  HS256: { family: 'HS', digest: 'sha256', digestBytes: 32 },
  HS384: { family: 'HS', digest: 'sha384', digestBytes: 48 },
  HS512: { family: 'HS', digest: 'sha512', digestBytes: 64 },
  RS256: { family: 'RS', digest: 'sha256', minModulusBits: 2048 },
  RS384: { family: 'RS', digest: 'sha384', minModulusBits: 2048 },
  RS512: { family: 'RS', digest: 'sha512', minModulusBits: 2048 },
  PS256: { family: 'PS', digest: 'sha256', minModulusBits: 2048 },
  PS384: { family: 'PS', digest: 'sha384', minModulusBits: 2048 },
  PS512: { family: 'PS', digest: 'sha512', minModulusBits: 2048 },
  ES256: { family: 'ES', digest: 'sha256', curve: 'prime256v1', signatureBytes: 64 },
  ES384: { family: 'ES', digest: 'sha384', curve: 'secp384r1', signatureBytes: 96 },
  ES512: { family: 'ES', digest: 'sha512', curve: 'secp521r1', signatureBytes: 132 },
} as const satisfies Record<string, JwsAlgorithmRules>;

/** The signature algorithms of RFC 7518 section 3.1 that the policies know; `none` is not one of them. */
export const JWS_ALGORITHM_NAMES = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
] as const satisfies readonly (keyof typeof RULES)[];

export type JwsAlgorithmName = (typeof JWS_ALGORITHM_NAMES)[number];

const names: ReadonlySet<string> = new Set(JWS_ALGORITHM_NAMES);

/** True for the twelve names exactly as written in RFC 7518 (case matters). */
export const isJwsAlgorithmName = (text: string): text is JwsAlgorithmName => names.has(text);

/** The line of the table. */
export const jwsRules = (name: JwsAlgorithmName): JwsAlgorithmRules => RULES[name];

/** The family decides the kind of key. */
export const jwsFamily = (name: JwsAlgorithmName): JwsFamily => RULES[name].family;
