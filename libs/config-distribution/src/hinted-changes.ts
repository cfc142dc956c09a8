import type { ChangeHint } from './change-hint.ts';
import type { StoredArtifact } from './config-channel.port.ts';
import { openRecord, type ChangeRecord } from './messages.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';

/** What hints have brought along of the changes that they speak of. */
export interface HintedChanges {
  /** In their order, up to the first whose artifact was not brought along. */
  readonly whole: readonly ChangeRecord[];
  /** Of those, by proxy id. */
  readonly artifacts: ReadonlyMap<string, StoredArtifact>;
  /** Proxies of the others: worth reading together with the log. */
  readonly others: readonly string[];
  readonly isAltered: boolean;
}

/** Opens what stands in hints, up to the first that is not sealed. */
export function openHints(keys: ChannelKeys, hints: readonly ChangeHint[]): HintedChanges {
  const whole: ChangeRecord[] = [];
  const artifacts = new Map<string, StoredArtifact>();
  const others: string[] = [];
  for (const { record, artifact } of hints) {
    const change = openRecord(keys, record);
    if (change === undefined) return { whole, artifacts, others, isAltered: true };
    const isWhole = change.kind === 'tombstone' || artifact !== undefined;
    if (!isWhole || others.length > 0) others.push(change.proxyId);
    else {
      whole.push(change);
      if (artifact !== undefined) artifacts.set(change.proxyId, artifact);
    }
  }
  return { whole, artifacts, others, isAltered: false };
}
