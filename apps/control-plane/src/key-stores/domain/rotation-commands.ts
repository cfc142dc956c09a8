import { unreachable } from '../../decider/decider.ts';
import { conflict, invalidField, notFound } from '../../decider/domain-error.ts';
import {
  isBeforeSwitch,
  isUnderWay,
  MOST_ROTATIONS_UNDER_WAY,
  rotationMeant,
  TOKEN_LEEWAY_SECONDS,
} from './key-rotation.ts';
import type { KeyRotation, OpenStage } from './key-rotation.ts';
import { keysOfSlot, type KeySlot } from './key-slots.ts';
import type { KeyRotationEvent, KeyRotationStarted, PlacedKey } from './key-store.events.ts';
import type { RotationStep } from './rotation-steps.ts';

interface TakeRotationStep {
  readonly type: 'TakeRotationStep';
  readonly rotationId: string;
  readonly step: RotationStep;
  /** Of tokens that the old keys may have signed; null: they never expire. Looked at when the new ones sign. */
  readonly longestTokenLifeMs: number | null;
  readonly isForced: boolean;
  /** ISO 8601, now. */
  readonly at: string;
}

/** `at`: ISO 8601, now. */
export type RotationCommand =
  | ({ readonly type: 'StartRotation' } & Omit<KeyRotationStarted['data'], 'keyStoreId'>)
  | TakeRotationStep
  | { readonly type: 'PauseRotation' | 'ResumeRotation' | 'CancelRotation'; readonly at: string };

interface Rotating {
  readonly keyStoreId: string;
  readonly slots: readonly KeySlot[];
  readonly rotations: readonly KeyRotation[];
}

type Open = KeyRotation & { readonly stage: OpenStage };

const SECOND_MS = 1_000;
const laterBy = (at: string, ms: number): string => new Date(Date.parse(at) + ms).toISOString();

/** Tokens name their key by its id, so a new key never bears the id of one that is there. */
export function requireNewKeyIds(slots: readonly KeySlot[], keys: readonly PlacedKey[]): void {
  for (const { environmentId, key } of keys) {
    const slot = slots.find((candidate) => candidate.environmentId === environmentId);
    if (slot === undefined) throw notFound('Key of this JWK in this environment');
    if (keysOfSlot(slot).some(({ keyId }) => keyId === key.keyId)) {
      const message = 'kid is that of a key which is there already; a rotation needs another key under another kid';
      throw invalidField('kid', 'kid_taken', message);
    }
  }
}

/** @throws DomainError CONFLICT */
export function requireUnderWay({ rotations }: Pick<Rotating, 'rotations'>): Open {
  const meant = rotationMeant(rotations);
  if (meant === undefined || !isUnderWay(meant)) throw conflict('no rotation of this JWK is under way');
  return meant;
}

function requireNoOther(rotations: readonly KeyRotation[]): void {
  const newest = rotations.at(-1);
  if (newest !== undefined && isBeforeSwitch(newest)) {
    throw conflict(
      `a rotation of this JWK is under way already (stage ${newest.stage}): wait until its new key signs, force it or cancel it`,
    );
  }
  if (rotations.filter(isUnderWay).length >= MOST_ROTATIONS_UNDER_WAY) {
    throw conflict(
      `old keys of ${MOST_ROTATIONS_UNDER_WAY} rotations of this JWK still verify: wait until tokens of them have expired, or force them one after the other, which removes them`,
    );
  }
}

/** In which stage a step is taken. */
const STAGE_OF: Readonly<Record<RotationStep, OpenStage>> = {
  ...{ publish: 'publishing', switch: 'waiting' },
  ...{ acknowledge: 'retiring', finish: 'retiring' },
};

function stepEvent(rotation: Open, command: TakeRotationStep, keyStoreId: string): KeyRotationEvent {
  const { at, longestTokenLifeMs } = command;
  const { rotationId, publishForSeconds } = rotation;
  const named = { keyStoreId, rotationId, at };
  switch (command.step) {
    case 'publish': {
      const signsAt = laterBy(at, publishForSeconds * SECOND_MS);
      return { type: 'KeyRotationPublished', schemaVersion: 1, data: { ...named, signsAt } };
    }
    case 'switch':
      return { type: 'KeyRotationSwitched', schemaVersion: 1, data: { ...named, longestTokenLifeMs } };
    case 'acknowledge': {
      const lifeMs = rotation.longestTokenLifeMs;
      const retiresAt = lifeMs === null ? null : laterBy(at, lifeMs + TOKEN_LEEWAY_SECONDS * SECOND_MS);
      return { type: 'KeyRotationAcknowledged', schemaVersion: 1, data: { ...named, retiresAt } };
    }
    case 'finish':
      return { type: 'KeyRotationFinished', schemaVersion: 1, data: named };
  }
}

function takeStep({ keyStoreId, rotations }: Rotating, command: TakeRotationStep): KeyRotationEvent[] {
  const { rotationId, step, isForced, at } = command;
  const rotation = rotations.find((one) => one.rotationId === rotationId);
  if (rotation === undefined || !isUnderWay(rotation)) throw conflict('this rotation is over');
  const { stage } = rotation;
  if (stage !== STAGE_OF[step]) throw conflict(`the rotation is in stage ${stage} by now`);
  const event = stepEvent(rotation, command, keyStoreId);
  if (!isForced) return [event];
  return [{ type: 'KeyRotationForced', schemaVersion: 1, data: { keyStoreId, rotationId, at, stage } }, event];
}

/** @throws DomainError CONFLICT when the rotation is not where the command wants it, VALIDATION_FAILED */
export function decideRotation(command: RotationCommand, store: Rotating): readonly KeyRotationEvent[] {
  const { keyStoreId, slots, rotations } = store;
  if (command.type === 'StartRotation') {
    const { type: _type, ...data } = command;
    requireNoOther(rotations);
    requireNewKeyIds(slots, data.keys);
    return [{ type: 'KeyRotationStarted', schemaVersion: 1, data: { keyStoreId, ...data } }];
  }
  if (command.type === 'TakeRotationStep') return takeStep(store, command);
  const { rotationId, stage, paused } = requireUnderWay(store);
  const data = { keyStoreId, rotationId, at: command.at };
  switch (command.type) {
    case 'PauseRotation':
      if (paused) throw conflict('the rotation is paused already');
      return [{ type: 'KeyRotationPaused', schemaVersion: 1, data }];
    case 'ResumeRotation':
      if (!paused) throw conflict('the rotation is not paused');
      return [{ type: 'KeyRotationResumed', schemaVersion: 1, data }];
    case 'CancelRotation':
      if (stage === 'retiring') {
        throw conflict('the new key signs already: what can still be done is to rotate once more');
      }
      return [{ type: 'KeyRotationCancelled', schemaVersion: 1, data }];
    default:
      return unreachable(command);
  }
}
