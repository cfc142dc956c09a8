/**
 * The channel of one environment as its Redis holds it: texts that are sealed elsewhere, fenced by deployment number.
 *
 * A change is one record in a log plus one artifact per proxy. The log has an epoch (a new one begins whenever the log
 * had to be created: a fresh or an emptied Redis) and a sequence without gaps within it. A checkpoint is the whole
 * manifest at a sequence, so that a gateway that joins does not read the log from its beginning.
 */
export interface ConfigChannel {
  /**
   * Stores a record and its artifact in one step unless a later or the same deployment of the proxy is held.
   * @throws ChannelUnavailable when Redis cannot be reached.
   */
  publish(change: PublishedChange): Promise<PublishOutcome>;
  /** Replaces the checkpoint when its sequence is higher and its epoch the current one; trims the log behind it. */
  writeCheckpoint(position: LogPosition, sealed: string): Promise<boolean>;
  /**
   * Begins a new, empty log with a checkpoint in place of the one of an epoch and forgets all identities; false when
   * another epoch is there.
   */
  restart(epoch: string, begin: StoredCheckpoint): Promise<boolean>;
  /** Adds or replaces entries of the key ring; an entry of null is removed. */
  writeKeyRing(entries: ReadonlyMap<string, string | null>): Promise<void>;

  keyRingEntry(keyId: string): Promise<string | undefined>;
  /** Where the log ends; undefined when there is none. */
  position(): Promise<LogPosition | undefined>;
  checkpoint(): Promise<StoredCheckpoint | undefined>;
  /** Records with higher sequences, in order, without gaps between them; the first may be later than asked for (trimmed). */
  recordsAfter(sequence: number, limit: number): Promise<readonly StoredRecord[]>;
  artifacts(proxyIds: readonly string[]): Promise<ReadonlyMap<string, StoredArtifact>>;

  /** Says that a gateway lives and how far it is; read by `leases` until it has been silent for `LEASE_MS`. */
  renewLease(gatewayId: string, sealed: string): Promise<void>;
  endLease(gatewayId: string): Promise<void>;
  leases(): Promise<readonly StoredLease[]>;
  /** When leases were last renewed, by gateway id: milliseconds since the epoch. In clear: worth no more than a hint. */
  leaseTimes(): Promise<ReadonlyMap<string, number>>;

  /** Stores a sealed record of identity unless a later or the same version is held. */
  putIdentity(record: StoredIdentity): Promise<boolean>;
  identity(kind: string, subject: string): Promise<StoredIdentity | undefined>;

  /** Calls back whenever something may have changed: a hint that can be lost, and once after every reconnect. */
  watch(topic: 'changes' | 'leases', onHint: () => void): Promise<Watch>;
}

/** A lease counts as live for this long after its last renewal. */
export const LEASE_MS = 5_000;

export interface LogPosition {
  readonly epoch: string;
  readonly sequence: number;
}

export interface PublishedChange {
  readonly proxyId: string;
  readonly deployment: number;
  readonly record: string;
  /** null: the proxy leaves the gateways (the record is a tombstone). */
  readonly artifact: string | null;
  /** When exactly this deployment is held it does not fence: it is known to be a lie. */
  readonly disbelieved?: number;
}

export type PublishOutcome =
  | { readonly kind: 'published'; readonly position: LogPosition }
  /** The same deployment is there already: a job that ran twice. */
  | { readonly kind: 'repeated'; readonly position: LogPosition }
  | { readonly kind: 'stale'; readonly heldDeployment: number };

export interface StoredRecord {
  readonly sequence: number;
  /** It stands under an id that no publisher gives: somebody else put it there. */
  readonly isForeign?: true;
  readonly proxyId: string;
  readonly deployment: number;
  readonly sealed: string;
}

export interface StoredArtifact {
  readonly deployment: number;
  readonly sealed: string;
}

export interface StoredCheckpoint {
  readonly position: LogPosition;
  readonly sealed: string;
}

export interface StoredLease {
  readonly gatewayId: string;
  readonly sealed: string;
}

export interface StoredIdentity {
  readonly kind: string;
  readonly subject: string;
  readonly version: number;
  /** null: removed; the version stays, so that an older record cannot come back. */
  readonly sealed: string | null;
}

export interface Watch {
  close(): Promise<void>;
}

/** Redis is away or did not answer in time. Nothing is known about what it did. */
export class ChannelUnavailable extends Error {
  readonly code = 'CHANNEL_UNAVAILABLE';
  constructor(
    readonly environment: string,
    cause: unknown,
  ) {
    super(`the Redis of environment ${environment} cannot be reached`, { cause });
    this.name = 'ChannelUnavailable';
  }
}
