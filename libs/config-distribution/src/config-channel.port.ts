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
   * Begins a new, empty log with a checkpoint in place of the one of an epoch and forgets all identities and last good
   * artifacts; false when another epoch is there.
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
  /** Of each proxy what is kept beside its newest artifact, for gateways that cannot apply that one. */
  lastGood(proxyIds: readonly string[]): Promise<ReadonlyMap<string, StoredLastGood>>;

  /** Says that a gateway lives and how far it is; read by `leases` until it has been silent for `LEASE_MS`. */
  renewLease(gatewayId: string, sealed: string): Promise<void>;
  endLease(gatewayId: string): Promise<void>;
  leases(): Promise<readonly StoredLease[]>;
  /** When the leases that live were last renewed. In clear: worth no more than a hint. */
  leaseTimes(): Promise<LeaseTimes>;
  /** What stands in the leases of these gateways, whether they live or not; an ended one is left out. */
  leasesOf(gatewayIds: readonly string[]): Promise<readonly StoredLease[]>;
  /** Takes away what was read in leases and is not genuine; what was renewed since stays. */
  dropLeases(leases: readonly ReadLease[]): Promise<void>;
  /** What time it is by the clock that leases are renewed by: milliseconds since the epoch. */
  clockMs(): Promise<number>;

  /**
   * Stores a sealed record of identity unless a later or the same version is held; `disbelieved`: when exactly this
   * version is held it does not fence, it is known to be a lie.
   */
  putIdentity(record: StoredIdentity, disbelieved?: number): Promise<boolean>;
  identity(kind: string, subject: string): Promise<StoredIdentity | undefined>;
  identities(kind: string, subjects: readonly string[]): Promise<FoundIdentities>;
  /**
   * A part of all identities of a kind, some perhaps twice. Begins at cursor '0' and goes on with the one it answers with,
   * until that is '0' again.
   */
  scanIdentities(kind: string, cursor: string): Promise<{ cursor: string; found: readonly StoredIdentity[] }>;

  /**
   * Whether the environment was told of everybody since its log began. Of a log whose publisher is of a version that did
   * not say so it counts as true.
   */
  isToldOfAll(): Promise<boolean>;
  /** Notes that it was; false when another epoch is there. */
  noteToldOfAll(epoch: string): Promise<boolean>;

  /** Has everybody who watches `changes` look at once: something beside the log has changed. Can be lost, as every hint. */
  nudge(): Promise<void>;

  /**
   * Calls back whenever something may have changed: a hint that can be lost, and once after every reconnect. What a hint
   * says is in clear and worth no more than who may write to Redis: of changes see `ChangeHint`, of leases the id of the
   * gateway; undefined where nothing is said.
   */
  watch(topic: 'changes' | 'leases', onHint: (message: string | undefined) => void): Promise<Watch>;
}

/** A lease counts as live for this long after its last renewal. */
export const LEASE_MS = 5_000;
/** More gateways than an environment has: whoever plants leases must not fill the memory. */
export const LEASES_PER_LOOK = 10_000;

export interface LeaseTimes {
  /** By the clock that they were renewed by. */
  readonly nowMs: number;
  /** By gateway id: milliseconds since the epoch; at most `LEASES_PER_LOOK`. */
  readonly renewedAtMs: ReadonlyMap<string, number>;
  /** False: there are more, and who is not named may live. */
  readonly isWhole: boolean;
}

/** What was read of a lease; undefined: there was a time and no text. */
export interface ReadLease {
  readonly gatewayId: string;
  readonly sealed: string | undefined;
}

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
  /**
   * Which deployment's artifact stays beside the new one, when it is held, with what it is published with: a text without
   * blanks. Otherwise none stays.
   */
  readonly lastGood?: { readonly deployment: number; readonly note: string };
}

export type PublishOutcome =
  | { readonly kind: 'published'; readonly position: LogPosition }
  /** The same deployment is there already: a job that ran twice. */
  | { readonly kind: 'repeated'; readonly position: LogPosition }
  | { readonly kind: 'stale'; readonly heldDeployment: number };

export interface StoredRecord {
  readonly sequence: number;
  /** Its id, its deployment or its proxy is none that a publisher gives: somebody else put it there. */
  readonly isForeign?: true;
  readonly proxyId: string;
  readonly deployment: number;
  readonly sealed: string;
}

export interface StoredArtifact {
  readonly deployment: number;
  readonly sealed: string;
}

/** An earlier artifact of a proxy, and what says that it belongs beside the newest one. */
export interface StoredLastGood extends StoredArtifact {
  /** The newest deployment, beside which it was kept. */
  readonly beside: number;
  readonly note: string;
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

export interface FoundIdentities {
  /** By subject. */
  readonly found: ReadonlyMap<string, StoredIdentity>;
  /** At that moment. False: who is not found may be one of whom the environment is still to be told. */
  readonly isToldOfAll: boolean;
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
