export { InMemoryRevocationLedger } from './in-memory/in-memory-revocation-ledger.ts';
export { KnownRevocations, type RevocableClaims } from './known-revocations.ts';
export { revocationKinds } from './redis/revocation-keys.ts';
export { RedisRevocationLedger } from './redis/redis-revocation-ledger.ts';
export {
  NOWHERE,
  REVOCATION_LEDGER_LIMITS,
  RevocationLedgerFull,
  RevocationLedgerUnavailable,
  type LedgerNews,
  type LedgerPosition,
  type RevocationLedger,
  type RevocationUrgency,
} from './revocation-ledger.port.ts';
export {
  endOf,
  familyOfTokenId,
  isCovered,
  isTokenRevocation,
  joinedRevocation,
  REVOKED_BY,
  revocationKey,
  tokenIdOf,
  type RevokedBy,
  type TokenRevocation,
} from './token-revocation.ts';
