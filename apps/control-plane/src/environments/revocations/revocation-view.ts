import type { RevokedBy, TokenRevocation } from '#libs/token-revocations';

/** A revocation as it is told. */
export interface RevocationView {
  readonly by: RevokedBy;
  /** `jti`, id of the login, user name or client id; null for everybody. */
  readonly value: string | null;
  /** Tokens issued before are meant, ISO 8601; null: whenever they were issued. */
  readonly issuedBefore: string | null;
  /** When the last token that is meant has expired, ISO 8601; null: never. */
  readonly endsAt: string | null;
}

/** The latest moment that a date can say (ECMA-262 21.4.1.1): a life may be longer. */
const LAST_MOMENT_MS = 8_640_000_000_000_000;
const timeText = (ms: number): string => new Date(Math.min(ms, LAST_MOMENT_MS)).toISOString();

export const revocationView = ({ by, value, issuedUntilSeconds, endsAtMs }: TokenRevocation): RevocationView => ({
  by,
  value: by === 'everybody' ? null : value,
  issuedBefore: issuedUntilSeconds === null ? null : timeText((issuedUntilSeconds + 1) * 1_000),
  endsAt: endsAtMs === null ? null : timeText(endsAtMs),
});
