import { openIdentity, type ChannelKeys, type IdentityKind, type StoredIdentity } from '#libs/config-distribution';
import type { DriftFinding } from './drift-finding.ts';
import type { ToldIdentity } from './recorded-identities.ts';

/** Whether it is what the control plane sealed under that version; a removed one says nothing that could be checked. */
export const isSealedHere = (keys: ChannelKeys, stored: StoredIdentity): boolean =>
  stored.sealed !== null && openIdentity(keys, stored) !== undefined;

const identityFinding = (
  kind: IdentityKind,
  subject: string,
  facts: Pick<DriftFinding, 'problem' | 'recorded' | 'found'>,
): DriftFinding => ({
  ...{ where: 'redis', gatewayId: null, subject: { kind: 'identity', identity: kind, subject } },
  ...facts,
});

/** Compares what an environment was told of somebody with what its Redis holds. */
export function compareIdentity(
  keys: ChannelKeys,
  told: ToldIdentity,
  stored: StoredIdentity | undefined,
): DriftFinding | undefined {
  if (told.isOnItsWay) return undefined;
  const { kind, subject, version } = told;
  const finding = (problem: DriftFinding['problem']): DriftFinding =>
    identityFinding(kind, subject, { problem, recorded: version, found: stored?.version ?? null });
  if (stored === undefined) return finding('missing');
  const isGenuine = isSealedHere(keys, stored);
  if (stored.sealed !== null && !isGenuine) return finding('altered');
  if (stored.version < version) return finding('older');
  if (stored.version > version) return finding(isGenuine ? 'newer' : 'altered');
  return told.isThere === isGenuine ? undefined : finding('altered');
}

/** Of somebody of whom nothing is recorded; undefined when it lets nobody in. */
export function unrecordedIdentity(keys: ChannelKeys, stored: StoredIdentity): DriftFinding | undefined {
  if (!isSealedHere(keys, stored)) return undefined;
  const facts = { problem: 'not-recorded', recorded: null, found: stored.version } as const;
  return identityFinding(stored.kind as IdentityKind, stored.subject, facts);
}
