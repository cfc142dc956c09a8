import { type ExpectedVersion } from './event-store.port.ts';

/** Every code this lib throws. Never renamed, never reused. */
export type EventStoreErrorCode =
  | 'STREAM_VERSION_CONFLICT'
  | 'APPEND_INVALID'
  | 'EVENT_STORE_UNAVAILABLE'
  | 'TRANSACTION_ABORTED'
  | 'SESSION_ENDED'
  | 'HISTORY_UNSEALED'
  | 'SEAL_REFUSED'
  | 'SNAPSHOT_MISPLACED'
  | 'UPCASTER_STUCK'
  | 'PROJECTION_UNKNOWN'
  | 'REBUILD_UNDER_WAY';

/** Somebody else wrote to the stream first, or it is not what the caller took it for. */
export class StreamVersionConflict extends Error {
  readonly code = 'STREAM_VERSION_CONFLICT' satisfies EventStoreErrorCode;
  constructor(
    readonly streamId: string,
    readonly expectedVersion: ExpectedVersion,
    readonly actualVersion: number,
  ) {
    super(`stream ${streamId} is at version ${actualVersion}, not ${expectedVersion}`);
    this.name = 'StreamVersionConflict';
  }
}

/** The caller handed over something the log cannot hold. Names the field, never its value. */
export class AppendInvalid extends Error {
  readonly code = 'APPEND_INVALID' satisfies EventStoreErrorCode;
  constructor(
    readonly field: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`cannot append: ${field} ${problem}`, options);
    this.name = 'AppendInvalid';
  }
}

/** The database cannot be reached, or the connection was lost on the way. */
export class EventStoreUnavailable extends Error {
  readonly code = 'EVENT_STORE_UNAVAILABLE' satisfies EventStoreErrorCode;
  constructor(
    /** `unknown`: the connection was lost during COMMIT and the database could not be asked in time what became of it. */
    readonly outcome: 'nothing-recorded' | 'unknown',
    options?: ErrorOptions,
  ) {
    super(`the event store cannot be reached (${outcome})`, options);
    this.name = 'EventStoreUnavailable';
  }
}

/** `work` swallowed a database error and returned: PostgreSQL turned its COMMIT into a ROLLBACK, nothing was recorded. */
export class TransactionAborted extends Error {
  readonly code = 'TRANSACTION_ABORTED' satisfies EventStoreErrorCode;
  constructor() {
    super('the transaction was rolled back because a statement in it had failed');
    this.name = 'TransactionAborted';
  }
}

/** A session was used after its `transact` had ended: a promise inside `work` was not awaited. */
export class SessionEnded extends Error {
  readonly code = 'SESSION_ENDED' satisfies EventStoreErrorCode;
  constructor() {
    super('the session has ended: await everything that is done in it');
    this.name = 'SessionEnded';
  }
}

/** Upcasters led back to a shape that had been met before. */
export class UpcasterStuck extends Error {
  readonly code = 'UPCASTER_STUCK' satisfies EventStoreErrorCode;
  constructor(readonly upcaster: string) {
    super(`upcaster ${upcaster} leads back to itself`);
    this.name = 'UpcasterStuck';
  }
}

export class ProjectionUnknown extends Error {
  readonly code = 'PROJECTION_UNKNOWN' satisfies EventStoreErrorCode;
  constructor(readonly projection: string) {
    super(`there is no projection ${projection}`);
    this.name = 'ProjectionUnknown';
  }
}

/** Somebody else is rebuilding the projection. */
export class RebuildUnderWay extends Error {
  readonly code = 'REBUILD_UNDER_WAY' satisfies EventStoreErrorCode;
  constructor(readonly projection: string) {
    super(`projection ${projection} is being rebuilt already`);
    this.name = 'RebuildUnderWay';
  }
}

/** The stream has events from before events were authenticated, and `sealHistory` has not run yet. */
export class HistoryUnsealed extends Error {
  readonly code = 'HISTORY_UNSEALED' satisfies EventStoreErrorCode;
  constructor(readonly streamId: string) {
    super(`stream ${streamId} has events without a MAC`);
    this.name = 'HistoryUnsealed';
  }
}

/** Events are without MACs while a file outside the database shows that they had some: they were taken away. */
export class SealRefused extends Error {
  readonly code = 'SEAL_REFUSED' satisfies EventStoreErrorCode;
  constructor(readonly file: string) {
    super(`the events have no MACs, but ${file} holds checkpoints: none are given to them a second time`);
    this.name = 'SealRefused';
  }
}

/** A snapshot was to be saved at a version at which the session has not seen the stream. */
export class SnapshotMisplaced extends Error {
  readonly code = 'SNAPSHOT_MISPLACED' satisfies EventStoreErrorCode;
  constructor(
    readonly streamId: string,
    readonly version: number,
  ) {
    super(`the session has not seen stream ${streamId} at version ${version}`);
    this.name = 'SnapshotMisplaced';
  }
}
