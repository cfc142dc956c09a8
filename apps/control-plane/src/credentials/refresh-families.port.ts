/** One login of a user that can still be refreshed. Nothing of a token is in it. */
export interface RefreshFamily {
  readonly family: string;
  readonly proxyId: string;
  readonly policy: string;
  /** Of the login. */
  readonly clientId: string;
  readonly scope: string | undefined;
  /** Times are ISO 8601 in UTC: the login, the issue of the newest token and its end. */
  readonly startedAt: string;
  readonly issuedAt: string;
  readonly expiresAt: string;
  /** Refreshes since the login. */
  readonly uses: number;
  /** Of the last refresh; null before the first. */
  readonly lastUsedAt: string | null;
  /** Gateway of the login; null: not known. */
  readonly startedBy: string | null;
  /** Gateway that gave the newest token; null: not known. */
  readonly gateway: string | null;
}

/** Whose logins are counted together: a user's at one policy of one proxy. */
export interface FamilyOwner {
  readonly proxyId: string;
  readonly policy: string;
  readonly username: string;
}

/**
 * Refresh tokens in the Redis of an environment, where its gateways keep them.
 *
 * Every call throws DomainError UNAVAILABLE when that Redis cannot be reached.
 */
export interface RefreshFamilies {
  list(environmentId: string, owners: readonly FamilyOwner[]): Promise<RefreshFamily[]>;
  /** Ends one family, or all; gives how many ended. */
  revoke(environmentId: string, owners: readonly FamilyOwner[], family: string | undefined): Promise<number>;
}
export const REFRESH_FAMILIES = Symbol('REFRESH_FAMILIES');
