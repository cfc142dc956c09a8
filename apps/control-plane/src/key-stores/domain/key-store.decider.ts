import { unreachable, type Decider } from '../../decider/decider.ts';
import { invalidField, notFound } from '../../decider/domain-error.ts';
import type {
  KeyPlace,
  KeyRotated,
  KeyStoreCreated,
  KeyStoreEvent,
  KeyStoreUpdated,
  PlacedKey,
  StoredKey,
} from './key-store.events.ts';

/** So many keys of earlier rotations still verify. */
export const PREVIOUS_KEYS_KEPT = 2;

/** One place's keys. */
export interface KeySlot {
  readonly environmentId: KeyPlace;
  /** Signs and verifies. */
  readonly current: StoredKey;
  /** Only verify; newest first. */
  readonly previous: readonly StoredKey[];
}

export interface ActiveKeyStore {
  readonly status: 'active';
  readonly keyStoreId: string;
  readonly projectId: string;
  readonly name: string;
  readonly description: string;
  /** None when its only environment was deleted. */
  readonly slots: readonly KeySlot[];
}
export type KeyStoreState = { readonly status: 'absent' } | ActiveKeyStore;

export type KeyStoreCommand =
  | ({ readonly type: 'CreateKeyStore' } & KeyStoreCreated['data'])
  /** `removed`: places that lose their key. */
  | ({ readonly type: 'UpdateKeyStore' } & Omit<KeyStoreUpdated['data'], 'keyStoreId'>)
  | ({ readonly type: 'RotateKeys' } & Omit<KeyRotated['data'], 'keyStoreId'>)
  | { readonly type: 'DeleteKeyStore' };

export const keyStoreStream = (keyStoreId: string): string => `keyStore-${keyStoreId}`;

/** @throws DomainError NOT_FOUND */
export function requireKeyStore(state: KeyStoreState): ActiveKeyStore {
  if (state.status === 'absent') throw notFound('JWK');
  return state;
}

/** An environment's own keys, else those that all share; undefined: there are none for it. */
export const slotFor = (store: ActiveKeyStore, environmentId: string): KeySlot | undefined =>
  store.slots.find((slot) => slot.environmentId === environmentId) ??
  store.slots.find((slot) => slot.environmentId === null);

/** Ids of everything secret that a store holds. */
export function secretsIn(state: KeyStoreState): string[] {
  if (state.status === 'absent') return [];
  const keys = state.slots.flatMap(({ current, previous }) => [current, ...previous]);
  return keys.flatMap(({ material }) => (material === null ? [] : [material.secretId]));
}

const fresh = ({ environmentId, key }: PlacedKey): KeySlot => ({ environmentId, current: key, previous: [] });

/** The private half of a pair is not needed to verify, and so not kept. */
const verifyingOnly = (key: StoredKey): StoredKey => (key.keyType === 'oct' ? key : { ...key, material: null });

function rotated(slot: KeySlot, { keys, retirePrevious }: KeyRotated['data']): KeySlot {
  const key = keys.find(({ environmentId }) => environmentId === slot.environmentId)?.key;
  if (key === undefined) return slot;
  const previous = [verifyingOnly(slot.current), ...slot.previous].slice(0, PREVIOUS_KEYS_KEPT);
  return { ...slot, current: key, previous: retirePrevious ? [] : previous };
}

function evolve(state: KeyStoreState, event: KeyStoreEvent): KeyStoreState {
  if (event.type === 'KeyStoreCreated') {
    const { keys, ...data } = event.data;
    return { status: 'active', ...data, slots: keys.map(fresh) };
  }
  if (state.status === 'absent') return state;
  switch (event.type) {
    case 'KeyStoreUpdated': {
      const { description, keys, removed } = event.data;
      const gone = [...removed, ...keys.map((placed) => placed.environmentId)];
      const others = state.slots.filter((slot) => !gone.includes(slot.environmentId));
      return { ...state, description, slots: [...others, ...keys.map(fresh)] };
    }
    case 'KeyRotated':
      return { ...state, slots: state.slots.map((slot) => rotated(slot, event.data)) };
    case 'KeyStoreDeleted':
      return { status: 'absent' };
    default:
      return unreachable(event);
  }
}

/** Tokens name their key by its id, so a new key never bears the id of one that is or was there. */
function requireNewKeyIds(slots: readonly KeySlot[], keys: readonly PlacedKey[]): void {
  for (const { environmentId, key } of keys) {
    const slot = slots.find((candidate) => candidate.environmentId === environmentId);
    if (slot === undefined) throw notFound('Key of this JWK in this environment');
    if ([slot.current, ...slot.previous].some(({ keyId }) => keyId === key.keyId)) {
      const message = 'kid is that of a key which is there already; a rotation needs another key under another kid';
      throw invalidField('kid', 'kid_taken', message);
    }
  }
}

function decide(command: KeyStoreCommand, state: KeyStoreState): readonly KeyStoreEvent[] {
  if (command.type === 'CreateKeyStore') {
    const { type: _type, ...data } = command;
    return [{ type: 'KeyStoreCreated', schemaVersion: 1, data }];
  }
  const { keyStoreId, slots } = requireKeyStore(state);
  switch (command.type) {
    case 'UpdateKeyStore': {
      const { description, keys, removed } = command;
      return [{ type: 'KeyStoreUpdated', schemaVersion: 1, data: { keyStoreId, description, keys, removed } }];
    }
    case 'RotateKeys': {
      const { keys, retirePrevious } = command;
      requireNewKeyIds(slots, keys);
      return [{ type: 'KeyRotated', schemaVersion: 1, data: { keyStoreId, keys, retirePrevious } }];
    }
    case 'DeleteKeyStore':
      return [{ type: 'KeyStoreDeleted', schemaVersion: 1, data: { keyStoreId } }];
    default:
      return unreachable(command);
  }
}

export const keyStoreDecider: Decider<KeyStoreState, KeyStoreCommand, KeyStoreEvent> = {
  initialState: { status: 'absent' },
  snapshotShape: 'keyStore@1',
  evolve,
  decide,
};
