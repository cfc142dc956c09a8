import type { ConfigChannel, LogPosition, StoredArtifact, StoredRecord } from './config-channel.port.ts';
import { FollowedDeployments, type ApplyOutcome, type Rejection } from './followed-deployments.ts';
import { HintQueue } from './hint-queue.ts';
import { openHints, type HintedChanges } from './hinted-changes.ts';
import { openIncoming, type IncomingChange } from './incoming-change.ts';
import { LastGoodFallback } from './last-good-fallback.ts';
import { openManifest, openRecord, type ChangeRecord, type Manifest } from './messages.ts';
import { NewestChanges } from './newest-changes.ts';
import { readLog, type LogEnd, type LogStretch } from './read-log.ts';
import { ReportOnce, type ChannelReport } from './report-once.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';

export interface FollowerHooks {
  /** Applies what is new, all of it by one swap; answers by proxy id. */
  apply(changes: readonly IncomingChange[]): Promise<ReadonlyMap<string, ApplyOutcome>>;
  report(report: ChannelReport): void;
}

/** How a deployment ended on this gateway. */
export interface HandledChange {
  readonly proxyId: string;
  readonly deployment: number;
  readonly outcome: ApplyOutcome;
}

type ReadArtifacts = ReadonlyMap<string, StoredArtifact>;
const NOTHING_READ: ReadArtifacts = new Map();

interface KnownEnd extends LogEnd {
  readonly epoch: string;
}

/**
 * The gateway's side of a channel. `refresh` looks and applies; the highest deployment applied to each proxy is
 * remembered, so that nothing older is applied, not even after Redis was emptied or restored from an old copy.
 * One `refresh` at a time.
 *
 * What a hint brings along is applied before anything is read, since it is sealed and fenced like what is in the log.
 * How far this gateway is, only the log itself says.
 */
export class ConfigFollower {
  private known: KnownEnd | undefined;
  /** Up to here everything was read and handled, but for what is unsettled or rejected. */
  private loadedAt: LogPosition | undefined;
  private readonly deployments = new FollowedDeployments();
  private readonly hints = new HintQueue();
  private readonly fallback: LastGoodFallback;
  private reportedEmpty = false;
  private readonly reports: ReportOnce;

  constructor(
    private readonly channel: ConfigChannel,
    private readonly keys: ChannelKeys,
    private readonly hooks: FollowerHooks,
  ) {
    this.reports = new ReportOnce((report) => hooks.report(report));
    const { deployments, reports } = this;
    const apply = (changes: readonly IncomingChange[]) => hooks.apply(changes);
    this.fallback = new LastGoodFallback({ channel, keys, deployments, reports, apply });
  }

  get loaded(): LogPosition | undefined {
    return this.loadedAt;
  }

  get rejections(): ReadonlyMap<string, Rejection> {
    return this.deployments.rejections;
  }

  /** Deployments that are in the channel and cannot be applied: artifact missing, or record altered. */
  get unsettled(): readonly number[] {
    return this.deployments.unsettled;
  }

  /** Proxies whose newest change is not applied: rejected, refused as older, or not readable. */
  get unapplied(): readonly string[] {
    return this.deployments.unapplied();
  }

  /** The highest deployment applied to any proxy; 0 before the first. */
  get highestDeployment(): number {
    return this.deployments.highest;
  }

  /** What a snapshot brought back counts as applied. */
  remember(proxyId: string, deployment: number): void {
    this.deployments.remember(proxyId, deployment);
  }

  /** What came with a hint of the channel: of use to the next `refresh`, if to any. */
  offer(message: string): void {
    this.hints.offer(message);
  }

