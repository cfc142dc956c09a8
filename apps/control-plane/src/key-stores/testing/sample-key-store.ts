import type { KeyStoreEvent, PlacedKey, StoredKey } from '../domain/key-store.events.ts';

/** A P-256 key whose secret lies under the id `s-<keyId>`. */
export const storedKey = (keyId: string, members: Partial<StoredKey> = {}): StoredKey => ({
  ...{ keyId, keyType: 'EC', bits: 256, curve: 'P-256', algorithm: null, thumbprint: `t-${keyId}` },
  publicJwk: { kty: 'EC', kid: keyId },
  material: { secretId: `s-${keyId}`, fingerprint: 'f' },
  createdAt: '2031-02-03T04:05:06.000Z',
  ...members,
});

export const storedSecret = (keyId: string): StoredKey =>
  storedKey(keyId, { keyType: 'oct', curve: null, thumbprint: null, publicJwk: null });

/** Places and their keys, in pairs. */
export const placed = (...pairs: readonly (readonly [string | null, StoredKey])[]): PlacedKey[] =>
  pairs.map(([environmentId, key]) => ({ environmentId, key }));

export const keyStoreCreated = (keys: readonly PlacedKey[]): KeyStoreEvent => ({
  type: 'KeyStoreCreated',
  schemaVersion: 1,
  data: { keyStoreId: 'k-1', projectId: 'j-1', name: 'signing', description: '', keys },
});
