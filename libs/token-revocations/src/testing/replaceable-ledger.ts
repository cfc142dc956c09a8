import { InMemoryRevocationLedger } from '../in-memory/in-memory-revocation-ledger.ts';
import {
  RevocationLedgerUnavailable,
  type LedgerPosition,
  type RevocationLedger,
  type RevocationUrgency,
} from '../revocation-ledger.port.ts';
import type { TokenRevocation } from '../token-revocation.ts';

/** A ledger whose server a test can take away, or replace by another one. */
export class ReplaceableLedger implements RevocationLedger {
  server: RevocationLedger = new InMemoryRevocationLedger();
  /** How often it was read and written to. */
  readonly calls = { record: 0, since: 0 };

  constructor(private readonly isThere: () => boolean = () => true) {}

  record = (revocations: readonly TokenRevocation[], nowMs: number, urgency?: RevocationUrgency) =>
    this.reach('record', (ledger) => ledger.record(revocations, nowMs, urgency));
  since = (position: LedgerPosition | undefined) => this.reach('since', (ledger) => ledger.since(position));

  private async reach<Value>(
    step: 'record' | 'since',
    work: (ledger: RevocationLedger) => Promise<Value>,
  ): Promise<Value> {
    if (!this.isThere()) throw new RevocationLedgerUnavailable(step, { cause: new Error('connect ECONNREFUSED') });
    this.calls[step] += 1;
    return work(this.server);
  }
}
