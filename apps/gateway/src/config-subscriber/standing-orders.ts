import { openIdentity, type ChannelKeys, type ConfigChannel, type StoredIdentity } from '#libs/config-distribution';
import { parseKeySetOrders, type KeySetOrders } from '#libs/policy-contracts';
import type { Journal, RefusedOrders } from './journal.ts';
import { ORDERS_FILE, type OrdersFile } from './snapshot/orders-file.ts';

export interface StandingOrdersDeps {
  readonly channel: ConfigChannel;
  readonly file: OrdersFile;
  readonly journal: Journal;
  /** Takes effect before it returns. */
  readonly obey: (orders: KeySetOrders) => void;
}

/** A version that somebody else wrote may be no number: that is the same as itself too. */
const isSame = (one: StoredIdentity, other: StoredIdentity | undefined): boolean =>
  Object.is(one.version, other?.version) && one.sealed === other?.sealed;

/**
 * What was ordered about key sets (contract 4.3), as this gateway obeys it: never behind the highest version that it has
 * obeyed, also not after a restart, and whatever becomes of the record in Redis. That it is gone orders nothing.
 */
export class StandingOrders {
  private obeyed: StoredIdentity | undefined;
  /** The record in Redis that was refused last, and so was reported. */
  private refused: StoredIdentity | undefined;
  private hasAsked = false;
  private keeping: 'kept' | 'to-keep' | 'failed' = 'kept';

  constructor(private readonly deps: StandingOrdersDeps) {}

  /** Of the orders that are obeyed; 0: there were never any. */
  get version(): number {
    return this.obeyed?.version ?? 0;
  }

  /** Whether it is known what is ordered, or that nothing was. */
  get isKnown(): boolean {
    return this.hasAsked || this.obeyed !== undefined;
  }

  /**
   * Obeys what the last run left on disk.
   *
   * @returns whether that could be read, or nothing was there
   */
  async restore(keys: ChannelKeys): Promise<boolean> {
    const kept = await this.deps.file.read();
    if (kept === undefined) return true;
    const orders = kept === 'broken' ? undefined : this.opened(keys, kept);
    if (kept === 'broken' || orders === undefined || typeof orders === 'string') {
      const problem = orders === 'altered-orders' ? 'altered' : 'broken';
      this.deps.journal.snapshotFault({ file: ORDERS_FILE, problem });
      return false;
    }
    this.obey(kept, orders);
    return true;
  }

  /**
   * Reads what Redis holds and obeys it when it is news, and keeps it on disk.
   *
   * @returns whether it was news
   * @throws ChannelUnavailable
   */
  async refresh(keys: ChannelKeys): Promise<boolean> {
    const { obeyed } = this;
    const stored = await this.deps.channel.identity('orders', 'key-sets');
    this.hasAsked = true;
    // A record that was removed says so unsealed: anybody could have written that.
    if (stored !== undefined && stored.sealed !== null && !isSame(stored, this.obeyed)) this.take(keys, stored);
    if (this.keeping !== 'kept') await this.keep();
    return this.obeyed !== obeyed;
  }

  private take(keys: ChannelKeys, stored: StoredIdentity): void {
    const orders = this.opened(keys, stored);
    if (typeof orders !== 'string') {
      this.obey(stored, orders);
      this.refused = undefined;
      this.keeping = 'to-keep';
    } else if (!isSame(stored, this.refused)) {
      this.refused = stored;
      this.deps.journal.ordersRefused(orders, stored.version);
    }
  }

  private opened(keys: ChannelKeys, stored: StoredIdentity): KeySetOrders | RefusedOrders {
    const content = openIdentity(keys, stored);
    if (content === undefined) return 'altered-orders';
    if (stored.version < this.version) return 'older-orders';
    const orders = parseKeySetOrders(content);
    return orders.ok ? orders.value : 'unreadable-orders';
  }

  private obey(stored: StoredIdentity, orders: KeySetOrders): void {
    this.deps.obey(orders);
    this.obeyed = stored;
    this.deps.journal.ordersObeyed(stored.version, orders);
  }

  /** Tried again with every look: what is denied must not come back with a restart. */
  private async keep(): Promise<void> {
    if (this.obeyed === undefined) return;
    try {
      await this.deps.file.save(this.obeyed);
      this.keeping = 'kept';
    } catch (error) {
      if (this.keeping !== 'failed') this.deps.journal.snapshotNotWritten(error);
      this.keeping = 'failed';
    }
  }
}
