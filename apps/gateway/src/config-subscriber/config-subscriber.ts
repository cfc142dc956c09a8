import {
  ChannelUnavailable,
  ConfigFollower,
  type ChannelKeys,
  type ConfigChannel,
  type Watch,
} from '#libs/config-distribution';
import { RevocationLedgerUnavailable } from '#libs/token-revocations';
import type { ActiveGateway } from './active-gateway.ts';
import { Admittance } from './admittance.ts';
import { AppliedChanges } from './applied-changes.ts';
import type { Admitted, EnvironmentAdmission } from './environment-admission.ts';
import type { EnvironmentContact } from './environment-contact.ts';
import type { FollowedNews } from './followed-news.ts';
import type { Journal } from './journal.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import { RepeatedWork } from './repeated-work.ts';
import { ADMISSION_FILE, type Admission, type SnapshotStore } from './snapshot/snapshot-store.ts';
import type { StandingOrders } from './standing-orders.ts';

/** The credentials that this gateway met, followed with every look beside the configuration. */
export interface FollowedCredentials {
  /** Brings back what the last run left on disk; what is broken there it reports itself. */
  restore(keys: ChannelKeys): Promise<void>;
  /** @throws ChannelUnavailable */
  refresh(keys: ChannelKeys): Promise<void>;
  /** What is known of them stands on disk then, or could not be written. */
  settle(): Promise<void>;
}

export interface ConfigSubscriberDeps {
  readonly environment: string;
  readonly channel: ConfigChannel;
  readonly admission: EnvironmentAdmission;
  readonly contact: EnvironmentContact;
  readonly active: ActiveGateway;
  readonly snapshot: SnapshotStore;
  readonly orders: StandingOrders;
  readonly revocations: FollowedNews;
  readonly credentials: FollowedCredentials;
  readonly lease: LeaseKeeper;
  readonly journal: Journal;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}

/** Hints can be lost: it looks by itself this often. */
const LOOK_EVERY_MS = 1_000;
/** A key that was replaced, or a directory that was handed on: nobody's fault, and good to know while Redis is away. */
const OTHER_ADMISSION = 'the snapshot was kept for another environment or gateway key: beginning without it';
/** What is new of key sets within this long is told together. */
const NEWS_GATHERED_MS = 100;

/** Each is over before the next look begins, whatever comes of the others. */
async function allOver(works: readonly Promise<void>[]): Promise<void> {
  for (const end of await Promise.allSettled(works)) if (end.status === 'rejected') throw end.reason;
}

const isAway = (error: unknown): boolean =>
  error instanceof ChannelUnavailable || error instanceof RevocationLedgerUnavailable;

/**
 * Keeps this gateway's configuration the newest of its environment: from the snapshot at once, from Redis as soon and as
 * long as it is there.
 */
export class ConfigSubscriber {
  private readonly looking: RepeatedWork;
  private following: { readonly keys: ChannelKeys; readonly follower: ConfigFollower } | undefined;
  private readonly admittance: Admittance;
  private readonly changes: AppliedChanges;
  /** The entry of the key ring that was last written to disk. */
  private keptEntry: string | undefined;
  private isSnapshotComplete = false;
  private wasReached = false;
  private comparedAtMs: number;
  private watch: Watch | undefined;
  private telling: NodeJS.Timeout | undefined;

  constructor(private readonly deps: ConfigSubscriberDeps) {
    this.looking = new RepeatedWork(() => this.lookOnce(), LOOK_EVERY_MS);
    this.comparedAtMs = deps.nowMs();
    this.admittance = new Admittance(deps);
    this.changes = new AppliedChanges(deps);
  }

  /** The environment's keys; undefined until the key ring was read. */
  get keys(): ChannelKeys | undefined {
    return this.following?.keys;
  }

