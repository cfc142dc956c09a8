import {
  isSealedLease,
  LEASE_MS,
  openLease,
  type ChannelKeys,
  type ConfigChannel,
  type LeaseState,
  type ReadLease,
} from '#libs/config-distribution';
import { LeaseReports, type LeaseReportHook } from './lease-reports.ts';

interface KnownLease {
  readonly sealed: string;
  /** undefined: it does not open, or is an old one. */
  readonly state: LeaseState | undefined;
  /** When this text was first seen, by the clock of this process. */
  readonly seenAtMs: number;
}

/**
 * A lease that was sealed longer ago was not renewed by its gateway, however new its time is said to be. Twice as long as one
 * lives: it may be read late, and the clocks of two servers of one Redis differ.
 */
const OLDEST_MS = 2 * LEASE_MS;

/**
 * The leases of an environment as they were read last. Only what was renewed since is read again, and only a text that
 * changed is opened: a look costs what gateways said in between, however many of them there are. One read at a time.
 */
export class LeaseView {
  private readonly known = new Map<string, KnownLease>();
  /** By the clock of Redis. */
  private renewedAtMs: ReadonlyMap<string, number> = new Map();
  /** What is to be added to the clock of this process for that of Redis. */
  private redisAheadMs = 0;
  /** When gateways that say when they renew were started: what does not say it, and is older, is an old lease of theirs. */
  private readonly startedTelling = new Map<string, string>();
  private readonly reports: LeaseReports;

  constructor(
    private readonly channel: ConfigChannel,
    private readonly keys: ChannelKeys,
    onReport: LeaseReportHook,
    /** Monotonic. */
    private readonly nowMs: () => number,
  ) {
    this.reports = new LeaseReports(onReport);
  }

  has(gatewayId: string): boolean {
    return this.known.has(gatewayId);
  }

  /** What a gateway that lives says; undefined of any other. */
  state(gatewayId: string): LeaseState | undefined {
    return this.known.get(gatewayId)?.state;
  }

  /** Of all gateways that live. */
  states(): readonly LeaseState[] {
    return [...this.known.values()].flatMap(({ state }) => state ?? []);
  }

  /** When they were last heard of. */
  lastSeenMs(): ReadonlyMap<string, number> {
    return this.renewedAtMs;
  }

  /**
   * Looks which gateways live.
   *
   * @param hinted read in any case: two renewals within a millisecond cannot be told apart by their times.
   * @returns ids of which something changed, those that live no more included.
   * @throws ChannelUnavailable
   */
  async readAll(hinted: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const { renewedAtMs: times, nowMs, isWhole } = await this.channel.leaseTimes();
    this.redisAheadMs = nowMs - this.nowMs();
    const news = [...times].flatMap(([id, atMs]) =>
      hinted.has(id) || !this.known.has(id) || this.renewedAtMs.get(id) !== atMs ? [id] : [],
    );
    const changed = await this.readSome(news);
    this.renewedAtMs = times;
    for (const [id, { seenAtMs }] of this.known) {
      // Of those that there was no room to name nobody knows whether they live.
      if (!isWhole || times.has(id) || (!hinted.has(id) && this.mustBeThere(seenAtMs))) continue;
      this.known.delete(id);
      changed.add(id);
    }
    if (!isWhole) this.reports.note('flood', '');
    this.reports.tell();
    return changed;
  }

  /**
   * A lease that was renewed so short a time ago can only be missing because Redis lost it: a gateway that ends hints at it.
   * Who takes it for gone calls a deployment applied by all while they look for their Redis.
   */
  private mustBeThere(seenAtMs: number): boolean {
    return this.nowMs() - seenAtMs < LEASE_MS;
  }

  /** Reads single leases of gateways that live. @returns as `readAll`. @throws ChannelUnavailable */
  async readSome(gatewayIds: readonly string[]): Promise<Set<string>> {
    const leases = gatewayIds.length === 0 ? [] : await this.channel.leasesOf(gatewayIds);
    const found = new Map(leases.map(({ gatewayId, sealed }) => [gatewayId, sealed]));
    const changed = new Set(gatewayIds.filter((gatewayId) => this.note(gatewayId, found.get(gatewayId))));
    await this.dropForeign(gatewayIds.map((gatewayId) => ({ gatewayId, sealed: found.get(gatewayId) })));
    for (const id of this.refuseOld()) changed.add(id);
    return changed;
  }

  /** Whether something changed. */
  private note(gatewayId: string, sealed: string | undefined): boolean {
    if (sealed === undefined) return this.known.delete(gatewayId);
    if (this.known.get(gatewayId)?.sealed === sealed) return false;
    const state = openLease(this.keys, { gatewayId, sealed });
    this.known.set(gatewayId, { sealed, state, seenAtMs: this.nowMs() });
    if (state === undefined) this.reports.note('foreign', gatewayId);
    else if (state.renewedAtMs !== undefined && state.startedAt > (this.startedTelling.get(gatewayId) ?? ''))
      this.startedTelling.set(gatewayId, state.startedAt);
    return true;
  }

  /** They are read once, not at every look. One of another build's form stays: who knows that form may live by it. */
  private async dropForeign(leases: readonly ReadLease[]): Promise<void> {
    const foreign = leases.filter(({ gatewayId, sealed }) => {
      if (this.state(gatewayId) !== undefined) return false;
      return sealed === undefined || !isSealedLease(this.keys, { gatewayId, sealed });
    });
    if (foreign.length === 0) return;
    await this.channel.dropLeases(foreign);
    for (const { gatewayId } of foreign) this.known.delete(gatewayId);
  }

  /** Takes note of those that somebody keeps alive who is not their gateway; their ids. */
  private refuseOld(): readonly string[] {
    return [...this.known].flatMap(([id, lease]) => {
      if (lease.state === undefined || !this.isOld(lease.state, lease.seenAtMs)) return [];
      this.known.set(id, { ...lease, state: undefined });
      this.reports.note('old', id);
      return [id];
    });
  }

  private isOld({ gatewayId, startedAt, renewedAtMs }: LeaseState, seenAtMs: number): boolean {
    const now = this.nowMs();
    if (renewedAtMs !== undefined) return Math.abs(now + this.redisAheadMs - renewedAtMs) > OLDEST_MS;
    // Of a gateway of an earlier build nothing else can be said than that each renewal is another text.
    const startedTelling = this.startedTelling.get(gatewayId);
    return now - seenAtMs > OLDEST_MS || (startedTelling !== undefined && startedAt <= startedTelling);
  }
}
