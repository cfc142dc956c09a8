import type { KeyRotation } from './key-rotation.ts';

/** What a rotation does next: each step is an event. */
export type RotationStep = 'publish' | 'switch' | 'acknowledge' | 'finish';

/** Whether a rotation waits for gateways, rather than for time to pass. */
export const waitsForGateways = ({ stage, acknowledgedAt }: KeyRotation): boolean =>
  stage === 'publishing' || (stage === 'retiring' && acknowledgedAt === null);

/** The moment it waits for; null: it waits for something else, or for ever. */
export function awaitedMoment({ stage, signsAt, retiresAt }: KeyRotation): string | null {
  if (stage === 'waiting') return signsAt;
  return stage === 'retiring' ? retiresAt : null;
}

/**
 * @param isAcknowledged whether every live gateway has applied what was deployed for the rotation
 * @param now ISO 8601
 * @returns undefined: it waits, or it is over
 */
export function dueStep(rotation: KeyRotation, isAcknowledged: boolean, now: string): RotationStep | undefined {
  if (rotation.paused) return undefined;
  if (waitsForGateways(rotation)) {
    if (!isAcknowledged) return undefined;
    return rotation.stage === 'publishing' ? 'publish' : 'acknowledge';
  }
  const moment = awaitedMoment(rotation);
  if (moment === null || Date.parse(moment) > Date.parse(now)) return undefined;
  return rotation.stage === 'waiting' ? 'switch' : 'finish';
}

/** The step to the next stage, whatever is waited for; undefined: it is over. */
export function stepToNextStage({ stage }: KeyRotation): Exclude<RotationStep, 'acknowledge'> | undefined {
  switch (stage) {
    case 'publishing':
      return 'publish';
    case 'waiting':
      return 'switch';
    case 'retiring':
      return 'finish';
    case 'finished':
    case 'cancelled':
    case 'replaced':
      return undefined;
  }
}

/** When a rotation is to be looked at next, ISO 8601; null: not before somebody changes something. */
export function nextLookAt(rotation: KeyRotation): string | null {
  if (rotation.paused) return null;
  return waitsForGateways(rotation) ? rotation.since : awaitedMoment(rotation);
}
