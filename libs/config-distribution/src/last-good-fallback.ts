import type { ConfigChannel, StoredLastGood } from './config-channel.port.ts';
import type { ApplyOutcome, FollowedDeployments } from './followed-deployments.ts';
import { openLastGoodChange, type IncomingChange } from './incoming-change.ts';
import type { ChangeRecord } from './messages.ts';
import type { ReportOnce } from './report-once.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';

export interface LastGoodFallbackDeps {
  readonly channel: ConfigChannel;
  readonly keys: ChannelKeys;
  readonly deployments: FollowedDeployments;
  readonly reports: ReportOnce;
  readonly apply: (changes: readonly IncomingChange[]) => Promise<ReadonlyMap<string, ApplyOutcome>>;
}

/**
 * What a gateway serves of a proxy whose newest deployment it cannot apply: the last good one kept beside it, where that
 * is newer than what runs. The newest one stays rejected.
 */
export class LastGoodFallback {
  /** By proxy, the deployment that was rejected, and beside which the last good one was not looked for yet. */
  private readonly wanted = new Map<string, number>();

  constructor(private readonly deps: LastGoodFallbackDeps) {}

  /** The newest deployment of a proxy was just rejected. */
  want({ proxyId, deployment }: Pick<ChangeRecord, 'proxyId' | 'deployment'>): void {
    this.wanted.set(proxyId, deployment);
  }

  /**
   * Looks for what is wanted; when it throws, the next time does.
   *
   * @throws ChannelUnavailable
   */
  async take(): Promise<void> {
    if (this.wanted.size === 0) return;
    const { channel, apply, deployments, reports } = this.deps;
    const stored = await channel.lastGood([...this.wanted.keys()]);
    const incoming = [...this.wanted].flatMap(([proxyId, rejected]) =>
      this.open(proxyId, rejected, stored.get(proxyId)),
    );
    const outcomes = incoming.length === 0 ? new Map<string, ApplyOutcome>() : await apply(incoming);
    this.wanted.clear();
    for (const { change } of incoming) {
      const { proxyId, deployment } = change;
      if (outcomes.get(proxyId)?.applied !== true) continue;
      deployments.remember(proxyId, deployment);
      reports.tell({ problem: 'last-good', proxyId, deployment });
    }
  }

  private open(proxyId: string, rejected: number, found: StoredLastGood | undefined): readonly IncomingChange[] {
    const { keys, deployments, reports } = this.deps;
    // Beside another deployment than the one rejected: that one is on its way, or this one is long over.
    if (found === undefined || found.beside !== rejected) return [];
    const opened = openLastGoodChange(keys, proxyId, found);
    if (opened === undefined) reports.tell({ problem: 'altered-last-good', proxyId, deployment: found.beside });
    return opened !== undefined && opened.change.deployment > deployments.appliedTo(proxyId) ? [opened] : [];
  }
}
