import type { Access } from './access.ts';

/** What a presented token is worth at this very moment. */
export type TokenStanding =
  | { readonly status: 'valid'; readonly access: Access }
  | { readonly status: 'expired' }
  /** Never made, or revoked. */
  | { readonly status: 'unknown' };

export interface TokenDirectory {
  /**
   * Looked up anew at every call, so that a revocation in one process is known to all of them at once.
   *
   * @throws Error when the database cannot be reached
   */
  standingOf(token: string): Promise<TokenStanding>;
}

export const TOKEN_DIRECTORY = Symbol('TOKEN_DIRECTORY');
