import type { ConfigChannel, StoredArtifact, StoredRecord } from './config-channel.port.ts';
import { FollowedDeployments, type ApplyOutcome } from './followed-deployments.ts';
import type { HintedChanges } from './hinted-changes.ts';
import { openIncoming, type IncomingChange } from './incoming-change.ts';
import { LastGoodFallback } from './last-good-fallback.ts';
import { openRecord, type ChangeRecord } from './messages.ts';
import { NewestChanges } from './newest-changes.ts';
import type { ReportOnce } from './report-once.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';

export interface ChangeIntakeDeps {
  readonly channel: ConfigChannel;
  readonly keys: ChannelKeys;
  readonly reports: ReportOnce;
  readonly apply: (changes: readonly IncomingChange[]) => Promise<ReadonlyMap<string, ApplyOutcome>>;
}

/** Records of one look that are reported one by one; the others by their number. */
const ALTERED_NAMED = 5;

/** How a deployment ended on this gateway. */
export interface HandledChange {
  readonly proxyId: string;
  readonly deployment: number;
  readonly outcome: ApplyOutcome;
}

/** By proxy id, as they were read. */
export type ReadArtifacts = ReadonlyMap<string, StoredArtifact>;
export const NOTHING_READ: ReadArtifacts = new Map();

/** Takes changes that were hinted at or read: opens what is news, has it applied, and remembers what became of it. */
export class ChangeIntake {
  readonly deployments = new FollowedDeployments();
  private readonly fallback: LastGoodFallback;

  constructor(private readonly deps: ChangeIntakeDeps) {
    this.fallback = new LastGoodFallback({ ...deps, deployments: this.deployments });
  }

  /** The records that the control plane sealed; others are reported. */
  openAll(records: readonly StoredRecord[]): ChangeRecord[] {
    const altered: StoredRecord[] = [];
    const changes = records.flatMap((stored) => {
      const change = openRecord(this.deps.keys, stored);
      if (change !== undefined) return [change];
      altered.push(stored);
      this.deployments.noteUnreadable(stored);
      return [];
    });
    this.reportAltered(altered);
    return changes;
  }

  /** Whoever plants records chooses how many, and what they are called. */
  private reportAltered(records: readonly StoredRecord[]): void {
    const { reports } = this.deps;
    for (const { proxyId, deployment } of records.slice(0, ALTERED_NAMED))
      reports.tell({ problem: 'altered-record', proxyId, deployment });
    const others = records.length - ALTERED_NAMED;
    if (others > 0) reports.tell({ problem: 'altered-record', others });
  }

  /**
   * Applies what hints brought along whole. Whatever is not as it should be is left to the look that follows.
   *
   * @throws ChannelUnavailable
   */
  async takeHinted({ whole, artifacts, isAltered }: HintedChanges): Promise<readonly HandledChange[]> {
    const { keys, reports } = this.deps;
    if (isAltered) reports.tell({ problem: 'altered-hint' });
    const incoming = this.newsOf(whole).flatMap((change): IncomingChange[] => {
      const opened = openIncoming(keys, change, artifacts.get(change.proxyId));
      if (opened === 'altered') reports.tell({ problem: 'altered-hint' });
      return typeof opened === 'string' ? [] : [opened];
    });
    await this.apply(incoming);
    return this.handled(whole);
  }

  /**
   * Applies what is news of the log. Artifacts that are not there yet are waited for: looked for again every time.
   *
   * @param read artifacts that were read already
   * @throws ChannelUnavailable
   */
  async takeLogged(
    changes: readonly ChangeRecord[],
    read: ReadArtifacts = NOTHING_READ,
  ): Promise<readonly HandledChange[]> {
    this.reportRefused(changes);
    const news = this.newsOf(changes);
    const stored = await this.artifactsOf(news, read);
    const waiting: ChangeRecord[] = [];
    const incoming = news.flatMap((change): IncomingChange[] => {
      const opened = this.openLogged(change, stored.get(change.proxyId));
      if (opened === 'missing') waiting.push(change);
      return typeof opened === 'string' ? [] : [opened];
    });
    await this.apply(incoming);
    this.deployments.waiting = waiting;
    return this.handled(changes);
  }

  private openLogged(change: ChangeRecord, found: StoredArtifact | undefined): ReturnType<typeof openIncoming> {
    const { keys, reports } = this.deps;
    const { proxyId, deployment } = change;
    const opened = openIncoming(keys, change, found);
    if (opened === 'missing') reports.tell({ problem: 'missing-artifact', proxyId, deployment });
    if (opened === 'altered') {
      reports.tell({ problem: 'altered-artifact', proxyId, deployment: found?.deployment ?? deployment });
      // Without its last good one: whoever may write to Redis must not choose what a gateway serves.
      this.deployments.reject(change, 'the artifact was altered');
    }
    return opened;
  }

  private reportRefused(changes: readonly ChangeRecord[]): void {
    for (const change of new NewestChanges(changes).values()) {
      const { proxyId, deployment } = change;
      if (this.deployments.isRefused(change)) this.deps.reports.tell({ problem: 'older', proxyId, deployment });
    }
  }

  private newsOf(changes: readonly ChangeRecord[]): readonly ChangeRecord[] {
    return new NewestChanges(changes).values().filter((change) => this.deployments.isNews(change));
  }

  /** Reads those that were not read yet, and those of which a later one was announced since. */
  private async artifactsOf(changes: readonly ChangeRecord[], known: ReadArtifacts): Promise<ReadArtifacts> {
    const isKnown = ({ proxyId, deployment }: ChangeRecord) => (known.get(proxyId)?.deployment ?? 0) >= deployment;
    const wanted = changes.filter((change) => change.kind === 'artifact' && !isKnown(change));
    if (wanted.length === 0) return known;
    return new Map([...known, ...(await this.deps.channel.artifacts(wanted.map(({ proxyId }) => proxyId)))]);
  }

  private async apply(incoming: readonly IncomingChange[]): Promise<void> {
    const outcomes = incoming.length === 0 ? new Map<string, ApplyOutcome>() : await this.deps.apply(incoming);
    for (const { change } of incoming) {
      const outcome = outcomes.get(change.proxyId);
      if (outcome?.applied === true) this.deployments.applied(change);
      else {
        this.deployments.reject(change, outcome?.reason ?? 'not applied');
        this.fallback.want(change);
      }
    }
    await this.fallback.take();
  }

  private handled(changes: readonly ChangeRecord[]): HandledChange[] {
    return changes.flatMap((change) => {
      const { proxyId, deployment } = change;
      const outcome = this.deployments.outcomeOf(change);
      return outcome === undefined ? [] : [{ proxyId, deployment, outcome }];
    });
  }
}
