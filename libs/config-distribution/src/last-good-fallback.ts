import type { ConfigChannel, StoredLastGood } from './config-channel.port.ts';
import type { ApplyOutcome, FollowedDeployments } from './followed-deployments.ts';
import { openLastGoodChange, type IncomingChange } from './incoming-change.ts';
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
  /** Proxies whose last good deployment was not looked for yet. */
  private readonly wanted = new Set<string>();

  constructor(private readonly deps: LastGoodFallbackDeps) {}

  get isWanted(): boolean {
    return this.wanted.size > 0;
  }

  /** The newest deployment of this proxy was just rejected. */
  want(proxyId: string): void {
    this.wanted.add(proxyId);
  }

  /**
   * Looks for what is wanted; when it throws, the next time does.
   *
   * @throws ChannelUnavailable
   */
  async take(): Promise<void> {
    if (!this.isWanted) return;
    const { channel, apply, deployments, reports } = this.deps;
    const stored = await channel.lastGood([...this.wanted]);
    const incoming = [...this.wanted].flatMap((proxyId) => this.open(proxyId, stored.get(proxyId)));
    const outcomes = incoming.length === 0 ? new Map<string, ApplyOutcome>() : await apply(incoming);
    this.wanted.clear();
    for (const { change } of incoming) {
      const { proxyId, deployment } = change;
      if (outcomes.get(proxyId)?.applied !== true) continue;
      deployments.remember(proxyId, deployment);
      reports.tell({ problem: 'last-good', proxyId, deployment });
    }
  }

  private open(proxyId: string, found: StoredLastGood | undefined): readonly IncomingChange[] {
    const { keys, deployments, reports } = this.deps;
    // Beside another deployment than the one rejected: that one is on its way, or this one is long over.
    if (found === undefined || found.beside !== deployments.rejections.get(proxyId)?.deployment) return [];
    const opened = openLastGoodChange(keys, proxyId, found);
    if (opened === undefined) reports.tell({ problem: 'altered-last-good', proxyId, deployment: found.beside });
    return opened !== undefined && opened.change.deployment > deployments.appliedTo(proxyId) ? [opened] : [];
  }
}
