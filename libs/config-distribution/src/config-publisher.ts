import { randomUUID } from 'node:crypto';
import type { ConfigChannel, LogPosition, PublishOutcome } from './config-channel.port.ts';
import { openManifest, openRecord, sealArtifact, sealManifest, sealRecord, type ChangeRecord } from './messages.ts';
import { NewestChanges } from './newest-changes.ts';
import { readLog } from './read-log.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';

/** A checkpoint is written once the log has grown by this much: one change costs the same however many proxies. */
export const RECORDS_PER_CHECKPOINT = 200;

/** The control plane's side of a channel: seals and publishes changes, and keeps the checkpoint near the log's end. */
export class ConfigPublisher {
  constructor(
    private readonly channel: ConfigChannel,
    private readonly keys: ChannelKeys,
  ) {}

  /** An environment without proxies has a configuration too: an empty manifest. Does nothing when there is one. */
  async publishEmpty(): Promise<void> {
    if ((await this.channel.position()) !== undefined) return;
    const at = { epoch: randomUUID(), sequence: 0 };
    await this.channel.writeCheckpoint(at, sealManifest(this.keys, { ...at, changes: [] }));
  }

  /**
   * Publishes one change; fenced by its deployment number, so that running twice, late or out of order does no harm.
   *
   * @param artifact the compiled proxy as text; null with a tombstone.
   * @throws ChannelUnavailable
   */
  async publish(change: ChangeRecord, artifact: string | null): Promise<PublishOutcome> {
    const outcome = await this.channel.publish({
      proxyId: change.proxyId,
      deployment: change.deployment,
      record: sealRecord(this.keys, change),
      artifact: artifact === null ? null : sealArtifact(this.keys, change, artifact),
    });
    if (outcome.kind === 'published') await this.checkpointWhenDue(outcome.position);
    return outcome;
  }

  private async checkpointWhenDue(at: LogPosition): Promise<void> {
    if (at.sequence !== 1 && at.sequence % RECORDS_PER_CHECKPOINT !== 0) return;
    const stored = await this.channel.checkpoint();
    const isOfThisLog = stored !== undefined && stored.position.epoch === at.epoch;
    const manifest = isOfThisLog ? openManifest(this.keys, stored) : undefined;
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
    await this.channel.writeCheckpoint(position, sealManifest(this.keys, { ...position, changes: newest.values() }));
  }
}
