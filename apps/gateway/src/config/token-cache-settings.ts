import type { VerifiedTokenLimits } from '#libs/jwt-engine';
import type { SettingsReader } from '#libs/program-shell';

export interface TokenCacheSettings {
  /** Of good tokens of all policies, in each process; undefined: none is remembered. */
  readonly tokenCache: VerifiedTokenLimits | undefined;
}

/** 32 MiB hold 10,000 tokens with 400 characters of claims, few of which are lists or objects. */
export const TOKEN_CACHE_DEFAULTS: VerifiedTokenLimits = { entries: 10_000, bytes: 32 * 1024 * 1024 };

const ENTRIES = [0, 10_000_000] as const;
const BYTES = [0, 4 * 1024 * 1024 * 1024] as const;

/** Reads how many verified tokens are remembered; 0 of either turns it off. */
export function tokenCacheSettings(reader: SettingsReader): TokenCacheSettings {
  const entries = reader.integer('VERIFIED_TOKEN_CACHE_ENTRIES', ENTRIES, TOKEN_CACHE_DEFAULTS.entries);
  const bytes = reader.integer('VERIFIED_TOKEN_CACHE_BYTES', BYTES, TOKEN_CACHE_DEFAULTS.bytes);
  return { tokenCache: entries === 0 || bytes === 0 ? undefined : { entries, bytes } };
}