  /**
   * Looks once and applies what is new. When it throws, nothing of this look counts and the next one starts over.
   *
   * @returns every change handled, superseded ones included; empty when nothing was new.
   * @throws ChannelUnavailable
   */
  async refresh(): Promise<readonly HandledChange[]> {
    const { known } = this;
    if (known === undefined) return this.firstLook();
    const hinted = openHints(this.keys, this.hints.takeBehind(known));
    const atOnce = await this.applyHinted(hinted);
    // Sent together and answered in this order: the log is at least as long as the position says, and artifacts are at
    // least as new as their records.
    const [position, stretch, artifacts] = await Promise.all([
      this.channel.position(),
      readLog(this.channel, known),
      hinted.others.length === 0 ? NOTHING_READ : this.channel.artifacts(hinted.others),
    ]);
    if (position === undefined) return this.noticeEmpty();
    this.reportedEmpty = false;
    const isSameLog = known.epoch === position.epoch;
    const looked = await (isSameLog ? this.follow(known, position, { ...stretch, artifacts }) : this.load(position));
    return withoutRepeats([...atOnce, ...looked]);
  }

  private async firstLook(): Promise<readonly HandledChange[]> {
    const position = await this.channel.position();
    if (position === undefined) return this.noticeEmpty();
    this.reportedEmpty = false;
    return this.load(position);
  }

  private noticeEmpty(): readonly HandledChange[] {
    if (!this.reportedEmpty && this.known !== undefined) this.hooks.report({ problem: 'empty' });
    this.reportedEmpty = true;
    return [];
  }

  /** Applies what is whole. Whatever is not as it should be is left to the look that follows. */
  private async applyHinted({ whole, artifacts, isAltered }: HintedChanges): Promise<readonly HandledChange[]> {
    if (isAltered) this.reports.tell({ problem: 'altered-hint' });
    const incoming = this.newsOf(whole).flatMap((change): IncomingChange[] => {
      const opened = openIncoming(this.keys, change, artifacts.get(change.proxyId));
      if (opened === 'altered') this.reports.tell({ problem: 'altered-hint' });
      return typeof opened === 'string' ? [] : [opened];
    });
    await this.apply(incoming);
    return this.handled(whole);
  }

  /** Takes what was added since the last look. */
  private async follow(
    known: KnownEnd,
    position: LogPosition,
    { records, end, state, hasForeign, artifacts }: LogStretch & { readonly artifacts: ReadArtifacts },
  ): Promise<readonly HandledChange[]> {
    if (hasForeign) this.reports.tell({ problem: 'altered-record' });
    if (state === 'other-log' || position.sequence < known.sequence) {
      this.reports.tell({ problem: 'restored' });
      return this.load(position);
    }
    if (state === 'gap' || end.sequence < position.sequence) {
      this.reports.tell({ problem: 'gap' });
      return this.load(position);
    }
    const changes = [...this.deployments.waiting, ...this.openAll(records)];
    const handled = changes.length === 0 ? [] : await this.applyNewest(changes, artifacts);
    this.known = { epoch: known.epoch, ...end };
    this.loadedAt = { epoch: known.epoch, sequence: end.sequence };
    return handled;
  }

  /** Reads the checkpoint and the records behind it. What is incomplete is applied too, and read again next time. */
  private async load(position: LogPosition): Promise<readonly HandledChange[]> {
    const { epoch } = position;
    const manifest = await this.manifestOf(epoch);
    const from = { sequence: manifest?.sequence ?? 0, tip: undefined };
    const { records, end, state, hasForeign } = await readLog(this.channel, from);
    if (hasForeign) this.reports.tell({ problem: 'altered-record' });
    const isWhole = state === 'whole' && end.sequence >= position.sequence;
    if (!isWhole) this.reports.tell({ problem: 'gap' });
    this.deployments.forgetRefused();
    const handled = await this.applyNewest([...(manifest?.changes ?? []), ...this.openAll(records)]);
    this.known = isWhole ? { epoch, ...end } : undefined;
    if (isWhole) {
      this.loadedAt = { epoch, sequence: end.sequence };
      for (const problem of ['gap', 'restored', 'altered-checkpoint'] as const) this.reports.forget(problem);
    }
    return handled;
  }

