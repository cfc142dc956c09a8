import type { StoredArtifact, StoredLastGood } from './config-channel.port.ts';
import { artifactHash, openArtifact, openLastGood, type ChangeRecord } from './messages.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';

/** A change that is newer than what is applied, with its artifact's text, opened; null with a tombstone. */
export interface IncomingChange {
  readonly change: ChangeRecord;
  readonly artifact: string | null;
  /** The artifact as it was received. */
  readonly sealedArtifact: string | null;
}

/**
 * A change with its artifact, opened. A later deployment may have replaced the artifact since the record was read: the
 * later one is taken, and the change says so.
 */
export function openIncoming(
  keys: ChannelKeys,
  change: ChangeRecord,
  found: StoredArtifact | undefined,
): IncomingChange | 'missing' | 'altered' {
  if (change.kind === 'tombstone') return { change, artifact: null, sealedArtifact: null };
  if (found === undefined || found.deployment < change.deployment) return 'missing';
  const { deployment, sealed: sealedArtifact } = found;
  const artifact = openArtifact(keys, change.proxyId, found);
  if (artifact === undefined) return 'altered';
  if (deployment === change.deployment) return { change, artifact, sealedArtifact };
  return { change: { ...change, deployment, hash: artifactHash(keys, artifact) }, artifact, sealedArtifact };
}

/** The last good deployment of a proxy as a change; undefined when it is not the one that was sealed to stand there. */
export function openLastGoodChange(
  keys: ChannelKeys,
  proxyId: string,
  stored: StoredLastGood,
): IncomingChange | undefined {
  const good = openLastGood(keys, proxyId, stored);
  if (good === undefined || good.deployment !== stored.deployment) return undefined;
  const artifact = openArtifact(keys, proxyId, stored);
  if (artifact === undefined || artifactHash(keys, artifact) !== good.hash) return undefined;
  return { change: { kind: 'artifact', proxyId, ...good }, artifact, sealedArtifact: stored.sealed };
}
