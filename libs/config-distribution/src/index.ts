export {
  ChannelUnavailable,
  LEASE_MS,
  LEASES_PER_LOOK,
  type ConfigChannel,
  type LeaseTimes,
  type LogPosition,
  type PublishOutcome,
  type PublishedChange,
  type ReadLease,
  type StoredArtifact,
  type StoredCheckpoint,
  type FoundIdentities,
  type StoredIdentity,
  type StoredLastGood,
  type StoredLease,
  type StoredRecord,
  type Watch,
} from './config-channel.port.ts';
export { loadLog, recordDigest, stillHolds, type KnownRecord } from './channel-inspection.ts';
export { ChannelMirror, type ServedAt } from './channel-mirror.ts';
export { ConfigFollower, type FollowerHooks, type HandledChange } from './config-follower.ts';
export type { ApplyOutcome } from './followed-deployments.ts';
export type { IncomingChange } from './incoming-change.ts';
export type { ChannelReport } from './report-once.ts';
export { ConfigPublisher, RECORDS_PER_CHECKPOINT, type Published, type PublishOptions } from './config-publisher.ts';
export { InMemoryConfigChannel } from './in-memory/in-memory-config-channel.ts';
export { InMemoryKeySetShelf } from './in-memory/in-memory-key-set-shelf.ts';
export { openIdentity, putIdentity, type IdentityKind } from './identities.ts';
export {
  artifactHash,
  isSealedLease,
  openArtifact,
  openLease,
  openRecord,
  sealArtifact,
  sealLease,
  sealRecord,
  type ChangeRecord,
  type KeySetNote,
  type LeaseState,
  type Manifest,
} from './messages.ts';
export {
  keySetEntry,
  openKeySet,
  openKeySetAttempt,
  sealKeySet,
  sealKeySetAttempt,
  type KeySetAttempt,
  type KeySetSubject,
  type SharedKeySet,
} from './key-sets/key-set-messages.ts';
export { KEY_SET_SHELF_LIMITS, type KeySetEntry, type KeySetShelf } from './key-sets/key-set-shelf.port.ts';
export { ServedDigest, type ServedProxy } from './served-digest.ts';
export { RedisConfigChannel } from './redis/redis-config-channel.ts';
export { removeOtherKinds, type RedisKind } from './redis/remove-other-kinds.ts';
export { RedisKeySetShelf } from './redis/redis-key-set-shelf.ts';
export {
  gatewayKeyText,
  newGatewayKey,
  parseGatewayKey,
  unwrapRootKey,
  wrapRootKey,
  type GatewayKey,
} from './sealing/gateway-key.ts';
export { ChannelKeys, openWith, sealWith, type SealContext } from './sealing/sealed-box.ts';
