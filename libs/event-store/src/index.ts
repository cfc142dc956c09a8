export { comparePositions, type GlobalPosition, START } from './global-position.ts';
export {
  type AppendContext,
  type DomainEvent,
  EVENT_STORE,
  type EventMetadata,
  type EventSession,
  type EventStore,
  type ExpectedVersion,
  type RecordedEvent,
  type StreamAppend,
  type StreamRange,
  type Transacted,
} from './event-store.port.ts';
export {
  AppendInvalid,
  type EventStoreErrorCode,
  EventStoreUnavailable,
  ProjectionUnknown,
  SessionEnded,
  StreamVersionConflict,
  TransactionAborted,
  UpcasterStuck,
} from './event-store-errors.ts';
export { type Upcaster, upcasterKey, type Upcasters } from './upcasting.ts';
export { InMemoryEventStore } from './in-memory-event-store.ts';
export { PostgresEventStore, type PostgresEventStoreOptions } from './postgres-event-store.ts';
export { type PostgresTransaction } from './postgres-session.ts';
export { EVENT_STORE_MIGRATIONS, migrate, type MigrationSet } from './migrate.ts';
export { type Projection, type ProjectionLag } from './projection.port.ts';
export { PROJECTION_RUNNER_DEFAULTS, ProjectionRunner, type ProjectionRunnerOptions } from './projection-runner.ts';
