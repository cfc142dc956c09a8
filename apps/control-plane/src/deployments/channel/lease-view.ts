import { LEASE_MS, openLease, type ChannelKeys, type ConfigChannel, type LeaseState } from '#libs/config-distribution';

/** Told of every text that stands in a lease and was not sealed here; `isFirst`: the first of this gateway id. */
export type ForeignLeaseHook = (gatewayId: string, isFirst: boolean) => void;

interface KnownLease {
  readonly sealed: string;
  /** undefined: it does not open. */
  readonly state: LeaseState | undefined;
  /** When this text was first seen, by the clock of this process. */
  readonly seenAtMs: number;
}

/** Whoever writes forged leases chooses their ids: beyond this many the memory starts again. */
const REPORTED_REMEMBERED = 1_000;

/**
 * The leases of an environment as they were read last. Only what was renewed since is read again, and only a text that
 * changed is opened: a look costs what gateways said in between, however many of them there are. One read at a time.
 */
export class LeaseView {
  private readonly known = new Map<string, KnownLease>();
  /** By the clock of Redis. */
  private renewedAtMs: ReadonlyMap<string, number> = new Map();
  private readonly reported = new Set<string>();

  constructor(
    private readonly channel: ConfigChannel,
    private readonly keys: ChannelKeys,
    private readonly onForeignLease: ForeignLeaseHook,
    /** Monotonic. */
    private readonly nowMs: () => number,
  ) {}

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
    const times = await this.channel.leaseTimes();
    const news = [...times].flatMap(([id, atMs]) =>
      hinted.has(id) || !this.known.has(id) || this.renewedAtMs.get(id) !== atMs ? [id] : [],
    );
    const changed = await this.readSome(news);
    this.renewedAtMs = times;
    for (const [id, { seenAtMs }] of this.known) {
      if (times.has(id) || (!hinted.has(id) && this.mustBeThere(seenAtMs))) continue;
      this.known.delete(id);
      changed.add(id);
    }
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
    return new Set(gatewayIds.filter((gatewayId) => this.note(gatewayId, found.get(gatewayId))));
  }

  /** Whether something changed. */
  private note(gatewayId: string, sealed: string | undefined): boolean {
    if (sealed === undefined) return this.known.delete(gatewayId);
    if (this.known.get(gatewayId)?.sealed === sealed) return false;
    const state = openLease(this.keys, { gatewayId, sealed });
    this.known.set(gatewayId, { sealed, state, seenAtMs: this.nowMs() });
    if (state === undefined) this.report(gatewayId);
    return true;
  }

  private report(gatewayId: string): void {
    const isFirst = !this.reported.has(gatewayId);
    if (isFirst && this.reported.size >= REPORTED_REMEMBERED) this.reported.clear();
    this.reported.add(gatewayId);
    this.onForeignLease(gatewayId, isFirst);
  }
}
