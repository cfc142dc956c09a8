import { rotationMeant, type KeyRotation } from './domain/key-rotation.ts';
import type { KeySlot } from './domain/key-slots.ts';
import type { ActiveKeyStore } from './domain/key-store.decider.ts';
import type { StoredKey } from './domain/key-store.events.ts';

interface KeyView {
  readonly kid: string;
  readonly kty: StoredKey['keyType'];
  /** The only algorithm it is for; null: any that its kind can do. */
  readonly alg: string | null;
  readonly use: 'sig';
  readonly keySize: number;
  readonly crv: string | null;
  readonly thumbprint: string | null;
  readonly publicJwk: Readonly<Record<string, unknown>> | null;
  /** ISO 8601. */
  readonly createdAt: string;
}

export interface KeyStoreView {
  readonly name: string;
  readonly description: string;
  readonly keyList: readonly (KeyView & {
    /** null: for every environment that has no key of its own. */
    readonly environmentName: string | null;
    readonly hasPrivateKey: boolean;
    /** Verifies already, and signs when the rotation has come that far; one at most. */
    readonly nextKeyList: readonly KeyView[];
    /** Still verify what they signed; newest first. `retiresAt`: ISO 8601; null: it is not known yet, or never. */
    readonly previousKeyList: readonly (KeyView & { readonly retiresAt: string | null })[];
  })[];
  /** The newest that is under way, else the last one; null: there was none. */
  readonly rotation: RotationSummary | null;
}

/** How far a rotation is; times are ISO 8601, null while they are not known. */
export type RotationSummary = Pick<KeyRotation, 'rotationId' | 'stage' | 'since' | 'paused' | 'signsAt' | 'retiresAt'>;

const keyView = ({ keyId, keyType, algorithm, bits, curve, thumbprint, publicJwk, createdAt }: StoredKey): KeyView => ({
  ...{ kid: keyId, kty: keyType, alg: algorithm, use: 'sig', keySize: bits, crv: curve },
  ...{ thumbprint, publicJwk, createdAt },
});

const summaryOf = ({ rotationId, stage, since, paused, signsAt, retiresAt }: KeyRotation): RotationSummary => ({
  ...{ rotationId, stage, since, paused, signsAt, retiresAt },
});

/** What may be seen of a key store: nothing that signs, and of secrets nothing at all. */
export function keyStoreView(
  { name, description, slots, rotations }: ActiveKeyStore,
  environmentNames: ReadonlyMap<string, string>,
): KeyStoreView {
  const retiresAt = new Map(rotations.map((rotation) => [rotation.rotationId, rotation.retiresAt]));
  const slotView = ({ environmentId, current, next, previous }: KeySlot) => ({
    environmentName: environmentId === null ? null : (environmentNames.get(environmentId) ?? environmentId),
    ...keyView(current),
    hasPrivateKey: current.material !== null,
    nextKeyList: next === null ? [] : [keyView(next)],
    previousKeyList: previous.map((key) => ({
      ...keyView(key),
      retiresAt: key.rotationId === null ? null : (retiresAt.get(key.rotationId) ?? null),
    })),
  });
  const meant = rotationMeant(rotations);
  return { name, description, keyList: slots.map(slotView), rotation: meant === undefined ? null : summaryOf(meant) };
}
