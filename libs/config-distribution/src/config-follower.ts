import { ChangeIntake, NOTHING_READ, type HandledChange, type ReadArtifacts } from './change-intake.ts';
import type { ConfigChannel, LogPosition } from './config-channel.port.ts';
import type { ApplyOutcome, Rejection } from './followed-deployments.ts';
import { HintQueue } from './hint-queue.ts';
import { openHints } from './hinted-changes.ts';
import type { IncomingChange } from './incoming-change.ts';
import { openManifest, type Manifest } from './messages.ts';
import { readLog, type LogEnd, type LogStretch } from './read-log.ts';
import { ReportOnce, type ChannelReport } from './report-once.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';

export type { HandledChange } from './change-intake.ts';

export interface FollowerHooks {
  /** Applies what is new, all of it by one swap; answers by proxy id. */
  apply(changes: readonly IncomingChange[]): Promise<ReadonlyMap<string, ApplyOutcome>>;
  report(report: ChannelReport): void;
}

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
  private readonly intake: ChangeIntake;
  private readonly hints = new HintQueue();
  private reportedEmpty = false;
  private readonly reports: ReportOnce;

  constructor(
    private readonly channel: ConfigChannel,
    private readonly keys: ChannelKeys,
    private readonly hooks: FollowerHooks,
  ) {
    this.reports = new ReportOnce((report) => hooks.report(report));
    const { reports } = this;
    this.intake = new ChangeIntake({ channel, keys, reports, apply: (changes) => hooks.apply(changes) });
  }

  get loaded(): LogPosition | undefined {
    return this.loadedAt;
  }

  get rejections(): ReadonlyMap<string, Rejection> {
    return this.intake.deployments.rejections;
  }

  /** Deployments that are in the channel and cannot be applied: artifact missing, or record altered. */
  get unsettled(): readonly number[] {
    return this.intake.deployments.unsettled;
  }

  /** Proxies whose newest change is not applied: rejected, refused as older, or not readable. */
  get unapplied(): readonly string[] {
    return this.intake.deployments.unapplied();
  }

  /** The highest deployment applied to any proxy; 0 before the first. */
  get highestDeployment(): number {
    return this.intake.deployments.highest;
  }

  /** What a snapshot brought back counts as applied. */
  remember(proxyId: string, deployment: number): void {
    this.intake.deployments.remember(proxyId, deployment);
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
    const atOnce = await this.intake.takeHinted(hinted);
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

  /** Takes what was added since the last look. */
  private async follow(
    known: KnownEnd,
    position: LogPosition,
    { records, end, state, hasForeign, artifacts }: LogStretch & { readonly artifacts: ReadArtifacts },
  ): Promise<readonly HandledChange[]> {
    if (hasForeign) this.reports.tell({ problem: 'altered-record' });
    const isShorter = position.sequence < known.sequence;
    // What was read last still stands there: then the log is as long as it was, whatever its position says.
    const isSame = state === 'whole' && known.tip !== undefined;
    if (state === 'other-log' || (isShorter && !isSame)) {
      this.reports.tell({ problem: 'restored' });
      return this.load(position);
    }
    if (isShorter) this.reports.tell({ problem: 'wrong-position' });
    if (state === 'gap' || end.sequence < position.sequence) {
      this.reports.tell({ problem: 'gap' });
      return this.load(position);
    }
    const changes = [...this.intake.deployments.waiting, ...this.intake.openAll(records)];
    const handled = changes.length === 0 ? [] : await this.intake.takeLogged(changes, artifacts);
    this.known = { epoch: known.epoch, ...end };
    this.loadedAt = { epoch: known.epoch, sequence: end.sequence };
    return handled;
  }

  /** Reads the checkpoint and the records behind it. What is incomplete is applied too, and read again next time. */
  private async load(position: LogPosition): Promise<readonly HandledChange[]> {
    const { epoch } = position;
    const found = await this.manifestOf(epoch);
    const manifest = found === 'altered' ? undefined : found;
    const from = { sequence: manifest?.sequence ?? 0, tip: undefined };
    const stretch = await readLog(this.channel, from);
    const { records, end } = stretch;
    const isGapless = this.isGapless(stretch, position);
    // A log may begin behind its checkpoint: without it nobody knows what is missing.
    const isWhole = isGapless && found !== 'altered';
    this.intake.deployments.forget({ isOtherLog: isWhole && this.loadedAt?.epoch !== epoch });
    const handled = await this.intake.takeLogged([...(manifest?.changes ?? []), ...this.intake.openAll(records)]);
    this.known = isWhole ? { epoch, ...end } : undefined;
    if (isWhole) {
      this.loadedAt = { epoch, sequence: end.sequence };
      this.reports.forget('gap', 'restored', 'altered-checkpoint', 'wrong-position');
    }
    return handled;
  }

  /** Of a log that was read from its checkpoint on; reports what is wrong with it. */
  private isGapless({ end, state, hasForeign }: LogStretch, { sequence }: LogPosition): boolean {
    if (hasForeign) this.reports.tell({ problem: 'altered-record' });
    const isGapless = state === 'whole' && end.sequence >= sequence;
    if (!isGapless) this.reports.tell({ problem: 'gap' });
    return isGapless;
  }

  /** The checkpoint's content; undefined without one of this epoch. */
  private async manifestOf(epoch: string): Promise<Manifest | 'altered' | undefined> {
    const stored = await this.channel.checkpoint();
    if (stored?.position.epoch !== epoch) return undefined;
    const manifest = openManifest(this.keys, stored);
    if (manifest !== undefined) return manifest;
    this.reports.tell({ problem: 'altered-checkpoint' });
    return 'altered';
  }
}

/** What a hint brought stands in the log too. */
const withoutRepeats = (handled: readonly HandledChange[]): readonly HandledChange[] => [
  ...new Map(handled.map((one) => [JSON.stringify([one.proxyId, one.deployment]), one])).values(),
];
