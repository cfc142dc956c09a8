import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { canonicalJson } from '#libs/canonical-json';
import { type GlobalPosition } from '../global-position.ts';
import { type HistoryKeys } from '../history-keys.ts';

/** Where a stream ended when a checkpoint was taken. */
export interface AnchoredHead {
  readonly streamId: string;
  readonly version: number;
  /** MAC of the event at that version, hexadecimal. */
  readonly mac: string;
  /** Where its events since the checkpoint before stand in the log, counted from 1. */
  readonly places: readonly number[];
}

/** What a checkpoint says; also the JSON of a line in the file. */
export interface UnsignedCheckpoint {
  readonly kind: typeof CHECKPOINT_KIND;
  /** 1, 2, … without gaps. */
  readonly number: number;
  /** ISO 8601, UTC, milliseconds. */
  readonly takenAt: string;
  /** The last event it covers. */
  readonly upTo: GlobalPosition;
  /** Events covered, from the first of the log on. */
  readonly eventCount: number;
  /** {@link nextDigest} over all of them, hexadecimal. */
  readonly digest: string;
  /** Streams that went on since the checkpoint before, by code unit. */
  readonly heads: readonly AnchoredHead[];
  /** {@link checkpointDigest} of the one before; null in the first. */
  readonly previous: string | null;
}

export interface Checkpoint extends UnsignedCheckpoint {
  /** Ed25519 over the canonical JSON of all other members, in UTF-8; hexadecimal. */
  readonly signature: string;
}

export const CHECKPOINT_KIND = 'gatewarden/history-checkpoint/1';

/** Running digest of a log without events. */
export const NO_EVENTS_DIGEST = Buffer.alloc(32);

/** SHA-256 of the digest so far, the event's MAC (nothing when it has none) and its position. */
export const nextDigest = (digest: Buffer, mac: Buffer | null, position: GlobalPosition): Buffer =>
  createHash('sha256')
    .update(digest)
    .update(mac ?? '')
    .update(`${position.epoch}/${position.transactionId}/${position.sequence}`)
    .digest();

/** Names a checkpoint with its signature; hexadecimal. */
export const checkpointDigest = (checkpoint: Checkpoint): string =>
  createHash('sha256').update(canonicalJson(checkpoint), 'utf8').digest('hex');

/** RFC 8410: what stands before the 32 bytes of an Ed25519 private key in PKCS #8. */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

const signedBytes = (checkpoint: UnsignedCheckpoint | Record<string, unknown>): Buffer =>
  Buffer.from(canonicalJson({ ...checkpoint, signature: undefined }), 'utf8');

/** Whether it says that it is a checkpoint, whoever signed it. */
export const isCheckpointLike = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (value as Partial<Checkpoint>).kind === CHECKPOINT_KIND;

/** Signs checkpoints, and tells those signed here from others. */
export class CheckpointSeal {
  private readonly privateKey: KeyObject;
  private readonly publicKey: KeyObject;

  constructor(keys: HistoryKeys) {
    const key = Buffer.concat([PKCS8_ED25519, keys.checkpointSeed]);
    this.privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
    this.publicKey = createPublicKey(this.privateKey);
  }

  /** Checks signatures without the master key. PEM of a SubjectPublicKeyInfo, ends with a line break. */
  get publicKeyPem(): string {
    return this.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  }

  sign(checkpoint: UnsignedCheckpoint): Checkpoint {
    return { ...checkpoint, signature: sign(null, signedBytes(checkpoint), this.privateKey).toString('hex') };
  }

  /** Whether it was signed here, as it is. */
  isGenuine(checkpoint: Checkpoint): boolean {
    return this.read(checkpoint) !== undefined;
  }

  /** A checkpoint out of JSON. Undefined when it was not signed here as it is: what was also has the right shape. */
  read(value: unknown): Checkpoint | undefined {
    if (typeof value !== 'object' || value === null) return undefined;
    const { kind, signature } = value as Partial<Checkpoint>;
    if (kind !== CHECKPOINT_KIND || typeof signature !== 'string') return undefined;
    const bytes = signedBytes(value as Record<string, unknown>);
    return verify(null, bytes, this.publicKey, Buffer.from(signature, 'hex')) ? (value as Checkpoint) : undefined;
  }
}
