/**
 * What a revocation speaks of: one token by its `jti`, all tokens of one login (family), of a user (`sub`), of a client
 * (`client_id`), or of the whole environment.
 */
export const REVOKED_BY = ['token', 'family', 'user', 'client', 'everybody'] as const;
export type RevokedBy = (typeof REVOKED_BY)[number];

/** Access tokens that are not taken any more, whatever their `exp` says. */
export interface TokenRevocation {
  readonly by: RevokedBy;
  /** `jti`, id of the family, `sub` or `client_id`; '' for everybody. */
  readonly value: string;
  /** Tokens whose `iat` is this second or an earlier one are meant, epoch seconds; null: whenever they were issued. */
  readonly issuedUntilSeconds: number | null;
  /** From then on every token that is meant has expired, and this may be forgotten; epoch milliseconds. null: never. */
  readonly endsAtMs: number | null;
}

/** `endsAtMs` for tokens that have expired by some moment: one that no number can tell exactly is no end. */
export const endOf = (expiredByMs: number): number | null =>
  expiredByMs <= Number.MAX_SAFE_INTEGER ? Math.ceil(expiredByMs) : null;

const isNumberOrNull = (value: unknown): boolean => value === null || Number.isSafeInteger(value);

/** Whether something that was read is a revocation; what else it holds is passed over. */
export function isTokenRevocation(read: unknown): read is TokenRevocation {
  if (typeof read !== 'object' || read === null) return false;
  const { by, value, issuedUntilSeconds, endsAtMs } = read as Record<keyof TokenRevocation, unknown>;
  const isKnownKind = REVOKED_BY.some((known) => known === by);
  return isKnownKind && typeof value === 'string' && isNumberOrNull(issuedUntilSeconds) && isNumberOrNull(endsAtMs);
}

/** Two revocations of the same are one. */
export const revocationKey = ({ by, value }: Pick<TokenRevocation, 'by' | 'value'>): string => `${by} ${value}`;

const later = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? null : Math.max(one, other);

/** What two revocations of the same come to: every token that either of them means. */
export const joinedRevocation = (one: TokenRevocation, other: TokenRevocation): TokenRevocation => ({
  ...one,
  issuedUntilSeconds: later(one.issuedUntilSeconds, other.issuedUntilSeconds),
  endsAtMs: later(one.endsAtMs, other.endsAtMs),
});

/** Whether a revocation of the same says already what another one says. */
export function isCovered(by: TokenRevocation, other: TokenRevocation): boolean {
  const { issuedUntilSeconds, endsAtMs } = joinedRevocation(by, other);
  return issuedUntilSeconds === by.issuedUntilSeconds && endsAtMs === by.endsAtMs;
}

const FAMILY_END = '.';
/** Begins the id of a token of `/credential`, which whoever signs the token puts there. */
const CREDENTIAL_MARK = '~';

/** `jti` of an access token: of a login with a family it names that first, so that the login's tokens can be told by it. */
export const tokenIdOf = (familyId: string | undefined, own: string): string =>
  familyId === undefined ? own : `${familyId}${FAMILY_END}${own}`;

/** The family that a `jti` names; undefined: none. */
export function familyOfTokenId(tokenId: string): string | undefined {
  const start = tokenId.startsWith(CREDENTIAL_MARK) ? 1 : 0;
  const end = tokenId.indexOf(FAMILY_END, start);
  return end <= start ? undefined : tokenId.slice(start, end);
}
