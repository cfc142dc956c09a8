import { randomUUID } from 'node:crypto';
import { holdsGenuine, recordDigest } from './channel-inspection.ts';
import type { ConfigChannel, LogPosition, PublishedChange, StoredRecord } from './config-channel.port.ts';
import {
  openManifest,
  openRecord,
  sealArtifact,
  sealLastGood,
  sealManifest,
  sealRecord,
  type ChangeRecord,
  type LastGood,
  type Manifest,
} from './messages.ts';
import { NewestChanges } from './newest-changes.ts';
import { readLog } from './read-log.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';

/** A checkpoint is written once the log has grown by this much, or by more where there are many proxies. */
export const RECORDS_PER_CHECKPOINT = 200;
/** So that one can be missed, and the log behind the one before is still read in one look (`RECORDS_PER_LOOK`). */
const RECORDS_PER_CHECKPOINT_AT_MOST = 6_400;

/**
 * A checkpoint names every proxy. Written after so many records that there are not more than ten proxies for each of them,
 * it adds to a change about as much as its artifact has, however many proxies there are.
 */
export function recordsPerCheckpoint(proxies: number): number {
  let records = RECORDS_PER_CHECKPOINT;
  while (records * 10 < proxies && records < RECORDS_PER_CHECKPOINT_AT_MOST) records *= 2;
  return records;
}

/**
 * How a change came into the channel; `digest` names the record at the position (see `recordDigest`), `change` is what is
 * there: of a repeated one what was given out the first time, which may have had another artifact.
 */
export type Published =
  | {
      readonly kind: 'published' | 'repeated';
      readonly position: LogPosition;
      readonly digest: string;
      readonly change: ChangeRecord;
    }
  | { readonly kind: 'stale'; readonly heldDeployment: number };

export interface PublishOptions {
  /** A held deployment that is known to be a lie (see `holds`): it does not fence. */
  readonly disbelieved?: number;
  /**
   * The newest earlier deployment of the proxy that gateways applied. Its artifact stays beside the new one when the
   * channel still has it, for gateways that cannot apply that one.
   */
  readonly lastGood?: Pick<LastGood, 'deployment' | 'revision' | 'hash'>;
}

/** The control plane's side of a channel: seals and publishes changes, and keeps the checkpoint near the log's end. */
export class ConfigPublisher {
  /** In the checkpoint that was last seen. */
  private checkpointed = 0;

  constructor(
    private readonly channel: ConfigChannel,
    private readonly keys: ChannelKeys,
  ) {}

  /** An environment without proxies has a configuration too: an empty manifest. Does nothing when there is one. */
  async publishEmpty(): Promise<void> {
    if ((await this.channel.position()) !== undefined) return;
    const { position, sealed } = this.newLog([]);
    await this.channel.writeCheckpoint(position, sealed);
  }

  /**
   * Begins a new log in place of the one of an epoch, which is old or was altered, and forgets all identities.
   *
   * @param kept changes that the new log begins with; their artifacts stay where they are.
   * @returns where it begins; undefined when another epoch is there by now.
   * @throws ChannelUnavailable
   */
  async restart(epoch: string, kept: readonly ChangeRecord[] = []): Promise<LogPosition | undefined> {
    const begin = this.newLog(kept);
    return (await this.channel.restart(epoch, begin)) ? begin.position : undefined;
  }

  /**
   * Publishes one change; fenced by its deployment number, so that running twice, late or out of order does no harm.
   *
   * @param artifact the compiled proxy as text; null with a tombstone.
   * @throws ChannelUnavailable
   */
  async publish(change: ChangeRecord, artifact: string | null, options: PublishOptions = {}): Promise<Published> {
    const record = sealRecord(this.keys, change);
    const { proxyId, deployment } = change;
    const { disbelieved } = options;
    const outcome = await this.channel.publish({
      ...{ proxyId, deployment, record },
      artifact: artifact === null ? null : sealArtifact(this.keys, change, artifact),
      ...(disbelieved === undefined ? {} : { disbelieved }),
      ...this.lastGoodOf(change, options),
    });
    if (outcome.kind === 'stale') return outcome;
    if (outcome.kind === 'published') {
      await this.checkpointWhenDue(outcome.position);
      return { ...outcome, digest: recordDigest(record), change };
    }
    const found = await this.recordAt(outcome.position.sequence);
    const isOfThis = found?.proxyId === proxyId && found.deployment === deployment;
    const there = isOfThis ? openRecord(this.keys, found) : undefined;
    if (isOfThis && there !== undefined) return { ...outcome, digest: recordDigest(found.sealed), change: there };
    // Long trimmed, or it was never there: once more does no harm.
    return this.publish(change, artifact, { ...options, disbelieved: deployment });
  }

  /**
   * Whether a deployment that fences is there as it was sealed, and no mere claim.
   *
   * @throws ChannelUnavailable
   */
  holds(proxyId: string, deployment: number): Promise<boolean> {
    return holdsGenuine(this.channel, this.keys, { proxyId, deployment });
  }

  private lastGoodOf(change: ChangeRecord, { lastGood }: PublishOptions): Pick<PublishedChange, 'lastGood'> {
    if (lastGood === undefined || change.kind === 'tombstone' || lastGood.deployment >= change.deployment) return {};
    const { deployment, revision, hash } = lastGood;
    const note = sealLastGood(this.keys, change, {
      ...{ project: change.project, proxy: change.proxy },
      ...{ deployment, revision, hash },
    });
    return { lastGood: { deployment, note } };
  }

  private newLog(changes: readonly ChangeRecord[]): { position: LogPosition; sealed: string } {
    const position = { epoch: randomUUID(), sequence: 0 };
    return { position, sealed: sealManifest(this.keys, { ...position, changes: [...changes] }) };
  }

  private async recordAt(sequence: number): Promise<StoredRecord | undefined> {
    const [record] = await this.channel.recordsAfter(sequence - 1, 1);
    return record?.sequence === sequence ? record : undefined;
  }

  private async checkpointWhenDue(at: LogPosition): Promise<void> {
    if (!this.isDue(at)) return;
    const stored = await this.channel.checkpoint();
    const isOfThisLog = stored !== undefined && stored.position.epoch === at.epoch;
    const manifest = isOfThisLog ? openManifest(this.keys, stored) : undefined;
    this.checkpointed = manifest?.changes.length ?? 0;
    // Others may have written larger ones since this one last looked.
    if (this.isDue(at)) await this.writeCheckpoint(at, manifest);
  }

  private async writeCheckpoint(at: LogPosition, manifest: Manifest | undefined): Promise<void> {
    const from = { sequence: manifest?.sequence ?? 0, tip: undefined };
    const { records, end, state } = await readLog(this.channel, from);
    // Half a manifest would make proxies disappear from gateways that join: better none, and the log stays untrimmed.
    if (state !== 'whole' || end.sequence < at.sequence) return;
    const newest = new NewestChanges(manifest?.changes);
    for (const stored of records) {
      const record = openRecord(this.keys, stored);
      if (record !== undefined) newest.add(record);
    }
    const position = { epoch: at.epoch, sequence: end.sequence };
    const changes = newest.values();
    this.checkpointed = changes.length;
    await this.channel.writeCheckpoint(position, sealManifest(this.keys, { ...position, changes }));
  }

  private isDue({ sequence }: LogPosition): boolean {
    return sequence === 1 || sequence % recordsPerCheckpoint(this.checkpointed) === 0;
  }
}
