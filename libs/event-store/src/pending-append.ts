import { randomUUID } from 'node:crypto';
import { AppendInvalid } from './event-store-errors.ts';
import {
  type AppendContext,
  type DomainEvent,
  type EventMetadata,
  type RecordedEvent,
  type StreamAppend,
} from './event-store.port.ts';
import { type GlobalPosition } from './global-position.ts';

/** An append that was checked and written out as JSON, ready for any adapter. */
export interface PendingAppend {
  readonly streamId: string;
  /** Undefined: any. */
  readonly expectedVersion: number | undefined;
  /** ISO 8601, UTC, milliseconds. */
  readonly recordedAt: string;
  readonly metadataJson: string;
  readonly events: readonly PendingEvent[];
}

export interface PendingEvent {
  readonly eventId: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly dataJson: string;
  /** What `dataJson` says: what a later read will return. */
  readonly data: unknown;
}

/** JSON.stringify writes NUL and lone surrogates as these escapes; jsonb holds neither. An even run of `\` is text. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/;

/**
 * @throws AppendInvalid when a field is missing, of the wrong kind, or cannot be held by the log
 */
export function prepareAppend(append: StreamAppend, context: AppendContext): PendingAppend {
  const { streamId, expectedVersion } = append;
  if (streamId === '') throw new AppendInvalid('streamId', 'is empty');
  storableJson('streamId', streamId);
  if (expectedVersion !== 'any' && !(Number.isSafeInteger(expectedVersion) && expectedVersion >= 0)) {
    throw new AppendInvalid('expectedVersion', "must be 'any' or an integer from 0");
  }
  const recordedAt = new Date(context.recordedAt);
  if (Number.isNaN(recordedAt.getTime())) throw new AppendInvalid('recordedAt', 'is not an ISO 8601 instant');
  return {
    streamId,
    expectedVersion: expectedVersion === 'any' ? undefined : expectedVersion,
    recordedAt: recordedAt.toISOString(),
    metadataJson: storableJson('metadata', context.metadata),
    events: append.events.map(prepareEvent),
  };
}

function prepareEvent(event: DomainEvent, index: number): PendingEvent {
  if (event.type === '') throw new AppendInvalid(`events[${index}].type`, 'is empty');
  storableJson(`events[${index}].type`, event.type);
  if (!Number.isSafeInteger(event.schemaVersion) || event.schemaVersion < 1) {
    throw new AppendInvalid(`events[${index}].schemaVersion`, 'must be an integer from 1');
  }
  const dataJson = storableJson(`events[${index}].data`, event.data);
  const data = JSON.parse(dataJson) as unknown;
  return { eventId: randomUUID(), type: event.type, schemaVersion: event.schemaVersion, dataJson, data };
}

function storableJson(field: string, value: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    throw new AppendInvalid(field, 'is not JSON', { cause });
  }
  if (json === undefined) throw new AppendInvalid(field, 'is not JSON');
  if (UNSTORABLE.test(json)) throw new AppendInvalid(field, 'holds a NUL or half a surrogate pair');
  return json;
}

/** The event as a later read will return it: data and metadata come back from their JSON. To be handed out once. */
export function asRecorded(
  append: PendingAppend,
  event: PendingEvent,
  place: { readonly streamVersion: number; readonly position: GlobalPosition },
): RecordedEvent {
  return {
    eventId: event.eventId,
    streamId: append.streamId,
    streamVersion: place.streamVersion,
    position: place.position,
    recordedAt: append.recordedAt,
    metadata: JSON.parse(append.metadataJson) as EventMetadata,
    type: event.type,
    schemaVersion: event.schemaVersion,
    data: event.data,
  };
}
