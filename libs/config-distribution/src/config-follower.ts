import type { ConfigChannel, LogPosition, StoredRecord } from './config-channel.port.ts';
import { artifactHash, openArtifact, openManifest, openRecord, type ChangeRecord, type Manifest } from './messages.ts';
import { NewestChanges } from './newest-changes.ts';
import { readLog, type LogEnd } from './read-log.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';

/** A change that is newer than what is applied, with its artifact's text, opened; null with a tombstone. */
export interface IncomingChange {
  readonly change: ChangeRecord;
  readonly artifact: string | null;
  /** The artifact as it was received. */
  readonly sealedArtifact: string | null;
}

export type ApplyOutcome = { readonly applied: true } | { readonly applied: false; readonly reason: string };

/** Something found in the channel that must not be there; it changed nothing. */
export interface ChannelReport {
  readonly problem:
    | 'empty'
    | 'gap'
    | 'restored'
    | 'altered-record'
    | 'altered-artifact'
    | 'altered-checkpoint'
    | 'older'
    | 'missing-artifact';
  readonly proxyId?: string;
  readonly deployment?: number;
}

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

/** Whoever plants records chooses their proxy ids: only so many are remembered. */
const UNREADABLE_REMEMBERED = 1_000;
/** Reports that were made once already; beyond this many the memory starts again. */
const REPORTS_REMEMBERED = 10_000;

interface KnownEnd extends LogEnd {
  readonly epoch: string;
}

/**
 * The gateway's side of a channel. `refresh` looks and applies; the highest deployment applied to each proxy is
 * remembered, so that nothing older is applied, not even after Redis was emptied or restored from an old copy.
 * One `refresh` at a time.
 */
export class ConfigFollower {
  private known: KnownEnd | undefined;
  /** Up to here everything was read and handled, but for what is unsettled or rejected. */
  private loadedAt: LogPosition | undefined;
  private readonly applied = new Map<string, number>();
  private readonly rejected = new Map<string, { deployment: number; reason: string }>();
  private waiting: readonly ChangeRecord[] = [];
  /** Deployments by proxy whose newest record does not open. */
  private readonly unreadable = new Map<string, number>();
  private reportedEmpty = false;
  private readonly reported = new Set<string>();

  constructor(
    private readonly channel: ConfigChannel,
    private readonly keys: ChannelKeys,
    private readonly hooks: FollowerHooks,
  ) {}

  get loaded(): LogPosition | undefined {
    return this.loadedAt;
  }

  get rejections(): ReadonlyMap<string, { readonly deployment: number; readonly reason: string }> {
    return this.rejected;
  }

  /** Deployments that are in the channel and cannot be applied: artifact missing, or record altered. */
  get unsettled(): readonly number[] {
    const unread = [...this.unreadable].filter(
      ([proxyId, deployment]) => deployment > (this.applied.get(proxyId) ?? 0),
    );
    return [...this.waiting.map(({ deployment }) => deployment), ...unread.map(([, deployment]) => deployment)];
  }

  /** The highest deployment applied to any proxy; 0 before the first. */
  get highestDeployment(): number {
    let highest = 0;
    for (const deployment of this.applied.values()) highest = Math.max(highest, deployment);
    return highest;
  }

  /** What a snapshot brought back counts as applied. */
  remember(proxyId: string, deployment: number): void {
    this.applied.set(proxyId, Math.max(deployment, this.applied.get(proxyId) ?? 0));
  }

  /**
   * Looks once and applies what is new. When it throws, nothing of this look counts and the next one starts over.
   *
   * @returns every change handled, superseded ones included; empty when nothing was new.
   * @throws ChannelUnavailable
   */
  async refresh(): Promise<readonly HandledChange[]> {
    const position = await this.channel.position();
    if (position === undefined) return this.noticeEmpty();
    this.reportedEmpty = false;
    return this.known?.epoch === position.epoch ? this.follow(this.known, position) : this.load(position);
  }

  private noticeEmpty(): readonly HandledChange[] {
    if (!this.reportedEmpty && this.known !== undefined) this.hooks.report({ problem: 'empty' });
    this.reportedEmpty = true;
    return [];
  }

  /** Reads only what was added since the last look. */
  private async follow(known: KnownEnd, position: LogPosition): Promise<readonly HandledChange[]> {
    const { records, end, state, hasForeign } = await readLog(this.channel, known);
    if (hasForeign) this.reportOnce({ problem: 'altered-record' });
    if (state === 'other-log' || position.sequence < known.sequence) {
      this.reportOnce({ problem: 'restored' });
      return this.load(position);
    }
    if (state === 'gap' || end.sequence < position.sequence) {
      this.reportOnce({ problem: 'gap' });
      return this.load(position);
    }
    const changes = [...this.waiting, ...this.openAll(records)];
    const handled = changes.length === 0 ? [] : await this.applyNewest(changes);
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
    if (hasForeign) this.reportOnce({ problem: 'altered-record' });
    const isWhole = state === 'whole' && end.sequence >= position.sequence;
    if (!isWhole) this.reportOnce({ problem: 'gap' });
    const handled = await this.applyNewest([...(manifest?.changes ?? []), ...this.openAll(records)]);
    this.known = isWhole ? { epoch, ...end } : undefined;
    if (isWhole) {
      this.loadedAt = { epoch, sequence: end.sequence };
      for (const problem of ['gap', 'restored', 'altered-checkpoint'])
        this.reported.delete(JSON.stringify({ problem }));
    }
    return handled;
  }

