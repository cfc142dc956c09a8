import { KnownRevocations } from './known-revocations.ts';
import { REVOCATION_LEDGER_LIMITS } from './revocation-ledger.port.ts';
import { isTokenRevocation, type TokenRevocation } from './token-revocation.ts';

/**
 * What is to be recorded: one of each, joined.
 *
 * @throws RangeError for a value that is too long, and for numbers that would not be read back
 */
export function toRecord(revocations: readonly TokenRevocation[]): readonly TokenRevocation[] {
  const joined = new KnownRevocations();
  for (const revocation of revocations) {
    if (!isTokenRevocation(revocation)) throw new RangeError('a revocation holds a number that nobody could read');
    if (revocation.value.length > REVOCATION_LEDGER_LIMITS.valueLength) {
      throw new RangeError(`a revocation of ${revocation.value.length} characters is too long`);
    }
    joined.add(revocation);
  }
  return [...joined.all()];
}
