export {
  ChannelUnavailable,
  LEASE_MS,
  type ConfigChannel,
  type LogPosition,
  type PublishOutcome,
  type PublishedChange,
  type StoredArtifact,
  type StoredCheckpoint,
  type StoredIdentity,
  type StoredLease,
  type StoredRecord,
  type Watch,
} from './config-channel.port.ts';
export { canBeLoaded, recordDigest, stillHolds, type KnownRecord } from './channel-inspection.ts';
export {
  ConfigFollower,
  type ApplyOutcome,
  type ChannelReport,
  type FollowerHooks,
  type HandledChange,
  type IncomingChange,
} from './config-follower.ts';
export { ConfigPublisher, RECORDS_PER_CHECKPOINT, type Published } from './config-publisher.ts';
export { InMemoryConfigChannel } from './in-memory/in-memory-config-channel.ts';
export { openIdentity, putIdentity, type IdentityKind } from './identities.ts';
export {
  artifactHash,
  openArtifact,
  openLease,
  openRecord,
  sealArtifact,
  sealLease,
  sealRecord,
  type ChangeRecord,
  type LeaseState,
  type Manifest,
} from './messages.ts';
export { ServedDigest, type ServedProxy } from './served-digest.ts';
export { RedisConfigChannel } from './redis/redis-config-channel.ts';
export {
  gatewayKeyText,
  newGatewayKey,
  parseGatewayKey,
  unwrapRootKey,
  wrapRootKey,
  type GatewayKey,
} from './sealing/gateway-key.ts';
export { ChannelKeys, openWith, sealWith, type SealContext } from './sealing/sealed-box.ts';
