import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { canonicalJson } from '#libs/canonical-json';
import { type EventMetadata } from './event-store.port.ts';

/** What the MAC of an event covers, beside the MAC of the event before it in its stream. As stored, not as upcast. */
export interface AuthenticatedEvent {
  readonly eventId: string;
  readonly streamId: string;
  readonly streamVersion: number;
  readonly type: string;
  readonly schemaVersion: number;
  /** ISO 8601, UTC, milliseconds. */
  readonly recordedAt: string;
  readonly metadata: EventMetadata;
  /** JSON values only. */
  readonly data: unknown;
}

/** What the MAC of a snapshot covers. */
export interface AuthenticatedSnapshot {
  readonly streamId: string;
  readonly shape: string;
  readonly version: number;
  /** MAC of the event at that version. */
  readonly headMac: Buffer;
  /** JSON values only. */
  readonly state: unknown;
}

const MASTER_KEY_BYTES = 32;

/** Keys that authenticate history. They never reach the database. */
export class HistoryKeys {
  private readonly eventKey: Buffer;
  private readonly snapshotKey: Buffer;
  /** 32 bytes, the seed of the key that signs checkpoints. */
  readonly checkpointSeed: Buffer;

  /**
   * @param masterKey 32 bytes; every key here is derived from it (HKDF-SHA-256, RFC 5869)
   * @throws RangeError when it has another length
   */
  constructor(masterKey: Buffer) {
    if (masterKey.length !== MASTER_KEY_BYTES)
      throw new RangeError(`the master key must have ${MASTER_KEY_BYTES} bytes`);
    const derive = (info: string) => Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), info, 32));
    this.eventKey = derive('gatewarden/1/history/events');
    this.snapshotKey = derive('gatewarden/1/history/snapshots');
    this.checkpointSeed = derive('gatewarden/1/history/checkpoints');
  }

  /**
   * HMAC-SHA-256, 32 bytes.
   *
   * @param previousMac of the event before it in the stream; null for the first one
   */
  eventMac(previousMac: Buffer | null, event: AuthenticatedEvent): Buffer {
    const { eventId, streamId, streamVersion, type, schemaVersion, recordedAt, metadata, data } = event;
    const previous = previousMac === null ? null : previousMac.toString('hex');
    const fields = [previous, eventId, streamId, streamVersion, type, schemaVersion, recordedAt, metadata, data];
    return createHmac('sha256', this.eventKey).update(canonicalJson(fields), 'utf8').digest();
  }

  snapshotMac({ streamId, shape, version, headMac, state }: AuthenticatedSnapshot): Buffer {
    const fields = [streamId, shape, version, headMac.toString('hex'), state];
    return createHmac('sha256', this.snapshotKey).update(canonicalJson(fields), 'utf8').digest();
  }
}

export const isSameMac = (one: Buffer, other: Buffer): boolean =>
  one.length === other.length && timingSafeEqual(one, other);
