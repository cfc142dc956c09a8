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

/** 32 random bytes each. */
export interface HistoryKeyMaterial {
  readonly events: Buffer;
  readonly snapshots: Buffer;
  readonly checkpointSeed: Buffer;
}

const KEY_BYTES = 32;

/** Keys that authenticate history. In clear they never reach the database. */
export class HistoryKeys {
  private readonly eventKey: Buffer;
  private readonly snapshotKey: Buffer;
  /** 32 bytes, the seed of the key that signs checkpoints. */
  readonly checkpointSeed: Buffer;

  /** @throws RangeError when one of them has another length */
  constructor({ events, snapshots, checkpointSeed }: HistoryKeyMaterial) {
    for (const { length } of [events, snapshots, checkpointSeed]) {
      if (length !== KEY_BYTES) throw new RangeError(`a key of history must have ${KEY_BYTES} bytes`);
    }
    this.eventKey = events;
    this.snapshotKey = snapshots;
    this.checkpointSeed = checkpointSeed;
  }

  /**
   * The keys out of one secret (HKDF-SHA-256, RFC 5869): what control planes without data keys derived from their master
   * key.
   *
   * @param secret 32 bytes
   * @throws RangeError when it has another length
   */
  static materialFrom(secret: Buffer): HistoryKeyMaterial {
    if (secret.length !== KEY_BYTES) throw new RangeError(`the secret must have ${KEY_BYTES} bytes`);
    const derive = (info: string) => Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), info, KEY_BYTES));
    return {
      ...{ events: derive('gatewarden/1/history/events'), snapshots: derive('gatewarden/1/history/snapshots') },
      checkpointSeed: derive('gatewarden/1/history/checkpoints'),
    };
  }

  /** @see HistoryKeys.materialFrom */
  static derivedFrom(secret: Buffer): HistoryKeys {
    return new HistoryKeys(HistoryKeys.materialFrom(secret));
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
