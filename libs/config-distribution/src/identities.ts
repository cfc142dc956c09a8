import type { ConfigChannel, StoredIdentity } from './config-channel.port.ts';
import { parsedJson } from './parsed-json.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';

/**
 * A proxy's key pair by client id, a user by name, or standing orders by what they are about (`key-sets`): what every gateway
 * of the environment obeys beside its proxies, as soon as it reads it, and from its copy on disk after a restart.
 */
export type IdentityKind = 'client' | 'credential' | 'orders';

const place = (record: Pick<StoredIdentity, 'kind' | 'subject' | 'version'>) => ({
  purpose: `identity/${record.kind}`,
  subject: record.subject,
  version: record.version,
});

/**
 * Seals and stores a record unless a later or the same version is held; null removes it.
 *
 * @param disbelieved a held version that is known to be a lie: it does not fence.
 * @throws ChannelUnavailable
 */
export function putIdentity(
  channel: ConfigChannel,
  keys: ChannelKeys,
  record: { kind: IdentityKind; subject: string; version: number; content: unknown },
  disbelieved?: number,
): Promise<boolean> {
  const { kind, subject, version, content } = record;
  const sealed = content === null ? null : keys.seal(place({ kind, subject, version }), JSON.stringify(content));
  return channel.putIdentity({ kind, subject, version, sealed }, disbelieved);
}

/** The record's content, or undefined when it is not one that the control plane sealed for this subject and version. */
export function openIdentity(keys: ChannelKeys, stored: StoredIdentity): unknown {
  if (stored.sealed === null) return undefined;
  return parsedJson(keys.open(place(stored), stored.sealed));
}
