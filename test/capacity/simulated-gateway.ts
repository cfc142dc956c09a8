import { Redis } from 'ioredis';
import {
  ConfigFollower,
  RedisConfigChannel,
  sealLease,
  type ChannelKeys,
  type ConfigChannel,
  type IncomingChange,
} from '#libs/config-distribution';
import { RedisRevocationLedger, type LedgerPosition, type RevocationLedger } from '#libs/token-revocations';

/** As a gateway does. */
const LOOK_EVERY_MS = 1_000;
const RING_ASKED_EVERY_LOOKS = 5;

export interface GatewayPlace {
  readonly redisUrl: string;
  readonly environment: string;
  readonly id: string;
}

/**
 * What one gateway is to its Redis: two connections, a look every second and at every hint, a lease, an answer to every
 * change. It opens and checks what it reads as a gateway does; it links nothing and serves nobody.
 */
export class SimulatedGateway {
  private readonly redis: Redis;
  private readonly channel: ConfigChannel;
  private readonly ledger: RevocationLedger;
  private readonly follower: ConfigFollower;
  private ledgerPosition: LedgerPosition | undefined;
  private looking: Promise<void> = Promise.resolve();
  private looks = 0;
  private handled: number[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly place: GatewayPlace,
    private readonly keys: ChannelKeys,
    private readonly onApplied: (changes: readonly IncomingChange[]) => void,
  ) {
    this.redis = new Redis(place.redisUrl);
    this.channel = new RedisConfigChannel(this.redis, place.environment);
    this.ledger = new RedisRevocationLedger(this.redis, place.environment, keys.keyFor('token-revocations'));
    this.follower = new ConfigFollower(this.channel, keys, {
      apply: async (changes) => {
        this.onApplied(changes);
        return new Map(changes.map(({ change }) => [change.proxyId, { applied: true }]));
      },
      report: ({ problem }) => {
        throw new Error(`unexpected: ${problem}`);
      },
    });
  }

  /** Fulfils when it has read all there is and is told of what comes. @param delayMs so that not all look at once */
  async start(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      void this.channel.watch('changes', (message) => {
        if (message === undefined) return resolve();
        this.follower.offer(message);
        void this.look();
      });
    });
    await this.look();
    setTimeout(() => {
      this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    }, delayMs);
  }

  stop(): void {
    clearInterval(this.timer);
    this.redis.disconnect();
  }

  private look(): Promise<void> {
    this.looking = this.looking.then(() => this.lookOnce());
    return this.looking;
  }

  private async lookOnce(): Promise<void> {
    this.looks += 1;
    const ring = this.looks % RING_ASKED_EVERY_LOOKS === 1 ? [this.channel.keyRingEntry(this.place.id)] : [];
    const news = this.ledger.since(this.ledgerPosition).then(({ position }) => (this.ledgerPosition = position));
    const [handled] = await Promise.all([
      this.follower.refresh(),
      ...[news, this.channel.identity('orders', 'key-sets'), ...ring],
    ]);
    this.handled = [...this.handled, ...handled.map(({ deployment }) => deployment)].slice(-200);
    await this.channel.renewLease(this.place.id, sealLease(this.keys, this.state()));
  }

  private state() {
    const { follower, handled } = this;
    return {
      ...{ gatewayId: this.place.id, programVersion: 'simulated', address: '127.0.0.1:8080' },
      ...{ startedAt: '2026-01-01T00:00:00.000Z', deployment: follower.highestDeployment },
      ...{ loaded: follower.loaded ?? null, handled, unsettled: [], rejected: [], rejectedDeployments: [] },
      ...{ holdsInstead: [], served: { proxies: 0, digest: '0'.repeat(64) }, obeys: {}, keySetNotes: [] },
    };
  }
}
