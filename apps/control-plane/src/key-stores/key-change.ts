import type { KeyRotation } from './domain/key-rotation.ts';
import { slotFor, type ActiveKeyStore, type KeyStoreCommand } from './domain/key-store.decider.ts';
import type { KeyPlace } from './domain/key-store.events.ts';
import type { EnvironmentFilter } from './key-store-users.port.ts';

/** What gateways are to be told of a change of keys. */
export interface KeyChange {
  readonly isMeant: EnvironmentFilter;
  /** Of the deployments. */
  readonly description: string;
  /** Whether another key signs. */
  readonly isSwitch: boolean;
}

/** The environments whose proxies use the keys of these places. */
export const environmentsUsing =
  (store: ActiveKeyStore, places: readonly KeyPlace[]): EnvironmentFilter =>
  (environmentId) => {
    const place = slotFor(store, environmentId)?.environmentId;
    return place !== undefined && places.includes(place);
  };

/** The environments that a rotation is about. */
export const environmentsOf = (store: ActiveKeyStore, { places }: KeyRotation): EnvironmentFilter =>
  environmentsUsing(store, places);

const WORDS = {
  StartRotation: 'the next one is published',
  switch: 'the next one signs',
  finish: 'the old one is removed',
  CancelRotation: 'the next one is withdrawn',
} as const;

function stepOf(command: KeyStoreCommand): keyof typeof WORDS | undefined {
  if (command.type === 'StartRotation' || command.type === 'CancelRotation') return command.type;
  if (command.type !== 'TakeRotationStep') return undefined;
  return command.step === 'switch' || command.step === 'finish' ? command.step : undefined;
}

interface Change {
  readonly before: ActiveKeyStore;
  readonly after: ActiveKeyStore;
}

/** The rotation that a command is about. One that is finished is forgotten at once where a later one is there. */
function rotationIn({ before, after }: Change, command: KeyStoreCommand): KeyRotation | undefined {
  if (command.type !== 'TakeRotationStep') return after.rotations.at(-1);
  return before.rotations.find(({ rotationId }) => rotationId === command.rotationId);
}

/** @returns undefined: gateways go on with the keys they have */
export function changeOfKeys(command: KeyStoreCommand, change: Change): KeyChange | undefined {
  const { after } = change;
  if (command.type === 'UpdateKeyStore' || command.type === 'RotateKeys') {
    const places = command.keys.map(({ environmentId }) => environmentId);
    // The key that environments share may have been in use in any of them.
    const isMeant: EnvironmentFilter = (environmentId) => places.includes(null) || places.includes(environmentId);
    return { isMeant, description: `Key ${after.name} changed`, isSwitch: command.type === 'RotateKeys' };
  }
  const [step, rotation] = [stepOf(command), rotationIn(change, command)];
  if (step === undefined || rotation === undefined) return undefined;
  const description = `Key ${after.name} is rotated: ${WORDS[step]}`;
  return { isMeant: environmentsOf(after, rotation), description, isSwitch: step === 'switch' };
}
