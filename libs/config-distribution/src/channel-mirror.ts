import { loadLog } from './channel-inspection.ts';
import type { ConfigChannel, LogPosition } from './config-channel.port.ts';
import { openRecord, type ChangeRecord } from './messages.ts';
import { readLog, type LogEnd } from './read-log.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';
import { ServedDigest } from './served-digest.ts';

/** What whoever applied everything up to a place serves; see `ServedDigest`. */
export interface ServedAt {
  readonly proxies: number;
  readonly digest: string;
}

/** Gateways lag by so many records at most and are still compared. */
const PLACES_REMEMBERED = 1_000;

/** What gateways that follow a channel make of it: every proxy's newest change, kept by reading what is new. */
export class ChannelMirror {
  private readonly newest = new Map<string, ChangeRecord>();
  private end: (LogEnd & { readonly epoch: string }) | undefined;
  private digest = new ServedDigest();
  private readonly places = new Map<number, ServedAt>();

  constructor(
    private readonly channel: ConfigChannel,
    private readonly keys: ChannelKeys,
  ) {}

  /** Up to where it was read; undefined before it was loaded. */
  get position(): LogPosition | undefined {
    return this.end && { epoch: this.end.epoch, sequence: this.end.sequence };
  }

  /** By proxy id, tombstones included. */
  get changes(): ReadonlyMap<string, ChangeRecord> {
    return this.newest;
  }

  /** undefined: of another log, later than was read, or too long ago. */
  servedAt({ epoch, sequence }: LogPosition): ServedAt | undefined {
    return this.end?.epoch === epoch ? this.places.get(sequence) : undefined;
  }

  /**
   * Reads everything, as a gateway that joins; false when that one could not load the environment as a whole.
   *
   * @throws ChannelUnavailable
   */
  async load(): Promise<boolean> {
    const before = this.end;
    const loaded = await loadLog(this.channel, this.keys);
    if (loaded === undefined) return false;
    // Somebody else was faster, and may have come further.
    if (this.end !== before) return true;
    const { epoch, end } = loaded;
    if (this.end?.epoch !== epoch || this.end.sequence > end.sequence) this.places.clear();
    this.newest.clear();
    this.digest = new ServedDigest();
    for (const change of loaded.changes) this.take(change);
    this.end = { ...end, epoch };
    this.notePlace(end.sequence);
    return true;
  }

  /**
   * Reads what was added since; false when it is to be loaded first: the log is not the one that was read.
   *
   * @throws ChannelUnavailable
   */
  async follow(): Promise<boolean> {
    const from = this.end;
    if (from === undefined) return false;
    const position = await this.channel.position();
    if (position?.epoch !== from.epoch) return false;
    const { records, end, state } = await readLog(this.channel, from);
    if (state !== 'whole') return false;
    // Somebody else was faster.
    if (this.end !== from) return true;
    for (const record of records) {
      const change = openRecord(this.keys, record);
      if (change !== undefined) this.take(change);
      this.notePlace(record.sequence);
    }
    this.end = { ...end, epoch: from.epoch };
    return true;
  }

  private take(change: ChangeRecord): void {
    const held = this.newest.get(change.proxyId);
    if (held !== undefined && held.deployment >= change.deployment) return;
    if (held?.kind === 'artifact') this.digest.remove(held);
    if (change.kind === 'artifact') this.digest.add(change);
    this.newest.set(change.proxyId, change);
  }

  private notePlace(sequence: number): void {
    this.places.set(sequence, { proxies: this.digest.proxies, digest: this.digest.text() });
    const [oldest] = this.places.keys();
    if (this.places.size > PLACES_REMEMBERED && oldest !== undefined) this.places.delete(oldest);
  }
}
