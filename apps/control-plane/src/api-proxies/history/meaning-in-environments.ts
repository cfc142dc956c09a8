import { canonicalJson } from '#libs/canonical-json';
import type { DomainEvent } from '#libs/event-store';
import { fold } from '../../decider/decider.ts';
import type { SecretReference } from '../../decider/secret-reference.ts';
import {
  variableDecider,
  variableValueIn,
  type VariableContent,
  type VariableValue,
} from '../../environment-variables/domain/environment-variable.decider.ts';
import { keyStoreDecider, slotFor, type KeySlot } from '../../key-stores/domain/key-store.decider.ts';
import type { StoredKey } from '../../key-stores/domain/key-store.events.ts';

/**
 * What something means to the proxies of some environments, or of all where none is named, as text to be compared;
 * undefined where the events leave nothing. Secrets count by their fingerprints: they may be destroyed by now.
 */
export type Meaning = (events: readonly DomainEvent[], environmentIds: readonly string[]) => string | undefined;

const withoutPlace = (value: VariableValue | null | undefined): object | null => {
  if (value === null || value === undefined) return null;
  return value.kind === 'secret' ? { fingerprint: value.fingerprint } : { value: value.value };
};

function valuesIn(content: VariableContent, environmentIds: readonly string[]): unknown {
  if (environmentIds.length > 0) return environmentIds.map((id) => withoutPlace(variableValueIn(content, id)));
  const values = Object.entries(content.values).map(([id, value]) => [id, withoutPlace(value)] as const);
  return [withoutPlace(content.globalValue), Object.fromEntries(values)];
}

/** Its values. */
export const variableMeaning: Meaning = (events, environmentIds) => {
  const state = fold(variableDecider, events);
  return state.status === 'absent' ? undefined : canonicalJson(valuesIn(state, environmentIds));
};

const fingerprintOf = (reference: SecretReference | null): string | null => reference?.fingerprint ?? null;

const keyOf = ({ keyId, thumbprint, material }: StoredKey): unknown[] => [keyId, thumbprint ?? fingerprintOf(material)];

const keysIn = (slot: KeySlot | undefined): unknown =>
  slot === undefined ? null : [keyOf(slot.current), ...slot.previous.map(keyOf)];

/** Which key signs, and which still verify. */
export const keyStoreMeaning: Meaning = (events, environmentIds) => {
  const state = fold(keyStoreDecider, events);
  if (state.status === 'absent') return undefined;
  if (environmentIds.length > 0) return canonicalJson(environmentIds.map((id) => keysIn(slotFor(state, id))));
  return canonicalJson(Object.fromEntries(state.slots.map((slot) => [slot.environmentId ?? '', keysIn(slot)])));
};
