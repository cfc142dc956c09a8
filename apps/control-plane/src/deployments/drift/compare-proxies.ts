import {
  artifactHash,
  openArtifact,
  type ChangeRecord,
  type ChannelKeys,
  type StoredArtifact,
} from '#libs/config-distribution';
import { proxyInRedis, type DriftFinding } from './drift-finding.ts';
import type { RecordedProxy, RecordedPublication } from './recorded-proxies.ts';

/**
 * Compares the newest record of a proxy in the log with what is recorded. A later one that was sealed here is no drift up to
 * the newest wish: it was given out and superseded before it ended.
 */
export function compareRecord(recorded: RecordedProxy, record: ChangeRecord | undefined): DriftFinding | undefined {
  const { proxyId, newest, published } = recorded;
  const finding = (problem: DriftFinding['problem']): DriftFinding =>
    proxyInRedis(proxyId, { problem, recorded: published?.deployment ?? newest, found: record?.deployment ?? null });
  if (record !== undefined && record.deployment > newest) return finding('newer');
  if (published === undefined) return undefined;
  if (record === undefined) return finding('missing');
  if (record.deployment < published.deployment) return finding('older');
  if (record.deployment > published.deployment) return undefined;
  return saysTheSame(record, published) ? undefined : finding('altered');
}

function saysTheSame(record: ChangeRecord, { kind, revision, hash }: RecordedPublication): boolean {
  if (record.kind === 'tombstone') return kind === 'undeploy';
  return kind === 'publish' && record.revision === revision && (hash === undefined || hash === record.hash);
}

/** Compares the artifact of a proxy with what is recorded. */
export function compareArtifact(
  keys: ChannelKeys,
  { proxyId, newest, published }: RecordedProxy,
  stored: StoredArtifact | undefined,
): DriftFinding | undefined {
  // What is left of a proxy that was taken out is given to nobody: its record is a tombstone.
  if (published?.kind !== 'publish') return undefined;
  const finding = (problem: DriftFinding['problem']): DriftFinding =>
    proxyInRedis(proxyId, { problem, recorded: published.deployment, found: stored?.deployment ?? null });
  if (stored === undefined) return finding('missing');
  // Whoever alters it may give it any number.
  const text = openArtifact(keys, proxyId, stored);
  if (text === undefined) return finding('altered');
  if (stored.deployment < published.deployment) return finding('older');
  if (stored.deployment > published.deployment) return stored.deployment > newest ? finding('newer') : undefined;
  return published.hash === undefined || artifactHash(keys, text) === published.hash ? undefined : finding('altered');
}
