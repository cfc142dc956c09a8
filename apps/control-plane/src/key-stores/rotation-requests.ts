import { z } from 'zod';
import { optional, PUBLISHED_KEYS_MAX_AGE_SECONDS, withDefault, type ContractWarning } from '#libs/policy-contracts';
import { invalid } from '../decider/domain-error.ts';
import { readBody } from '../http/bodies/request-bodies.ts';
import type { KeySource } from './import/read-key.ts';
import { fault, KEY_STORE, passwordFaults, refuseAny, twiceNamed, type KeyStoreNaming } from './key-store-requests.ts';

const { environmentNameList, kid, sourceType, content, password } = KEY_STORE.shape;
const LONGEST_PUBLISH_SECONDS = 30 * 24 * 60 * 60;

/** `POST P/jwks/{name}/rotate/`: without `content` a new key of the same kind is generated. */
export const ROTATION = z.strictObject({
  retirePrevious: withDefault(z.boolean(), false),
  publishForSeconds: optional(z.int().min(0).max(LONGEST_PUBLISH_SECONDS)),
  environmentNameList,
  ...{ kid, sourceType: optional(sourceType), content: optional(content), password },
});

export interface RotationRequest extends Omit<KeyStoreNaming, 'name' | 'description'> {
  /** In one step: the old keys are gone at once. */
  readonly retirePrevious: boolean;
  /** From the moment when every gateway has the new key until it signs. */
  readonly publishForSeconds: number;
  /** Undefined: keys of the same kind are generated. */
  readonly source: KeySource | undefined;
}

function sourceIn(raw: z.infer<typeof ROTATION>): KeySource | undefined {
  const { sourceType, content: text } = raw;
  if (sourceType === undefined && text === undefined) return undefined;
  if (sourceType === undefined) throw invalid([fault('sourceType', 'required', 'is required beside content')]);
  if (text === undefined) throw invalid([fault('content', 'required', 'is required beside sourceType')]);
  return { sourceType, content: text, password: raw.password };
}

const AT_ONCE: ContractWarning = {
  field: 'retirePrevious',
  message: 'the old keys are gone at once, and their tokens with them; without it no token is refused',
};
const TOO_SOON: ContractWarning = {
  field: 'publishForSeconds',
  message:
    'whoever verifies with published keys may keep them for ' +
    `${PUBLISHED_KEYS_MAX_AGE_SECONDS} seconds: the new key may sign before he has it`,
};

/** No body: a new key of the same kind in every place. @throws DomainError VALIDATION_FAILED with every fault */
export function readRotation(body: unknown): { request: RotationRequest; warnings: readonly ContractWarning[] } {
  const raw = readBody(ROTATION, body ?? {});
  const { retirePrevious, publishForSeconds, environmentNameList: environmentNames } = raw;
  const pointless = retirePrevious && publishForSeconds !== undefined;
  refuseAny([
    ...twiceNamed(raw.environmentNameList),
    ...passwordFaults(raw),
    ...(pointless ? [fault('publishForSeconds', 'invalid', 'has no meaning when retirePrevious is true')] : []),
  ]);
  const seconds = publishForSeconds ?? PUBLISHED_KEYS_MAX_AGE_SECONDS;
  const isTooSoon = !retirePrevious && seconds < PUBLISHED_KEYS_MAX_AGE_SECONDS;
  return {
    request: { retirePrevious, publishForSeconds: seconds, environmentNames, keyId: raw.kid, source: sourceIn(raw) },
    warnings: [...(retirePrevious ? [AT_ONCE] : []), ...(isTooSoon ? [TOO_SOON] : [])],
  };
}
