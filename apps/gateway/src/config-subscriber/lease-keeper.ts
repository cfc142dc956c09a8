import {
  sealLease,
  type ChannelKeys,
  type ConfigChannel,
  type ConfigFollower,
  type HandledChange,
  type LeaseState,
} from '#libs/config-distribution';

/** Deployments answered one by one; older answers are covered by what was loaded. */
const HANDLED_KEPT = 200;
/** Rejections told with their reasons, and proxies that are served otherwise: all have a place in the counts. */
const NAMED_KEPT = 100;
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

/** What is really live; asking costs nothing. */
export interface LiveConfiguration {
  /** Undefined until there is a configuration. */
  readonly current: unknown;
  readonly served: NonNullable<LeaseState['served']>;
  /** The change that brought what is live of a proxy; undefined when none is. */
  liveChange(proxyId: string): { readonly deployment: number } | undefined;
}

/** What a lease says beside the configuration; asking costs nothing. */
export type SaidBeside = Pick<LeaseState, 'obeys' | 'keySetNotes'>;

type Rejections = Pick<LeaseState, 'rejected' | 'rejectedDeployments'>;

/** All by number; with reasons only the newest. */
function rejectionsOf({ rejections }: ConfigFollower): Rejections {
  const all = [...rejections].map(([proxyId, { deployment, reason }]) => ({ proxyId, deployment, reason }));
  all.sort((one, other) => other.deployment - one.deployment);
  return { rejected: all.slice(0, NAMED_KEPT), rejectedDeployments: all.map(({ deployment }) => deployment) };
}

const heldInstead = (follower: ConfigFollower, live: LiveConfiguration): LeaseState['holdsInstead'] =>
  follower.unapplied
    .slice(0, NAMED_KEPT)
    .map((proxyId) => ({ proxyId, deployment: live.liveChange(proxyId)?.deployment ?? 0 }));

/** Tells the control plane that this gateway lives and what it did with each deployment. */
export class LeaseKeeper {
  private handled: number[] = [];
  private renewedAtMs: number | undefined;

  constructor(
    private readonly channel: ConfigChannel,
    private readonly identity: GatewayIdentity,
    private readonly nowMs: () => number,
    private readonly beside: () => SaidBeside,
  ) {}

  note(changes: readonly HandledChange[]): void {
    if (changes.length === 0) return;
    this.handled = [...this.handled, ...changes.map(({ deployment }) => deployment)].slice(-HANDLED_KEPT);
    this.expire();
  }

  /** There is something new to tell: it is due. */
  expire(): void {
    this.renewedAtMs = undefined;
  }

  /**
   * Renews when there is something to tell, and about every second otherwise.
   *
   * @throws ChannelUnavailable
   */
  async renewWhenDue(keys: ChannelKeys, follower: ConfigFollower, live: LiveConfiguration): Promise<void> {
    const now = this.nowMs();
    if (this.renewedAtMs !== undefined && now - this.renewedAtMs < RENEW_EVERY_MS) return;
    const renewedAtMs = await this.channel.clockMs();
    const { gatewayId, programVersion, startedAt, address, rootContext } = this.identity;
    const state: LeaseState = {
      ...{ gatewayId, programVersion, address: address(), startedAt, renewedAtMs, rootContext },
      deployment: follower.highestDeployment,
      loaded: follower.loaded ?? null,
      handled: this.handled,
      unsettled: [...follower.unsettled],
      ...rejectionsOf(follower),
      holdsInstead: heldInstead(follower, live),
      served: live.current === undefined ? undefined : live.served,
      ...this.beside(),
    };
    // What becomes news from here on is told by the next one.
    this.renewedAtMs = now;
    try {
      await this.channel.renewLease(gatewayId, sealLease(keys, state));
    } catch (error) {
      this.expire();
      throw error;
    }
  }

  /** @throws ChannelUnavailable */
  async end(): Promise<void> {
    await this.channel.endLease(this.identity.gatewayId);
  }
}
