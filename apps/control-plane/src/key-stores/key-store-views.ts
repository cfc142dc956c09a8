import type { ActiveKeyStore, KeySlot } from './domain/key-store.decider.ts';
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
    /** Still verify what they signed; newest first. */
    readonly previousKeyList: readonly KeyView[];
  })[];
}

const keyView = ({ keyId, keyType, algorithm, bits, curve, thumbprint, publicJwk, createdAt }: StoredKey): KeyView => ({
  ...{ kid: keyId, kty: keyType, alg: algorithm, use: 'sig', keySize: bits, crv: curve },
  ...{ thumbprint, publicJwk, createdAt },
});

/** What may be seen of a key store: nothing that signs, and of secrets nothing at all. */
export function keyStoreView(
  { name, description, slots }: ActiveKeyStore,
  environmentNames: ReadonlyMap<string, string>,
): KeyStoreView {
  const slotView = ({ environmentId, current, previous }: KeySlot) => ({
    environmentName: environmentId === null ? null : (environmentNames.get(environmentId) ?? environmentId),
    ...keyView(current),
    hasPrivateKey: current.material !== null,
    previousKeyList: previous.map(keyView),
  });
  return { name, description, keyList: slots.map(slotView) };
}
