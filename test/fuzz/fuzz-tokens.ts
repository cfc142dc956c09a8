import { readFileSync } from 'node:fs';
import { type JwsAlgorithmName } from '#libs/jwt-engine';

/** Names of the key pairs of the fixture. */
export type FuzzKeyName = 'RSA' | 'P-256' | 'P-384' | 'P-521';

interface FuzzTokens {
  /** SPKI and PKCS#8. */
  readonly keys: Readonly<Record<FuzzKeyName, { readonly public: string; readonly private: string }>>;
  readonly password: string;
  readonly signed: Readonly<Record<string, { readonly key: FuzzKeyName; readonly tokens: readonly string[] }>>;
  readonly encrypted: readonly {
    readonly alg: string;
    readonly enc: string;
    readonly key: FuzzKeyName | 'password';
    readonly token: string;
  }[];
}

/**
 * Good tokens made once: PS and ES signatures and what is encrypted hold chance, and a run must be the same for the same
 * seed.
 */
export const FUZZ_TOKENS = JSON.parse(
  readFileSync(new URL('../fixtures/fuzz-tokens.json', import.meta.url), 'utf8'),
) as FuzzTokens;

export const FUZZ_SIGNED_ALGORITHMS = Object.keys(FUZZ_TOKENS.signed) as readonly JwsAlgorithmName[];