  /** The checkpoint's content; undefined without one of this epoch that opens. */
  private async manifestOf(epoch: string): Promise<Manifest | undefined> {
    const stored = await this.channel.checkpoint();
    if (stored?.position.epoch !== epoch) return undefined;
    const manifest = openManifest(this.keys, stored);
    if (manifest === undefined) this.reports.tell({ problem: 'altered-checkpoint' });
    return manifest;
  }

  private openAll(records: readonly StoredRecord[]): ChangeRecord[] {
    return records.flatMap((stored) => {
      const change = openRecord(this.keys, stored);
      if (change !== undefined) return [change];
      const { proxyId, deployment } = stored;
      this.reports.tell({ problem: 'altered-record', proxyId, deployment });
      this.deployments.noteUnreadable(stored);
      return [];
    });
  }

  private newsOf(changes: readonly ChangeRecord[]): readonly ChangeRecord[] {
    return new NewestChanges(changes).values().filter((change) => this.deployments.isNews(change));
  }

  /** Reads those that were not read yet, and those of which a later one was announced since. */
  private async artifactsOf(changes: readonly ChangeRecord[], known: ReadArtifacts): Promise<ReadArtifacts> {
    const isKnown = ({ proxyId, deployment }: ChangeRecord) => (known.get(proxyId)?.deployment ?? 0) >= deployment;
    const wanted = changes.filter((change) => change.kind === 'artifact' && !isKnown(change));
    if (wanted.length === 0) return known;
    return new Map([...known, ...(await this.channel.artifacts(wanted.map(({ proxyId }) => proxyId)))]);
  }

  /** Artifacts that are not there yet are waited for: looked for again at every refresh. */
  private async applyNewest(
    changes: readonly ChangeRecord[],
    read: ReadArtifacts = NOTHING_READ,
  ): Promise<readonly HandledChange[]> {
    for (const change of new NewestChanges(changes).values()) {
      const { proxyId, deployment } = change;
      if (this.deployments.isRefused(change)) this.reports.tell({ problem: 'older', proxyId, deployment });
    }
    const news = this.newsOf(changes);
    const stored = await this.artifactsOf(news, read);
    const waiting: ChangeRecord[] = [];
    const incoming = news.flatMap((change): IncomingChange[] => {
      const { proxyId, deployment } = change;
      const found = stored.get(proxyId);
      const opened = openIncoming(this.keys, change, found);
      if (opened === 'missing') {
        this.reports.tell({ problem: 'missing-artifact', proxyId, deployment });
        waiting.push(change);
      } else if (opened === 'altered') {
        this.reports.tell({ problem: 'altered-artifact', proxyId, deployment: found?.deployment ?? deployment });
        this.reject(change, 'the artifact was altered');
      } else return [opened];
      return [];
    });
    await this.apply(incoming);
    this.deployments.waiting = waiting;
    return this.handled(changes);
  }

  private async apply(incoming: readonly IncomingChange[]): Promise<void> {
    const outcomes = incoming.length === 0 ? new Map<string, ApplyOutcome>() : await this.hooks.apply(incoming);
    for (const { change } of incoming) {
      const outcome = outcomes.get(change.proxyId);
      if (outcome?.applied === true) this.deployments.applied(change);
      else this.reject(change, outcome?.reason ?? 'not applied');
    }
    await this.fallback.take();
  }

  private reject(change: ChangeRecord, reason: string): void {
    this.deployments.reject(change, reason);
    this.fallback.want(change.proxyId);
  }

  private handled(changes: readonly ChangeRecord[]): HandledChange[] {
    return changes.flatMap((change) => {
      const { proxyId, deployment } = change;
      const outcome = this.deployments.outcomeOf(change);
      return outcome === undefined ? [] : [{ proxyId, deployment, outcome }];
    });
  }
}

/** What a hint brought stands in the log too. */
const withoutRepeats = (handled: readonly HandledChange[]): readonly HandledChange[] => [
  ...new Map(handled.map((one) => [JSON.stringify([one.proxyId, one.deployment]), one])).values(),
];
