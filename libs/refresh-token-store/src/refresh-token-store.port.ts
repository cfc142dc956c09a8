/** Whose tokens are counted together: one user of one policy of one proxy. */
export interface RefreshTokenOwner {
  readonly proxyId: string;
  readonly policy: string;
  /** User name; the client for client_credentials. */
  readonly subject: string;
}

/** What a login was for; the same for every token of its family. */
export interface RefreshTokenSubject extends RefreshTokenOwner {
  readonly clientId: string;
  /** Scope names parted by blanks, as granted at login; undefined: none. */
  readonly scope: string | undefined;
  /**
   * What proved the login, so that a caller can tell later whether that still holds (a password's id); undefined where
   * nothing of the kind did. Sealed with the family and no part of the owner: logins of one user count together.
   */
  readonly proofId: string | undefined;
}

/** What the policy says now. Changed numbers count from the next token on; what was issued keeps its own. */
export interface RefreshTokenRules {
  /** Life of each token, counted from its own issue, in milliseconds. */
  readonly lifeMs: number;
  /** How many tokens one owner may hold active, 1 or more; undefined: no limit. */
  readonly activeCount: number | undefined;
  /** What a login over `activeCount` does: end the oldest families, or be refused. */
  readonly limitAction: 'REVOKE_OLDEST' | 'REJECT';
  /** How many rotations one login may have; undefined: no limit. */
  readonly maxUses: number | undefined;
  /** How long a used token still gives its unused successor again, in milliseconds. 0: never. */
  readonly graceMs: number;
  /** How long a login can be refreshed at all, in milliseconds from the login on; no token outlives it; undefined: no limit. */
  readonly absoluteLifeMs?: number | undefined;
  /** Life of the access token that is given beside each token, in milliseconds; undefined: not said. */
  readonly accessLifeMs?: number | undefined;
}

/** Who presents a token. A token of anybody else is `foreign`. */
export interface RefreshTokenExpectation {
  readonly clientId: string;
  /** undefined: of whatever proxy it is. */
  readonly proxyId?: string | undefined;
  /** undefined: of whatever policy it is. */
  readonly policy?: string | undefined;
}

export type RefreshTokenIssue =
  | { readonly kind: 'issued'; readonly token: string; readonly familyId: string; readonly expiresAtMs: number }
  | { readonly kind: 'limit-reached' };

/** Why a token gives nothing. */
export type RefreshTokenRefusal =
  /** Not a token of this store, or of a family that ended or whose life is over. */
  | { readonly kind: 'unknown' }
  /**
   * The family's newest token outlived itself, or the login is older than it may be by now, which ends the family;
   * reported as `unknown` once the store forgot it.
   */
  | { readonly kind: 'expired' }
  /** Used before: somebody else has it too, so its whole family is ended (RFC 9700 section 4.14.2). */
  | { readonly kind: 'reused'; readonly familyId: string }
  /** `maxUses` rotations are done; the family is ended. */
  | { readonly kind: 'uses-exhausted' }
  /** Of another client, proxy or policy; nothing is changed. */
  | { readonly kind: 'foreign' }
  /** What is stored was not written by this store; nothing is changed. */
  | { readonly kind: 'altered' };

export type RefreshTokenRotation =
  | {
      /** `repeated`: a retry within the grace; the token is the one given before. */
      readonly kind: 'rotated' | 'repeated';
      readonly token: string;
      readonly familyId: string;
      readonly expiresAtMs: number;
      readonly subject: RefreshTokenSubject;
      /** Time of the login, epoch milliseconds. */
      readonly startedAtMs: number;
    }
  | RefreshTokenRefusal;

/**
 * A token as a look found it: rotating this instead of its text spares reading it again. Whatever happened in between
 * counts all the same. Printed, it shows nothing. Good for the store that gave it.
 */
export class SeenRefreshToken {
  readonly #token: string;
  readonly #read: unknown;

  constructor(token: string, read?: unknown) {
    this.#token = token;
    this.#read = read;
  }

  /** The text that was looked at. */
  get token(): string {
    return this.#token;
  }

  /** What its store read. */
  get read(): unknown {
    return this.#read;
  }
}

