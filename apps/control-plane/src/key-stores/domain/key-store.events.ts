import type { DomainEvent } from '#libs/event-store';
import type { SecretReference } from '../../decider/secret-reference.ts';

/** A key as events have it: everything that may be known of it, and where the rest lies. */
export interface StoredKey {
  /** `kid`. */
  readonly keyId: string;
  readonly keyType: 'RSA' | 'EC' | 'oct';
  /** Of the modulus, the curve or the secret. */
  readonly bits: number;
  readonly curve: 'P-256' | 'P-384' | 'P-521' | null;
  /** The only algorithm the key is for; null: any that its kind can do. */
  readonly algorithm: string | null;
  /** RFC 7638, SHA-256; null for a secret. */
  readonly thumbprint: string | null;
  /** With `kid`, `use` and, where it is bound to one, `alg`; null for a secret. */
  readonly publicJwk: Readonly<Record<string, unknown>> | null;
  /** The private JWK or the secret; null: only the public half is kept. */
  readonly material: SecretReference | null;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** Where a key is for: an environment's id, or null for all that have none of their own. */
export type KeyPlace = string | null;

export interface PlacedKey {
  readonly environmentId: KeyPlace;
  readonly key: StoredKey;
}

export type KeyStoreCreated = DomainEvent<
  'KeyStoreCreated',
  { keyStoreId: string; projectId: string; name: string; description: string; keys: readonly PlacedKey[] }
>;
/** The keys take the place of those that were there, at once; `removed` are the places that are left without one. */
export type KeyStoreUpdated = DomainEvent<
  'KeyStoreUpdated',
  { keyStoreId: string; description: string; keys: readonly PlacedKey[]; removed: readonly KeyPlace[] }
>;
/** The keys sign from now on; those that did go on verifying, unless `retirePrevious`. */
export type KeyRotated = DomainEvent<
  'KeyRotated',
  { keyStoreId: string; keys: readonly PlacedKey[]; retirePrevious: boolean }
>;
export type KeyStoreDeleted = DomainEvent<'KeyStoreDeleted', { keyStoreId: string }>;

export type KeyStoreEvent = KeyStoreCreated | KeyStoreUpdated | KeyRotated | KeyStoreDeleted;
