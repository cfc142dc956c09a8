import { errorFacts, type Logger } from '#libs/program-shell';
import type { CredentialMetrics } from '../metrics/credential-metrics.ts';
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts';
import type { CredentialEvents, ReadOutcome } from './gateway-credentials.ts';

const REFUSED = {
  altered: ['altered-identity', 'records of credentials were not sealed by the control plane: those before count'],
  older: ['older-identity', 'records of credentials are older than those that are known: refused'],
} as const;

/** Says what becomes of credentials: as log lines and metrics. No line names one. */
export class CredentialJournal implements CredentialEvents {
  constructor(
    private readonly logger: Logger,
    private readonly metrics: Pick<GatewayMetrics, 'countReport'>,
    private readonly own: Pick<CredentialMetrics, 'countRead'>,
  ) {}

  onRead(outcome: ReadOutcome): void {
    this.own.countRead(outcome);
  }

  onRefused(problem: keyof typeof REFUSED, count: number): void {
    const [report, text] = REFUSED[problem];
    this.metrics.countReport(report);
    this.logger.warn({ kind: 'credential', problem: report, count }, text);
  }

  onUnexpected(error: unknown): void {
    this.metrics.countReport('unexpected');
    this.logger.error(errorFacts(error), 'credentials could not be read');
  }
}
