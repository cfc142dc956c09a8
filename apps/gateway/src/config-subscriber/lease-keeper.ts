import {
  sealLease,
  type ChannelKeys,
  type ConfigChannel,
  type ConfigFollower,
  type HandledChange,
} from '#libs/config-distribution';

/** Deployments answered one by one; older answers are covered by what was loaded. */
const HANDLED_KEPT = 200;
/** A little less than the loop's second, so that its jitter does not halve the rate. */
const RENEW_EVERY_MS = 900;

export interface GatewayIdentity {
  readonly gatewayId: string;
  readonly programVersion: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Where it serves, `host:port`. */
  readonly address: () => string;
  /** What stands before every path it serves. */
  readonly rootContext?: string;
}

/** Tells the control plane that this gateway lives and what it did with each deployment. */
export class LeaseKeeper {
  private handled: number[] = [];
  private renewedAtMs: number | undefined;

  constructor(
    private readonly channel: ConfigChannel,
    private readonly identity: GatewayIdentity,
    private readonly nowMs: () => number,
  ) {}

  note(changes: readonly HandledChange[]): void {
    if (changes.length === 0) return;
    this.handled = [...this.handled, ...changes.map(({ deployment }) => deployment)].slice(-HANDLED_KEPT);
    this.renewedAtMs = undefined;
  }

  /**
   * Renews when there is something to tell, and about every second otherwise.
   *
   * @throws ChannelUnavailable
   */
  async renewWhenDue(keys: ChannelKeys, follower: ConfigFollower): Promise<void> {
    const now = this.nowMs();
    if (this.renewedAtMs !== undefined && now - this.renewedAtMs < RENEW_EVERY_MS) return;
    const { gatewayId, programVersion, startedAt, address, rootContext } = this.identity;
    const rejected = [...follower.rejections].map(([proxyId, rejection]) => ({ proxyId, ...rejection }));
    const state = {
      gatewayId,
      programVersion,
      address: address(),
      startedAt,
      rootContext,
      deployment: follower.highestDeployment,
      loaded: follower.loaded ?? null,
      handled: this.handled,
      unsettled: [...follower.unsettled],
      rejected,
    };
    await this.channel.renewLease(gatewayId, sealLease(keys, state));
    this.renewedAtMs = now;
  }

  /** @throws ChannelUnavailable */
  async end(): Promise<void> {
    await this.channel.endLease(this.identity.gatewayId);
  }
}
