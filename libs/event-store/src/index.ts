export { ADVISORY_LOCKS } from './advisory-locks.ts';
export { comparePositions, type GlobalPosition, START } from './global-position.ts';
export {
  type AppendContext,
  type DomainEvent,
  EVENT_STORE,
  type EventMetadata,
  type EventSession,
  type EventStore,
  type ExpectedVersion,
  type LoadedStream,
  type RecordedEvent,
  type StreamAppend,
  type StreamRange,
  type StreamReader,
  type StreamSnapshot,
  type Transacted,
} from './event-store.port.ts';
export { isReadOnlyServer } from './connection-failure.ts';
export {
  AppendInvalid,
  type EventStoreErrorCode,
  EventStoreUnavailable,
  HistoryUnsealed,
  ProjectionUnknown,
  RebuildUnderWay,
  SealRefused,
  SessionEnded,
  SnapshotMisplaced,
  StreamVersionConflict,
  TransactionAborted,
  UpcasterStuck,
} from './event-store-errors.ts';
export { type HistoryKeyMaterial, HistoryKeys } from './history-keys.ts';
export {
  type AnchoredHead,
  type Checkpoint,
  CheckpointFollower,
  CheckpointSeal,
  type CheckpointTaken,
  CheckpointWriter,
  type FileState,
  type HistoryFault,
  type HistoryFaultKind,
  type HistoryReport,
  type NamedEvent,
  readCheckpoints,
  type VerificationOptions,
  verifyHistory,
} from './audit/index.ts';
export { awaitsSeal, sealHistory } from './seal-history.ts';
export { type EventRow } from './recorded-event-row.ts';
export { type Upcaster, upcast, upcasterKey, type Upcasters } from './upcasting.ts';
export { InMemoryEventStore } from './in-memory-event-store.ts';
export { PostgresEventStore, type PostgresEventStoreOptions } from './postgres-event-store.ts';
export { type PostgresTransaction } from './postgres-session.ts';
export { EVENT_STORE_MIGRATIONS, isMigrated, migrate, type MigratedDatabase, type MigrationSet } from './migrate.ts';
export { openClient } from './open-client.ts';
export { type Projection, type ProjectionLag } from './projection.port.ts';
export { type RebuildProgress } from './projection-rebuild.ts';
export { PROJECTION_RUNNER_DEFAULTS, ProjectionRunner, type ProjectionRunnerOptions } from './projection-runner.ts';
