import type { ConfigChannel } from '../config-channel.port.ts';
import { ConfigFollower } from '../config-follower.ts';
import type { ApplyOutcome } from '../followed-deployments.ts';
import type { IncomingChange } from '../incoming-change.ts';
import type { ChannelReport } from '../report-once.ts';
import type { ChannelKeys } from '../sealing/sealed-box.ts';

/** A gateway that serves texts and refuses those that begin with `bad`. */
export class TextGateway {
  /** By proxy id. */
  readonly served = new Map<string, string>();
  /** `<proxy id> <deployment>` of what was to be applied at once. */
  readonly batches: string[][] = [];
  readonly reports: ChannelReport[] = [];
  readonly changes: IncomingChange[] = [];
  readonly follower: ConfigFollower;
  failsToApply = false;

  constructor(channel: ConfigChannel, keys: ChannelKeys) {
    this.follower = new ConfigFollower(channel, keys, {
      apply: async (changes) => this.apply(changes),
      report: (report) => void this.reports.push(report),
    });
  }

  get problems(): readonly ChannelReport['problem'][] {
    return this.reports.map(({ problem }) => problem);
  }

  private apply(changes: readonly IncomingChange[]): ReadonlyMap<string, ApplyOutcome> {
    if (this.failsToApply) throw new Error('out of memory');
    this.batches.push(changes.map(({ change }) => `${change.proxyId} ${change.deployment}`));
    this.changes.push(...changes);
    return new Map(changes.map(({ change, artifact }) => [change.proxyId, this.applyOne(change.proxyId, artifact)]));
  }

  private applyOne(proxyId: string, artifact: string | null): ApplyOutcome {
    if (artifact === null) this.served.delete(proxyId);
    else if (artifact.startsWith('bad')) return { applied: false, reason: `cannot link ${artifact}` };
    else this.served.set(proxyId, artifact);
    return { applied: true };
  }
}
