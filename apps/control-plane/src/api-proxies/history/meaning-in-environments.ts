import { canonicalJson } from '#libs/canonical-json';
import type { SecretReference } from '../../decider/secret-reference.ts';
import {
  variableDecider,
  variableValueIn,
  type VariableContent,
  type VariableValue,
} from '../../environment-variables/domain/environment-variable.decider.ts';
import { environmentDecider } from '../../environments/domain/environment.decider.ts';
import { keysOfSlot, type KeySlot } from '../../key-stores/domain/key-slots.ts';
import { keyStoreDecider, slotFor } from '../../key-stores/domain/key-store.decider.ts';
import type { StoredKey } from '../../key-stores/domain/key-store.events.ts';
import type { SecretVault } from '../../persistence/secret-vault.ts';
import type { Unit } from '../../persistence/unit-of-work.ts';

export interface MeaningPlace {
  /** Empty: all. */
  readonly environmentIds: readonly string[];
  /** Of the stream, as it was then; left out: as it is now. */
  readonly atVersion?: number;
}

/**
 * What something means to the proxies of some environments, as text to be compared; undefined where it is not there.
 * Secrets count by their fingerprints: they may be destroyed by now.
 */
export type Meaning = (unit: Unit, streamId: string, place: MeaningPlace) => Promise<string | undefined>;

type FingerprintOf = (value: VariableValue | null | undefined) => string | null;

/** Whether a value may be read back is no part of what it means. */
const fingerprintIn =
  (vault: SecretVault): FingerprintOf =>
  (value) => {
    if (value === null || value === undefined) return null;
    return value.kind === 'secret' ? value.fingerprint : vault.fingerprint(value.value);
  };

function valuesIn(content: VariableContent, environmentIds: readonly string[], fingerprint: FingerprintOf): unknown {
  if (environmentIds.length > 0) return environmentIds.map((id) => fingerprint(variableValueIn(content, id)));
  const values = Object.entries(content.values).map(([id, value]) => [id, fingerprint(value)] as const);
  return [fingerprint(content.globalValue), Object.fromEntries(values)];
}

/** Its values. */
export const variableMeaning =
  (vault: SecretVault): Meaning =>
  async (unit, streamId, { environmentIds, atVersion }) => {
    const state = await unit.peek(variableDecider, streamId, atVersion);
    return state.status === 'absent' ? undefined : canonicalJson(valuesIn(state, environmentIds, fingerprintIn(vault)));
  };

/** What of an environment is in every artifact; its own keys never change. */
export const environmentMeaning: Meaning = async (unit, streamId, { atVersion }) => {
  const state = await unit.peek(environmentDecider, streamId, atVersion);
  return state.status === 'absent' ? undefined : canonicalJson([state.tokenIssuer, state.expiresInUnit]);
};

const fingerprintOf = (reference: SecretReference | null): string | null => reference?.fingerprint ?? null;

const keyOf = ({ keyId, thumbprint, material }: StoredKey): unknown[] => [keyId, thumbprint ?? fingerprintOf(material)];

const keysIn = (slot: KeySlot | undefined): unknown => (slot === undefined ? null : keysOfSlot(slot).map(keyOf));

/** Which key signs, and which verify beside it. */
export const keyStoreMeaning: Meaning = async (unit, streamId, { environmentIds, atVersion }) => {
  const state = await unit.peek(keyStoreDecider, streamId, atVersion);
  if (state.status === 'absent') return undefined;
  if (environmentIds.length > 0) return canonicalJson(environmentIds.map((id) => keysIn(slotFor(state, id))));
  return canonicalJson(Object.fromEntries(state.slots.map((slot) => [slot.environmentId ?? '', keysIn(slot)])));
};
