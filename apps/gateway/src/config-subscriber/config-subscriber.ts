import {
  ChannelUnavailable,
  ConfigFollower,
  type ApplyOutcome,
  type ChannelKeys,
  type ConfigChannel,
  type IncomingChange,
  type Watch,
} from '#libs/config-distribution';
import type { ActiveGateway } from './active-gateway.ts';
import { Admittance } from './admittance.ts';
import type { EnvironmentAdmission } from './environment-admission.ts';
import type { EnvironmentContact } from './environment-contact.ts';
import type { Journal } from './journal.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import { RepeatedWork } from './repeated-work.ts';
import type { SnapshotStore } from './snapshot/snapshot-store.ts';

export interface ConfigSubscriberDeps {
  readonly environment: string;
  readonly channel: ConfigChannel;
  readonly admission: EnvironmentAdmission;
  readonly contact: EnvironmentContact;
  readonly active: ActiveGateway;
  readonly snapshot: SnapshotStore;
  readonly lease: LeaseKeeper;
  readonly journal: Journal;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}

/** Hints can be lost: it looks by itself this often. */
const LOOK_EVERY_MS = 1_000;
const FILES_WRITTEN_AT_ONCE = 16;

/**
 * Keeps this gateway's configuration the newest of its environment: from the snapshot at once, from Redis as soon and as
 * long as it is there.
 */
export class ConfigSubscriber {
  private readonly looking: RepeatedWork;
  private following: { readonly keys: ChannelKeys; readonly follower: ConfigFollower } | undefined;
  private readonly admittance: Admittance;
  /** The entry of the key ring that was last written to disk. */
  private keptEntry: string | undefined;
  private isSnapshotComplete = false;
  private wasReached = false;
  private comparedAtMs: number;
  private watch: Watch | undefined;

  constructor(private readonly deps: ConfigSubscriberDeps) {
    this.looking = new RepeatedWork(() => this.lookOnce(), LOOK_EVERY_MS);
    this.comparedAtMs = deps.nowMs();
    this.admittance = new Admittance(deps);
  }

  /** The environment's keys; undefined until the key ring was read. */
  get keys(): ChannelKeys | undefined {
    return this.following?.keys;
  }

  /** Whether everything of the environment is live: read from Redis, or from a snapshot that was complete. */
  get isReady(): boolean {
    const isLoaded = this.isSnapshotComplete || this.following?.follower.loaded !== undefined;
    return isLoaded && !this.admittance.isRefused && this.deps.active.current !== undefined;
  }

  get highestDeployment(): number {
    return this.following?.follower.highestDeployment ?? 0;
  }

  get rejectedCount(): number {
    return this.following?.follower.rejections.size ?? 0;
  }

  /** Whether the last look reached Redis. */
  get isRedisUp(): boolean {
    return this.wasReached;
  }

  /** Since the configuration was last compared with Redis; since the start when it never was. */
  get ageMs(): number {
    return this.deps.nowMs() - this.comparedAtMs;
  }

  /** Brings back what the last run left on disk, so that this gateway serves before it has seen Redis. */
  async restore(): Promise<void> {
    const { snapshot, admission, active, journal, environment } = this.deps;
    const kept = await snapshot.admission();
    if (kept?.environment !== environment || kept.keyId !== admission.keyId) return;
    const admitted = admission.open(kept.wrapped);
    if (admitted === undefined) return;
    const { follower } = this.follow(admitted.keys);
    const { changes, faults } = await snapshot.load(admitted.keys);
    for (const fault of faults) journal.snapshotFault(fault);
    this.bringBack(changes, follower);
    this.isSnapshotComplete = kept.isComplete && faults.length === 0;
    if (this.isSnapshotComplete) active.beginEmpty();
    journal.snapshotLoaded(active.current?.proxies.size ?? 0);
  }

  /** Looks now, every second, and whenever Redis hints at a change. */
  async start(): Promise<void> {
    this.watch = await this.deps.channel.watch('changes', (message) => {
      if (message !== undefined) this.following?.follower.offer(message);
      void this.looking.run();
    });
    this.looking.start();
  }

  /** Looks now; fulfils when that is over, whatever came of it. */
  look(): Promise<void> {
    return this.looking.run();
  }

