import { errorFacts, type Logger } from '#libs/program-shell';
import { RevocationLedgerFull, type RevocationLedgerUnavailable, type TokenRevocation } from '#libs/token-revocations';
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts';
import type { RevocationMetrics } from '../metrics/revocation-metrics.ts';
import { REVOCATIONS_FILE } from './revocations-file.ts';

/** Says what becomes of revocations: as log lines and metrics. No line names a token or a user. */
export class RevocationJournal {
  private isNotKept = false;

  constructor(
    private readonly logger: Logger,
    private readonly metrics: Pick<GatewayMetrics, 'countReport'>,
    private readonly own: Pick<RevocationMetrics, 'countRecorded'>,
  ) {}

  recorded(revocations: readonly TokenRevocation[]): void {
    for (const { by } of revocations) this.own.countRecorded(by);
  }

  notRecorded(error: RevocationLedgerUnavailable): void {
    const isFull = error instanceof RevocationLedgerFull;
    const problem = isFull ? 'revocations-full' : 'revocations-not-recorded';
    this.metrics.countReport(problem);
    this.logger.error(
      { problem, reason: errorFacts(error).reason },
      'revoked here, and not recorded for other gateways yet',
    );
  }

  refused(count: number): void {
    this.metrics.countReport('altered-revocation');
    this.logger.warn(
      { problem: 'altered-revocation', count },
      'entries of the revocation ledger were not sealed in this environment: refused',
    );
  }

  /** Redis had lost them. */
  writtenBack(count: number): void {
    this.metrics.countReport('revocations-written-back');
    this.logger.warn({ problem: 'revocations-written-back', count }, 'revocations were missing in Redis: written back');
  }

  restored(count: number): void {
    this.logger.info({ count }, 'revocations are known from disk');
  }

  fileFault(problem: 'broken' | 'altered'): void {
    this.metrics.countReport(`snapshot-${problem}`);
    this.logger.error({ file: REVOCATIONS_FILE, problem }, 'a snapshot file is broken or altered: what opens is used');
  }

  /** Once for as long as it lasts. */
  notKept(error: unknown): void {
    if (this.isNotKept) return;
    this.isNotKept = true;
    this.metrics.countReport('snapshot-not-written');
    this.logger.error({ reason: errorFacts(error).reason }, 'revocations could not be kept on disk');
  }

  kept(): void {
    this.isNotKept = false;
  }
}