  /** The checkpoint's content; undefined without one of this epoch that opens. */
  private async manifestOf(epoch: string): Promise<Manifest | undefined> {
    const stored = await this.channel.checkpoint();
    if (stored?.position.epoch !== epoch) return undefined;
    const manifest = openManifest(this.keys, stored);
    if (manifest === undefined) this.reportOnce({ problem: 'altered-checkpoint' });
    return manifest;
  }

  private openAll(records: readonly StoredRecord[]): ChangeRecord[] {
    return records.flatMap((stored) => {
      const change = openRecord(this.keys, stored);
      if (change !== undefined) return [change];
      const { proxyId, deployment } = stored;
      this.reportOnce({ problem: 'altered-record', proxyId, deployment });
      if (this.unreadable.size < UNREADABLE_REMEMBERED) this.unreadable.set(proxyId, deployment);
      return [];
    });
  }

  /** What is looked at again every second is said once. */
  private reportOnce(report: ChannelReport): void {
    const key = JSON.stringify(report);
    if (this.reported.has(key)) return;
    if (this.reported.size >= REPORTS_REMEMBERED) this.reported.clear();
    this.reported.add(key);
    this.hooks.report(report);
  }

  private isNews(change: ChangeRecord): boolean {
    const { proxyId, deployment } = change;
    const applied = this.applied.get(proxyId) ?? 0;
    if (deployment < applied) this.reportOnce({ problem: 'older', proxyId, deployment });
    return deployment > applied && deployment > (this.rejected.get(proxyId)?.deployment ?? 0);
  }

  private async applyNewest(changes: readonly ChangeRecord[]): Promise<readonly HandledChange[]> {
    const newest = new NewestChanges(changes).values().filter((change) => this.isNews(change));
    const { incoming, waiting } = await this.withArtifacts(newest);
    const outcomes = incoming.length === 0 ? new Map<string, ApplyOutcome>() : await this.hooks.apply(incoming);
    this.waiting = waiting;
    for (const { change } of incoming) this.settle(change, outcomes.get(change.proxyId));
    return changes.flatMap(({ proxyId, deployment }) => {
      const outcome = this.outcomeOf(proxyId, deployment);
      return outcome === undefined ? [] : [{ proxyId, deployment, outcome }];
    });
  }

  private settle(change: ChangeRecord, outcome: ApplyOutcome | undefined): void {
    const { proxyId, deployment } = change;
    if (outcome?.applied === true) {
      this.remember(proxyId, deployment);
      this.rejected.delete(proxyId);
      if ((this.unreadable.get(proxyId) ?? Infinity) <= deployment) this.unreadable.delete(proxyId);
    } else {
      this.rejected.set(proxyId, { deployment, reason: outcome?.reason ?? 'not applied' });
    }
  }

  private outcomeOf(proxyId: string, deployment: number): ApplyOutcome | undefined {
    const rejection = this.rejected.get(proxyId);
    if (rejection?.deployment === deployment) return { applied: false, reason: rejection.reason };
    return (this.applied.get(proxyId) ?? 0) >= deployment ? { applied: true } : undefined;
  }

  /** Artifacts that are not there yet are waited for: looked for again at every refresh. */
  private async withArtifacts(
    changes: readonly ChangeRecord[],
  ): Promise<{ incoming: IncomingChange[]; waiting: ChangeRecord[] }> {
    const wanted = changes.filter((change) => change.kind === 'artifact').map((change) => change.proxyId);
    const stored = wanted.length === 0 ? new Map<string, never>() : await this.channel.artifacts(wanted);
    const waiting: ChangeRecord[] = [];
    const incoming = changes.flatMap((change): IncomingChange[] => {
      if (change.kind === 'tombstone') return [{ change, artifact: null, sealedArtifact: null }];
      const { proxyId } = change;
      const found = stored.get(proxyId);
      if (found === undefined || found.deployment < change.deployment) {
        this.reportOnce({ problem: 'missing-artifact', proxyId, deployment: change.deployment });
        waiting.push(change);
        return [];
      }
      const artifact = openArtifact(this.keys, proxyId, found);
      if (artifact === undefined) {
        this.reportOnce({ problem: 'altered-artifact', proxyId, deployment: found.deployment });
        this.rejected.set(proxyId, { deployment: change.deployment, reason: 'the artifact was altered' });
        return [];
      }
      return [{ change: this.asFound(change, found.deployment, artifact), artifact, sealedArtifact: found.sealed }];
    });
    return { incoming, waiting };
  }

  /** A later deployment may have replaced the artifact since the record was read: the later one is taken. */
  private asFound(
    change: Extract<ChangeRecord, { kind: 'artifact' }>,
    deployment: number,
    artifact: string,
  ): ChangeRecord {
    if (deployment === change.deployment) return change;
    return { ...change, deployment, hash: artifactHash(this.keys, artifact) };
  }
}
