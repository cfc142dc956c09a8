import {
  RevocationLedgerUnavailable,
  type RevocationLedger,
  type RevocationUrgency,
  type TokenRevocation,
} from '#libs/token-revocations';
import type { RevocationFollower } from './revocation-follower.ts';
import type { RevocationJournal } from './revocation-journal.ts';

export interface RevocationWriterDeps {
  readonly ledger: RevocationLedger;
  readonly follower: Pick<RevocationFollower, 'learn' | 'rereadSoon'>;
  readonly journal: Pick<RevocationJournal, 'recorded' | 'notRecorded'>;
  /** Has every gateway look at once; may fail, they look each second anyway. */
  readonly nudge: () => Promise<void>;
  /** Milliseconds since the epoch: what requests are judged by. */
  readonly nowMs: () => number;
}

/** Revokes access tokens on behalf of their clients. */
export class RevocationWriter {
  constructor(private readonly deps: RevocationWriterDeps) {}

  /**
   * From the call on they hold here; when it fulfils they are recorded, and hold everywhere within a second. It can be
   * repeated.
   *
   * @throws RevocationLedgerUnavailable they may hold here alone, until they can be recorded
   */
  async revoke(revocations: readonly TokenRevocation[], urgency?: RevocationUrgency): Promise<void> {
    const { ledger, follower, journal, nudge, nowMs } = this.deps;
    follower.learn(revocations);
    try {
      await ledger.record(revocations, nowMs(), urgency);
    } catch (error) {
      follower.rereadSoon();
      if (error instanceof RevocationLedgerUnavailable) journal.notRecorded(error);
      throw error;
    }
    journal.recorded(revocations);
    // A hint can be lost: whoever does not get it looks by itself.
    await nudge().catch(() => undefined);
  }
}
