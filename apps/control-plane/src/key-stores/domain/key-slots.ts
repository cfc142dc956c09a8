import type { KeyPlace, KeyRotated, PlacedKey, StoredKey } from './key-store.events.ts';

/** So many keys of rotations without stages still verify. */
export const PREVIOUS_KEYS_KEPT = 2;

/** A key that only verifies. */
export interface PreviousKey extends StoredKey {
  /** The rotation that removes it; null: it was rotated in one step, and later ones push it out. */
  readonly rotationId: string | null;
}

/** One place's keys. */
export interface KeySlot {
  readonly environmentId: KeyPlace;
  /** Signs and verifies. */
  readonly current: StoredKey;
  /** Verifies already, and is to sign. */
  readonly next: StoredKey | null;
  /** Only verify; newest first. */
  readonly previous: readonly PreviousKey[];
}

export const freshSlot = ({ environmentId, key }: PlacedKey): KeySlot => ({
  ...{ environmentId, current: key, next: null, previous: [] },
});

/** All keys of a place. */
export const keysOfSlot = ({ current, next, previous }: KeySlot): readonly StoredKey[] => [
  ...[current, ...(next === null ? [] : [next])],
  ...previous,
];

/** The private half of a pair is not needed to verify, and so not kept. */
export const verifyingOnly = <Key extends StoredKey>(key: Key): Key =>
  key.keyType === 'oct' ? key : { ...key, material: null };

/** What a staged rotation is to remove is never pushed out before: tokens that it signed may be under way. */
function previousAfter(slot: KeySlot, rotationId: string | null): readonly PreviousKey[] {
  const all = [{ ...verifyingOnly(slot.current), rotationId }, ...slot.previous];
  return all.filter((key, index) => key.rotationId !== null || index < PREVIOUS_KEYS_KEPT);
}

const keyFor = (slot: KeySlot, keys: readonly PlacedKey[]): StoredKey | undefined =>
  keys.find(({ environmentId }) => environmentId === slot.environmentId)?.key;

/** A rotation in one step. */
export function rotatedSlot(slot: KeySlot, { keys, retirePrevious }: KeyRotated['data']): KeySlot {
  const key = keyFor(slot, keys);
  if (key === undefined) return slot;
  return { ...slot, current: key, next: null, previous: retirePrevious ? [] : previousAfter(slot, null) };
}

export const publishedSlot = (slot: KeySlot, keys: readonly PlacedKey[]): KeySlot => ({
  ...slot,
  next: keyFor(slot, keys) ?? slot.next,
});

/** The next key signs. */
export function switchedSlot(slot: KeySlot, rotationId: string): KeySlot {
  if (slot.next === null) return slot;
  return { ...slot, current: slot.next, next: null, previous: previousAfter(slot, rotationId) };
}

/** What the rotation replaced verifies no longer. */
export const retiredSlot = (slot: KeySlot, rotationId: string): KeySlot => ({
  ...slot,
  previous: slot.previous.filter((key) => key.rotationId !== rotationId),
});
