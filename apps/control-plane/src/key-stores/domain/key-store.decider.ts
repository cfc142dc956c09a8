import { unreachable, type Decider } from '../../decider/decider.ts';
import { notFound } from '../../decider/domain-error.ts';
import { rotationsAfter, withoutPlaces, type KeyRotation } from './key-rotation.ts';
import {
  freshSlot,
  keysOfSlot,
  publishedSlot,
  retiredSlot,
  rotatedSlot,
  switchedSlot,
  type KeySlot,
} from './key-slots.ts';
import type {
  KeyRotated,
  KeyRotationEvent,
  KeyStoreCreated,
  KeyStoreEvent,
  KeyStoreUpdated,
} from './key-store.events.ts';
import { decideRotation, requireNewKeyIds, type RotationCommand } from './rotation-commands.ts';

export interface ActiveKeyStore {
  readonly status: 'active';
  readonly keyStoreId: string;
  readonly projectId: string;
  readonly name: string;
  readonly description: string;
  /** None when its only environment was deleted. */
  readonly slots: readonly KeySlot[];
  /** Those under way, and the newest even if it is over; newest last. At most that one is before its switch. */
  readonly rotations: readonly KeyRotation[];
}
export type KeyStoreState = { readonly status: 'absent' } | ActiveKeyStore;

export type KeyStoreCommand =
  | ({ readonly type: 'CreateKeyStore' } & KeyStoreCreated['data'])
  /** `removed`: places that lose their key. */
  | ({ readonly type: 'UpdateKeyStore' } & Omit<KeyStoreUpdated['data'], 'keyStoreId'>)
  /** In one step. */
  | ({ readonly type: 'RotateKeys' } & Omit<KeyRotated['data'], 'keyStoreId'>)
  | RotationCommand
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
  const keys = state.slots.flatMap(keysOfSlot);
  return keys.flatMap(({ material }) => (material === null ? [] : [material.secretId]));
}

/** The slots after a step of a rotation. */
function slotsAfter(slots: readonly KeySlot[], event: KeyRotationEvent): readonly KeySlot[] {
  const { rotationId } = event.data;
  switch (event.type) {
    case 'KeyRotationStarted':
      return slots.map((slot) => publishedSlot(slot, event.data.keys));
    case 'KeyRotationSwitched':
      return slots.map((slot) => switchedSlot(slot, rotationId));
    case 'KeyRotationFinished':
      return slots.map((slot) => retiredSlot(slot, rotationId));
    case 'KeyRotationCancelled':
      return slots.map((slot) => ({ ...slot, next: null }));
    case 'KeyRotationPublished':
    case 'KeyRotationAcknowledged':
    case 'KeyRotationPaused':
    case 'KeyRotationResumed':
    case 'KeyRotationForced':
      return slots;
  }
}

function updated(state: ActiveKeyStore, { description, keys, removed }: KeyStoreUpdated['data']): ActiveKeyStore {
  const gone = [...removed, ...keys.map((placed) => placed.environmentId)];
  const others = state.slots.filter((slot) => !gone.includes(slot.environmentId));
  const rotations = withoutPlaces(state.rotations, gone);
  return { ...state, description, slots: [...others, ...keys.map(freshSlot)], rotations };
}

function rotatedAtOnce(state: ActiveKeyStore, data: KeyRotated['data']): ActiveKeyStore {
  const places = data.keys.map(({ environmentId }) => environmentId);
  const slots = state.slots.map((slot) => rotatedSlot(slot, data));
  return { ...state, slots, rotations: withoutPlaces(state.rotations, places) };
}

const isOfRotation = (event: KeyStoreEvent): event is KeyRotationEvent => 'rotationId' in event.data;

function evolve(state: KeyStoreState, event: KeyStoreEvent): KeyStoreState {
  if (event.type === 'KeyStoreCreated') {
    const { keys, ...data } = event.data;
    return { status: 'active', ...data, slots: keys.map(freshSlot), rotations: [] };
  }
  if (state.status === 'absent') return state;
  if (isOfRotation(event)) {
    const { slots, rotations } = state;
    return { ...state, slots: slotsAfter(slots, event), rotations: rotationsAfter(rotations, event) };
  }
  switch (event.type) {
    case 'KeyStoreUpdated':
      return updated(state, event.data);
    case 'KeyRotated':
      return rotatedAtOnce(state, event.data);
    case 'KeyStoreDeleted':
      return { status: 'absent' };
    default:
      return unreachable(event);
  }
}

function decide(command: KeyStoreCommand, state: KeyStoreState): readonly KeyStoreEvent[] {
  if (command.type === 'CreateKeyStore') {
    const { type: _type, ...data } = command;
    return [{ type: 'KeyStoreCreated', schemaVersion: 1, data }];
  }
  const store = requireKeyStore(state);
  const { keyStoreId, slots } = store;
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
    case 'StartRotation':
    case 'TakeRotationStep':
    case 'PauseRotation':
    case 'ResumeRotation':
    case 'CancelRotation':
      return decideRotation(command, store);
  }
}

export const keyStoreDecider: Decider<KeyStoreState, KeyStoreCommand, KeyStoreEvent> = {
  initialState: { status: 'absent' },
  snapshotShape: 'keyStore@2',
  evolve,
  decide,
};