  /** null: everything of the environment is live, read from Redis or from a snapshot that was complete. */
  get notReadyBecause(): string | null {
    if (this.admittance.isRefused) return 'GATEWAY_KEY is not accepted: see the log';
    const isLoaded = this.isSnapshotComplete || this.following?.follower.loaded !== undefined;
    if (isLoaded && this.deps.active.current !== undefined) return null;
    return 'no configuration of the environment was loaded yet';
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
    const { snapshot, active, orders, revocations, journal } = this.deps;
    const kept = await this.admittedBefore();
    if (kept === undefined) return;
    const { admitted } = kept;
    const { follower } = this.follow(admitted.keys);
    const isOrdered = await orders.restore(admitted.keys);
    const areRevoked = await revocations.restore(admitted.keys);
    await this.deps.credentials.restore(admitted.keys);
    const { changes, faults } = await snapshot.load(admitted.keys);
    for (const fault of faults) journal.snapshotFault(fault);
    this.changes.bringBack(changes, follower);
    this.isSnapshotComplete = kept.isComplete && isOrdered && areRevoked && faults.length === 0;
    if (this.isSnapshotComplete) active.beginEmpty();
    journal.snapshotLoaded(active.current?.proxies.size ?? 0);
  }

  /** What admitted this gateway before; without it nothing of the snapshot can be opened. */
  private async admittedBefore(): Promise<(Admission & { readonly admitted: Admitted }) | undefined> {
    const { snapshot, admission, environment, journal } = this.deps;
    const kept = await snapshot.admission();
    if (kept === undefined && (await snapshot.hasAdmission())) {
      journal.snapshotFault({ file: ADMISSION_FILE, problem: 'broken' });
    }
    if (kept === undefined) return undefined;
    if (kept.environment !== environment || kept.keyId !== admission.keyId) {
      journal.complain('warn', OTHER_ADMISSION);
      return undefined;
    }
    const admitted = admission.open(kept.wrapped);
    if (admitted !== undefined) return { ...kept, admitted };
    journal.snapshotFault({ file: ADMISSION_FILE, problem: 'altered' });
    return undefined;
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

  /** What the lease says of key sets has changed: it is renewed in a moment, and no later. */
  tellSoon(): void {
    this.deps.lease.expire();
    // While Redis is away the lease waits for it anyway.
    if (!this.wasReached || this.telling !== undefined) return;
    this.telling = setTimeout(() => {
      this.telling = undefined;
      void this.look();
    }, NEWS_GATHERED_MS).unref();
  }

  /** Looks no more and says that this gateway is gone. */
  async stop(): Promise<void> {
    clearTimeout(this.telling);
    await this.watch?.close();
    await this.looking.stop();
    await this.deps.credentials.settle();
    // Redis away: the lease ends by itself.
    if (this.admittance.wrapped !== undefined) await this.deps.lease.end().catch(() => undefined);
  }

  private async lookOnce(): Promise<void> {
    const { journal, lease, contact } = this.deps;
    const made = contact.looking();
    try {
      const following = await this.admitted();
      if (following === undefined) contact.lost();
      else {
        await this.followNews(following);
        await this.noteLoaded(following.follower);
        await lease.renewWhenDue(following.keys, following.follower, this.deps.active);
        this.comparedAtMs = this.deps.nowMs();
        made();
      }
      this.wasReached = true;
      journal.channelUp();
    } catch (error) {
      contact.lost();
      this.wasReached = !isAway(error) && this.wasReached;
      if (isAway(error)) journal.channelDown(error);
      else journal.unexpected(error);
    }
  }

  /**
   * What is ordered, revoked and published, asked at once: one that hangs on another would make every change later. A
   * gateway that knows of no orders or revocations yet serves nothing before it has asked for them.
   */
  private async followNews({ keys, follower }: NonNullable<typeof this.following>): Promise<void> {
    const { orders, revocations, credentials, lease } = this.deps;
    const expireOn = (isNews: boolean): void => (isNews ? lease.expire() : undefined);
    const ordered = orders.refresh(keys).then(expireOn);
    const revoked = revocations.refresh(keys).then(expireOn);
    if (!orders.isKnown || !revocations.isKnown) await allOver([ordered, revoked]);
    const followed = follower.refresh().then((handled) => lease.note(handled));
    await allOver([ordered, revoked, followed, credentials.refresh(keys)]);
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
      apply: (changes) => this.changes.apply(keys, changes),
      report: (report) => journal.reported(report),
    });
    this.following = { keys, follower };
    return this.following;
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