  /** Looks no more and says that this gateway is gone. */
  async stop(): Promise<void> {
    await this.watch?.close();
    await this.looking.stop();
    // Redis away: the lease ends by itself.
    if (this.admittance.wrapped !== undefined) await this.deps.lease.end().catch(() => undefined);
  }

  private bringBack(changes: readonly IncomingChange[], follower: ConfigFollower): void {
    const outcomes = this.deps.active.apply(changes);
    for (const { change } of changes) {
      const outcome = outcomes.get(change.proxyId);
      if (outcome?.applied === true) follower.remember(change.proxyId, change.deployment);
      else this.deps.journal.rejected(change, outcome?.reason ?? 'not applied');
    }
  }

  private async lookOnce(): Promise<void> {
    const { journal, lease, contact } = this.deps;
    const made = contact.looking();
    try {
      const following = await this.admitted();
      if (following === undefined) contact.lost();
      else {
        lease.note(await following.follower.refresh());
        await this.noteLoaded(following.follower);
        await lease.renewWhenDue(following.keys, following.follower, this.deps.active);
        this.comparedAtMs = this.deps.nowMs();
        made();
      }
      this.wasReached = true;
      journal.channelUp();
    } catch (error) {
      contact.lost();
      this.wasReached = !(error instanceof ChannelUnavailable) && this.wasReached;
      if (error instanceof ChannelUnavailable) journal.channelDown(error);
      else journal.unexpected(error);
    }
  }

  /** Undefined while there is nothing that this gateway may follow. */
  private async admitted(): Promise<typeof this.following> {
    const admitted = await this.admittance.check(this.keys, this.following?.follower.loaded?.epoch);
    if (admitted === undefined || admitted === 'as-before') return admitted && this.following;
    if (this.keptEntry !== admitted.wrapped) await this.keepAdmission();
    return this.following ?? this.follow(admitted.keys);
  }

  private follow(keys: ChannelKeys): NonNullable<typeof this.following> {
    const { channel, journal } = this.deps;
    const follower = new ConfigFollower(channel, keys, {
      apply: (changes) => this.apply(keys, changes),
      report: (report) => journal.reported(report),
    });
    this.following = { keys, follower };
    return this.following;
  }

  /** In memory first, so that it serves; on disk before it is acknowledged. */
  private async apply(
    keys: ChannelKeys,
    changes: readonly IncomingChange[],
  ): Promise<ReadonlyMap<string, ApplyOutcome>> {
    const { active, journal } = this.deps;
    const outcomes = active.apply(changes);
    const kept: IncomingChange[] = [];
    for (const incoming of changes) {
      const outcome = outcomes.get(incoming.change.proxyId);
      if (outcome?.applied === true) {
        kept.push(incoming);
        journal.applied(incoming.change);
      } else journal.rejected(incoming.change, outcome?.reason ?? 'not applied');
    }
    for (let at = 0; at < kept.length; at += FILES_WRITTEN_AT_ONCE) {
      await Promise.all(kept.slice(at, at + FILES_WRITTEN_AT_ONCE).map((one) => this.keep(keys, one)));
    }
    return outcomes;
  }

  private async keep(keys: ChannelKeys, incoming: IncomingChange): Promise<void> {
    try {
      await this.deps.snapshot.save(keys, incoming);
    } catch (error) {
      this.deps.journal.snapshotNotWritten(error);
    }
  }

  /** The first complete load makes the snapshot one that alone makes a gateway ready. */
  private async noteLoaded(follower: ConfigFollower): Promise<void> {
    if (this.isSnapshotComplete || follower.loaded === undefined) return;
    this.deps.active.beginEmpty();
    this.isSnapshotComplete = true;
    await this.keepAdmission();
  }

  private async keepAdmission(): Promise<void> {
    const { snapshot, admission, environment, journal } = this.deps;
    const { wrapped } = this.admittance;
    if (wrapped === undefined) return;
    this.keptEntry = wrapped;
    try {
      const { isSnapshotComplete: isComplete } = this;
      await snapshot.saveAdmission({ environment, keyId: admission.keyId, wrapped, isComplete });
    } catch (error) {
      journal.snapshotNotWritten(error);
    }
  }
}
