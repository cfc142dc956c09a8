import { randomUUID } from 'node:crypto';
import { toRecord } from '../record-changes.ts';
import {
  NOWHERE,
  REVOCATION_LEDGER_LIMITS,
  RevocationLedgerFull,
  roomFor,
  type LedgerNews,
  type LedgerPosition,
  type RevocationLedger,
  type RevocationUrgency,
} from '../revocation-ledger.port.ts';
import { isCovered, joinedRevocation, revocationKey, type TokenRevocation } from '../token-revocation.ts';

interface Entry {
  readonly revocation: TokenRevocation;
  readonly sequence: number;
}

/** A ledger for tests, and for whoever needs no Redis. */
export class InMemoryRevocationLedger implements RevocationLedger {
  /** In the order of their sequences. */
  private readonly entries = new Map<string, Entry>();
  private position = NOWHERE;

  constructor(private readonly limits: { readonly entries?: number; readonly page?: number } = {}) {}

  async record(
    revocations: readonly TokenRevocation[],
    nowMs: number,
    urgency: RevocationUrgency = 'usual',
  ): Promise<LedgerPosition> {
    const changes = toRecord(revocations).flatMap((revocation) => this.change(revocation));
    if (changes.length === 0) return this.position;
    this.forgetEnded(nowMs - REVOCATION_LEDGER_LIMITS.forgottenAfterMs);
    const added = changes.filter((revocation) => !this.entries.has(revocationKey(revocation))).length;
    const most = roomFor(urgency, this.limits.entries ?? REVOCATION_LEDGER_LIMITS.entries);
    if (added > 0 && this.entries.size + added > most) throw new RevocationLedgerFull();
    const epoch = this.position === NOWHERE ? randomUUID() : this.position.epoch;
    let sequence = Math.max(this.position.sequence, nowMs);
    for (const revocation of changes) {
      sequence += 1;
      this.entries.delete(revocationKey(revocation));
      this.entries.set(revocationKey(revocation), { revocation, sequence });
    }
    this.position = { epoch, sequence };
    return this.position;
  }

  async since(position: LedgerPosition | undefined): Promise<LedgerNews> {
    const { epoch, sequence } = this.position;
    const isFromStart = position?.epoch !== epoch || sequence < position.sequence;
    const after = isFromStart ? 0 : position.sequence;
    const page = this.limits.page ?? REVOCATION_LEDGER_LIMITS.page;
    const found = [...this.entries.values()].filter((entry) => entry.sequence > after).slice(0, page);
    const isMore = found.length >= page;
    return {
      position: isMore ? { epoch, sequence: found.at(-1)?.sequence ?? sequence } : this.position,
      isFromStart,
      revocations: found.map(({ revocation }) => revocation),
      refusedCount: 0,
      isMore,
      heldCount: this.entries.size,
    };
  }

  private change(revocation: TokenRevocation): readonly TokenRevocation[] {
    const held = this.entries.get(revocationKey(revocation))?.revocation;
    if (held === undefined) return [revocation];
    return isCovered(held, revocation) ? [] : [joinedRevocation(held, revocation)];
  }

  private forgetEnded(endedMs: number): void {
    for (const [key, { revocation }] of this.entries) {
      if (revocation.endsAtMs !== null && revocation.endsAtMs <= endedMs) this.entries.delete(key);
    }
  }
}
