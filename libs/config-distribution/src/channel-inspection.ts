import { createHash } from 'node:crypto';
import type { ConfigChannel, LogPosition } from './config-channel.port.ts';
import { openManifest, openRecord, type ChangeRecord } from './messages.ts';
import { NewestChanges } from './newest-changes.ts';
import { readLog, type LogEnd } from './read-log.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';

/** Where a log ended when something was last published, and which record stood there; null: the log was empty. */
export interface KnownRecord extends LogPosition {
  readonly digest: string | null;
}

/** Which record it is, short enough to keep elsewhere: records are sealed with a fresh nonce, so no two are alike. */
export const recordDigest = (sealed: string): string => createHash('sha256').update(sealed).digest('base64url');

/**
 * Whether the channel is still the one that something was published to: the same log, at least as long, with the same
 * record there. An old copy of Redis, or one that was published to since, is not.
 *
 * @throws ChannelUnavailable
 */
export async function stillHolds(channel: ConfigChannel, known: KnownRecord): Promise<boolean> {
  const position = await channel.position();
  // Written so that a sequence that is no number is refused.
  if (position?.epoch !== known.epoch || !(position.sequence >= known.sequence)) return false;
  if (known.digest === null) return true;
  const [record] = await channel.recordsAfter(known.sequence - 1, 1);
  return record?.sequence === known.sequence && recordDigest(record.sealed) === known.digest;
}

/** A log as a gateway that joins reads it. */
export interface LoadedLog {
  readonly epoch: string;
  readonly end: LogEnd;
  /** One for each proxy. */
  readonly changes: readonly ChangeRecord[];
}

/**
 * What a gateway that joins now would be given: the checkpoint opens, and the log goes on from it; undefined when it could
 * not load the environment as a whole.
 *
 * @throws ChannelUnavailable
 */
export async function loadLog(channel: ConfigChannel, keys: ChannelKeys): Promise<LoadedLog | undefined> {
  const position = await channel.position();
  if (position === undefined) return undefined;
  const stored = await channel.checkpoint();
  const isOfThisLog = stored?.position.epoch === position.epoch;
  const manifest = isOfThisLog ? openManifest(keys, stored) : undefined;
  if (isOfThisLog && manifest === undefined) return undefined;
  const { records, end, state } = await readLog(channel, { sequence: manifest?.sequence ?? 0, tip: undefined });
  if (state !== 'whole' || !(end.sequence >= position.sequence)) return undefined;
  const opened = records.flatMap((record): ChangeRecord[] => {
    const change = openRecord(keys, record);
    return change === undefined ? [] : [change];
  });
  const changes = new NewestChanges([...(manifest?.changes ?? []), ...opened]).values();
  return { epoch: position.epoch, end, changes };
}

/**
 * Whether the channel holds this deployment of a proxy as the control plane sealed it: heads are in clear, so what they
 * say is not believed without.
 *
 * @throws ChannelUnavailable
 */
export async function holdsGenuine(
  channel: ConfigChannel,
  keys: ChannelKeys,
  { proxyId, deployment }: { readonly proxyId: string; readonly deployment: number },
): Promise<boolean> {
  const changes = (await loadLog(channel, keys))?.changes ?? [];
  return changes.some((change) => change.proxyId === proxyId && change.deployment === deployment);
}
