import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import {
  artifactHash,
  ChannelKeys,
  ConfigFollower,
  ConfigPublisher,
  loadLog,
  openLease,
  RedisConfigChannel,
  type ChangeRecord,
} from '#libs/config-distribution';
import type { FleetPlace } from './gateway-fleet.ts';

/** About the size of a proxy with two policies and a key. */
const ARTIFACT_BYTES = 2_400;
const PUBLISHED_AT_ONCE = 100;

/** One environment as control plane and deployers work with it. */
export class CapacityEnvironment {
  readonly redis: Redis;
  private readonly rootKey = randomBytes(32);
  private readonly keys: ChannelKeys;
  private readonly channel: RedisConfigChannel;
  private readonly publisher: ConfigPublisher;
  private readonly artifact = JSON.stringify({ text: randomBytes(ARTIFACT_BYTES / 2).toString('hex') });
  private readonly hash: string;
  private deployment = 0;

  constructor(
    private readonly redisUrl: string,
    private readonly name: string,
  ) {
    this.redis = new Redis(redisUrl);
    this.keys = new ChannelKeys(name, this.rootKey);
    this.channel = new RedisConfigChannel(this.redis, name);
    this.publisher = new ConfigPublisher(this.channel, this.keys);
    this.hash = artifactHash(this.keys, this.artifact);
  }

  get place(): FleetPlace {
    const { redisUrl, name: environment, rootKey } = this;
    return { redisUrl, environment, rootKey: rootKey.toString('base64url') };
  }

  async fill(proxies: number): Promise<void> {
    await this.publisher.publishEmpty();
    for (let at = 0; at < proxies; at += PUBLISHED_AT_ONCE) {
      const count = Math.min(PUBLISHED_AT_ONCE, proxies - at);
      await Promise.all(Array.from({ length: count }, (_, index) => this.publish(at + index)));
    }
  }

  async publish(proxy: number): Promise<void> {
    this.deployment += 1;
    const names = { proxyId: `00000000-0000-4000-8000-${String(proxy).padStart(12, '0')}`, project: 'project' };
    const change: ChangeRecord = {
      ...{ kind: 'artifact', ...names, proxy: `proxy-${proxy}`, deployment: this.deployment },
      ...{ revision: 1, hash: this.hash },
    };
    await this.publisher.publish(change, this.artifact);
  }

  /** A gateway without a copy reads everything. @returns how many proxies it was given */
  async join(): Promise<number> {
    let proxies = 0;
    const follower = new ConfigFollower(this.channel, this.keys, {
      apply: async (changes) => {
        proxies += changes.length;
        return new Map(changes.map(({ change }) => [change.proxyId, { applied: true }]));
      },
      report: ({ problem }) => {
        throw new Error(`unexpected: ${problem}`);
      },
    });
    await follower.refresh();
    return proxies;
  }

  /** As the control plane compares everything every ten seconds: without the artifacts. */
  async readWhole(): Promise<number> {
    return (await loadLog(this.channel, this.keys))?.changes.length ?? 0;
  }

  /** As the control plane learns what all gateways say. @returns how many said something that can be opened */
  async readLeases(): Promise<number> {
    const leases = await this.channel.leases();
    return leases.filter((lease) => openLease(this.keys, lease) !== undefined).length;
  }

  close(): void {
    this.redis.disconnect();
  }
}
