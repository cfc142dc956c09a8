import type { ConfigChannel } from '#libs/config-distribution';
import type { Logger } from '#libs/program-shell';
import { KnownRevocations, type RevocationLedger } from '#libs/token-revocations';
import type { GatewayMetrics } from '../../metrics/gateway-metrics.ts';
import { RevocationMetrics } from '../../metrics/revocation-metrics.ts';
import { RevocationFollower } from '../revocation-follower.ts';
import { RevocationJournal } from '../revocation-journal.ts';
import { RevocationWriter } from '../revocation-writer.ts';
import { RevocationsFile } from '../revocations-file.ts';

/** What one gateway does with revocations: everything but Redis is real. */
export class RevocationsUnderTest {
  readonly known = new KnownRevocations();
  readonly follower: RevocationFollower;
  readonly writer: RevocationWriter;
  nudges = 0;

  constructor(
    environment: {
      readonly ledger: RevocationLedger;
      readonly channel: Pick<ConfigChannel, 'nudge'>;
      readonly nowMs: number;
    },
    directory: string,
    logger: Logger,
    metrics: GatewayMetrics,
  ) {
    const { known } = this;
    const { ledger } = environment;
    const own = new RevocationMetrics(metrics.registry);
    own.observe(known);
    const journal = new RevocationJournal(logger, metrics, own);
    const nowMs = (): number => environment.nowMs;
    const nudge = async (): Promise<void> => {
      await environment.channel.nudge();
      this.nudges += 1;
    };
    this.follower = new RevocationFollower({ known, ledger, journal, nowMs, file: new RevocationsFile(directory) });
    this.writer = new RevocationWriter({ ledger, follower: this.follower, journal, nudge, nowMs });
  }
}
