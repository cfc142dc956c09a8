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
/**
 * The keys sign from now on, at once; those that did go on verifying, unless `retirePrevious`. Rotations that lose no
 * token are the events below: this one is recorded for keys that must not be trusted any more.
 */
export type KeyRotated = DomainEvent<
  'KeyRotated',
  { keyStoreId: string; keys: readonly PlacedKey[]; retirePrevious: boolean }
>;
export type KeyStoreDeleted = DomainEvent<'KeyStoreDeleted', { keyStoreId: string }>;

interface StepOfRotation {
  keyStoreId: string;
  rotationId: string;
  /** ISO 8601: when it happened. */
  at: string;
}
/** The keys are given out for verification; they sign later. */
export type KeyRotationStarted = DomainEvent<
  'KeyRotationStarted',
  StepOfRotation & { keys: readonly PlacedKey[]; publishForSeconds: number }
>;
/** Every live gateway verifies with the new keys. `signsAt`: ISO 8601, when whoever kept the published keys has them too. */
export type KeyRotationPublished = DomainEvent<'KeyRotationPublished', StepOfRotation & { signsAt: string }>;
/**
 * The new keys sign from now on; those before them only verify. `longestTokenLifeMs`: of the tokens that they may have
 * signed; null: there may be some that never expire.
 */
export type KeyRotationSwitched = DomainEvent<
  'KeyRotationSwitched',
  StepOfRotation & { longestTokenLifeMs: number | null }
>;
/** Every live gateway signs with the new keys. `retiresAt`: ISO 8601, when the last token of the old ones has expired; null: never. */
export type KeyRotationAcknowledged = DomainEvent<
  'KeyRotationAcknowledged',
  StepOfRotation & { retiresAt: string | null }
>;
/** The old keys are gone. */
export type KeyRotationFinished = DomainEvent<'KeyRotationFinished', StepOfRotation>;
/** It goes no further by itself until it is resumed. */
export type KeyRotationPaused = DomainEvent<'KeyRotationPaused', StepOfRotation>;
export type KeyRotationResumed = DomainEvent<'KeyRotationResumed', StepOfRotation>;
/** The step behind it was taken whatever the rotation waited for in `stage`. */
export type KeyRotationForced = DomainEvent<
  'KeyRotationForced',
  StepOfRotation & { stage: 'publishing' | 'waiting' | 'retiring' }
>;
/** The new keys are gone before they signed anything. */
export type KeyRotationCancelled = DomainEvent<'KeyRotationCancelled', StepOfRotation>;

export type KeyRotationEvent =
  | KeyRotationStarted
  | KeyRotationPublished
  | KeyRotationSwitched
  | KeyRotationAcknowledged
  | KeyRotationFinished
  | KeyRotationPaused
  | KeyRotationResumed
  | KeyRotationForced
  | KeyRotationCancelled;
export type KeyStoreEvent = KeyStoreCreated | KeyStoreUpdated | KeyRotated | KeyStoreDeleted | KeyRotationEvent;
