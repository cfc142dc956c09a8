import { ChannelUnavailable, type ConfigChannel, type Watch } from '#libs/config-distribution';
import type { LeaseView } from './lease-view.ts';

/** Somebody who wants to know what the gateways of an environment say. */
export interface LeaseListener {
  /**
   * The view was read; ids of which something changed since the read before. The first one is a read of all gateways that
   * began after the listener came.
   */
  looked(changed: ReadonlySet<string>): void;
  /** It could not be read; this is the last that is heard. */
  failed(error: unknown): void;
}

/** All gateways are looked at this often even when no hint comes: hints can be lost, and leases end without one. */
export const LOOK_EVERY_MS = 500;
/** Whoever writes to Redis can hint at gateways that are not there. */
const HINTS_REMEMBERED = 10_000;

/**
 * Reads an environment's leases for all who listen: one read at a time, everything that was hinted at meanwhile in the
 * next one, and nothing while nobody listens.
 */
export class LeaseLooks {
  private readonly listeners = new Set<LeaseListener>();
  private hinted = new Set<string>();
  private isWholeWanted = false;
  private isReading = false;
  private isClosed = false;
  private timer: NodeJS.Timeout | undefined;
  private watching: Promise<Watch> | undefined;

  constructor(
    private readonly environment: string,
    private readonly channel: ConfigChannel,
    private readonly view: LeaseView,
  ) {}

  /** Hears of hints from now on, so that whoever listens is told at once. */
  watch(): void {
    if (!this.isClosed) this.watching ??= this.channel.watch('leases', (gatewayId) => this.hint(gatewayId));
  }

  add(listener: LeaseListener): void {
    if (this.isClosed) return listener.failed(this.unavailable());
    this.listeners.add(listener);
    this.timer ??= setInterval(() => this.hint(undefined), LOOK_EVERY_MS);
    this.hint(undefined);
  }

  remove(listener: LeaseListener): void {
    this.listeners.delete(listener);
    if (this.listeners.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** A look that begins now or later. @throws ChannelUnavailable */
  once(): Promise<void> {
    return new Promise((resolve, reject) => {
      const listener: LeaseListener = {
        looked: () => {
          this.remove(listener);
          resolve();
        },
        failed: reject,
      };
      this.add(listener);
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.dismiss(this.listeners, this.unavailable());
    await (await this.watching)?.close();
  }

  /** Of a gateway that is not known, or of nobody: whoever lives is looked for. */
  private hint(gatewayId: string | undefined): void {
    // One that is not known may be in the answer that is on its way.
    if (gatewayId !== undefined && this.hinted.size < HINTS_REMEMBERED) this.hinted.add(gatewayId);
    if (gatewayId === undefined || !this.view.has(gatewayId)) this.isWholeWanted = true;
    void this.read();
  }

  private async read(): Promise<void> {
    if (this.isReading) return;
    this.isReading = true;
    while (this.listeners.size > 0 && (this.isWholeWanted || this.hinted.size > 0)) await this.readOnce();
    this.isReading = false;
  }

  /** Who comes meanwhile is told of the next read: it has wanted one of all gateways. */
  private async readOnce(): Promise<void> {
    const { hinted, isWholeWanted } = this;
    const askers = [...this.listeners];
    this.hinted = new Set();
    this.isWholeWanted = false;
    try {
      const changed = isWholeWanted ? await this.view.readAll(hinted) : await this.view.readSome([...hinted]);
      for (const asker of askers) if (this.listeners.has(asker)) asker.looked(changed);
    } catch (error) {
      this.dismiss(askers, error);
    }
  }

  private dismiss(askers: Iterable<LeaseListener>, error: unknown): void {
    for (const asker of [...askers]) {
      if (!this.listeners.has(asker)) continue;
      this.remove(asker);
      asker.failed(error);
    }
  }

  private unavailable(): ChannelUnavailable {
    return new ChannelUnavailable(this.environment, new Error('the connection was closed'));
  }
}