/** `accessEndsAtMs`: when the last access token of the family ends, epoch milliseconds; undefined: not known. */
export type RefreshTokenInspection =
  | {
      readonly kind: 'live';
      readonly accessEndsAtMs: number | undefined;
      readonly seen: SeenRefreshToken;
      readonly familyId: string;
      readonly subject: RefreshTokenSubject;
      /** Rotations since the login. */
      readonly uses: number;
      /** Time of the login, of this token's issue and of its end, epoch milliseconds. */
      readonly startedAtMs: number;
      readonly issuedAtMs: number;
      readonly expiresAtMs: number;
    }
  /** Used before; unlike a rotation, looking at it ends nothing. */
  | {
      readonly kind: 'used';
      readonly accessEndsAtMs: number | undefined;
      /** End of the family's newest token, epoch milliseconds. */
      readonly expiresAtMs: number;
      readonly familyId: string;
      readonly subject: RefreshTokenSubject;
    }
  | Exclude<RefreshTokenRefusal, { readonly kind: 'uses-exhausted' }>;

/** One login that can still be refreshed, without anything of its tokens. Times are epoch milliseconds. */
export interface RefreshTokenFamily {
  readonly familyId: string;
  readonly subject: RefreshTokenSubject;
  readonly startedAtMs: number;
  /** Issue and end of the newest token. */
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** Rotations since the login. */
  readonly uses: number;
  /** Time of the last rotation; undefined before the first. */
  readonly lastUsedAtMs: number | undefined;
  /** Gateway of the login; undefined: not known. */
  readonly startedBy: string | undefined;
  /** Gateway that gave the newest token; undefined: not known. */
  readonly lastGateway: string | undefined;
}

/**
 * Refresh tokens of one environment, for any number of gateways at once.
 *
 * A login opens a family; a family has one newest token, which alone is active. Every call is one atomic step for its
 * owner, and `nowMs` (epoch milliseconds) is the caller's clock: the store has none. Every call throws
 * `RefreshTokenStoreUnavailable` when it cannot tell whether it was done.
 */
export interface RefreshTokenStore {
  /** Opens a family and gives its first token, or refuses when the count is reached and `limitAction` is REJECT. */
  issue(subject: RefreshTokenSubject, rules: RefreshTokenRules, nowMs: number): Promise<RefreshTokenIssue>;
  /**
   * Uses the token up and gives its successor in the same family. A retry within the grace, while the successor is
   * unused, gets the same successor. Any other reuse ends the family.
   */
  rotate(
    token: string | SeenRefreshToken,
    expected: RefreshTokenExpectation,
    rules: RefreshTokenRules,
    nowMs: number,
  ): Promise<RefreshTokenRotation>;
  /** What the token is, without using it: nothing is changed. */
  inspect(token: string, expected: RefreshTokenExpectation, nowMs: number): Promise<RefreshTokenInspection>;
  /** Ends the family of a token, used or not; false when there was none. */
  revokeToken(token: string): Promise<boolean>;
  /** Ends one family of an owner; false when there was none. */
  revokeFamily(owner: RefreshTokenOwner, familyId: string): Promise<boolean>;
  /** Ends every family of an owner and gives their number, those included that expired but are not forgotten yet. */
  revokeSubject(owner: RefreshTokenOwner): Promise<number>;
  /** Families of an owner that live, oldest login first. What was not written by this store is left out. */
  familiesOf(owner: RefreshTokenOwner, nowMs: number): Promise<readonly RefreshTokenFamily[]>;
  /** How many tokens of an owner are active. */
  activeCount(owner: RefreshTokenOwner, nowMs: number): Promise<number>;
  /**
   * How many logins of the whole environment can be refreshed. A count for people: it is kept beside the steps, a
   * moment behind them, and may miss what a killed gateway did last. No limit is kept by it.
   */
  liveFamilies(nowMs: number): Promise<number>;
}

/** The store's server is away, did not answer in time or answered nonsense; the step may or may not have been done. */
export class RefreshTokenStoreUnavailable extends Error {
  readonly code = 'REFRESH_TOKEN_STORE_UNAVAILABLE';
  constructor(step: string, options?: ErrorOptions) {
    super(`refresh token store: ${step} was not answered`, options);
    this.name = 'RefreshTokenStoreUnavailable';
  }
}
