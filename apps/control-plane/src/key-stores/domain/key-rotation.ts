import type { KeyPlace, KeyRotationEvent, KeyRotationForced } from './key-store.events.ts';

/**
 * `publishing`: until every live gateway verifies with the new keys. `waiting`: until whoever keeps the published keys has
 * them too. `retiring`: the new keys sign, the old ones verify until their last token has expired. Then it is over:
 * `finished`, `cancelled` before the new keys signed, or `replaced` with all keys that it was about.
 */
export type OpenStage = KeyRotationForced['data']['stage'];
export type RotationStage = OpenStage | 'finished' | 'cancelled' | 'replaced';

/** A rotation of the keys of some places, all at once. Times are ISO 8601. */
export interface KeyRotation {
  readonly rotationId: string;
  readonly places: readonly KeyPlace[];
  readonly stage: RotationStage;
  /** When the stage began. */
  readonly since: string;
  readonly startedAt: string;
  readonly publishForSeconds: number;
  /** null: it is not known yet. So of the following. */
  readonly signsAt: string | null;
  readonly switchedAt: string | null;
  readonly acknowledgedAt: string | null;
  /** null once the switch is acknowledged: never by itself. */
  readonly retiresAt: string | null;
  /** null once it has switched: tokens of the old keys may never expire. */
  readonly longestTokenLifeMs: number | null;
  readonly paused: boolean;
}

/** A token that expires in the same moment as its key goes may be verified by a clock that is late. */
export const TOKEN_LEEWAY_SECONDS = 60;

/** So many at once; all but one of them only wait for old keys to go. */
export const MOST_ROTATIONS_UNDER_WAY = 10;

const OPEN: readonly RotationStage[] = ['publishing', 'waiting', 'retiring'] satisfies OpenStage[];

export const isUnderWay = (rotation: KeyRotation): rotation is KeyRotation & { readonly stage: OpenStage } =>
  OPEN.includes(rotation.stage);

/** Whether the new keys have yet to sign. */
export const isBeforeSwitch = ({ stage }: KeyRotation): boolean => stage === 'publishing' || stage === 'waiting';

/**
 * The one that people mean: the newest that is under way, even where a later one is over already (cancelled, or with
 * tokens that expire sooner); else the last one. Undefined: there was none.
 */
export const rotationMeant = (rotations: readonly KeyRotation[]): KeyRotation | undefined =>
  rotations.filter(isUnderWay).at(-1) ?? rotations.at(-1);

/** The newest is kept when it is over, so that people can still look at it. */
const tidy = (rotations: readonly KeyRotation[]): readonly KeyRotation[] =>
  rotations.filter((rotation, index) => isUnderWay(rotation) || index === rotations.length - 1);

/** Other keys came to these places, or none: what was going on there is over. */
export function withoutPlaces(rotations: readonly KeyRotation[], gone: readonly KeyPlace[]): readonly KeyRotation[] {
  const left = rotations.map((rotation): KeyRotation => {
    if (!isUnderWay(rotation)) return rotation;
    const places = rotation.places.filter((place) => !gone.includes(place));
    return { ...rotation, places, stage: places.length === 0 ? 'replaced' : rotation.stage };
  });
  return tidy(left);
}

function stepped(rotation: KeyRotation, event: KeyRotationEvent): KeyRotation {
  const { at } = event.data;
  switch (event.type) {
    case 'KeyRotationPublished':
      return { ...rotation, stage: 'waiting', since: at, signsAt: event.data.signsAt };
    case 'KeyRotationSwitched': {
      const { longestTokenLifeMs } = event.data;
      return { ...rotation, stage: 'retiring', since: at, switchedAt: at, longestTokenLifeMs };
    }
    case 'KeyRotationAcknowledged':
      return { ...rotation, acknowledgedAt: at, retiresAt: event.data.retiresAt };
    case 'KeyRotationFinished':
      return { ...rotation, stage: 'finished', since: at, paused: false };
    case 'KeyRotationCancelled':
      return { ...rotation, stage: 'cancelled', since: at, paused: false };
    case 'KeyRotationPaused':
      return { ...rotation, paused: true };
    case 'KeyRotationResumed':
      return { ...rotation, paused: false };
    // The event of the step itself follows.
    case 'KeyRotationForced':
    case 'KeyRotationStarted':
      return rotation;
  }
}

/** Rotations of a store after an event, newest last. */
export function rotationsAfter(rotations: readonly KeyRotation[], event: KeyRotationEvent): readonly KeyRotation[] {
  if (event.type !== 'KeyRotationStarted') {
    const { rotationId } = event.data;
    return tidy(rotations.map((one) => (one.rotationId === rotationId ? stepped(one, event) : one)));
  }
  const { rotationId, keys, publishForSeconds, at } = event.data;
  const started: KeyRotation = {
    ...{ rotationId, places: keys.map(({ environmentId }) => environmentId), stage: 'publishing' },
    ...{ since: at, startedAt: at, publishForSeconds, signsAt: null, switchedAt: null, acknowledgedAt: null },
    ...{ retiresAt: null, longestTokenLifeMs: null, paused: false },
  };
  return tidy([...rotations, started]);
}
