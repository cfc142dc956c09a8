import type { Redis } from 'ioredis';
import {
  ChannelKeys,
  openArtifact,
  openIdentity,
  parseGatewayKey,
  RedisConfigChannel,
  sealLease,
  unwrapRootKey,
  type IdentityKind,
  type LeaseState,
  type Watch,
} from '#libs/config-distribution';
import { until } from './test-servers.ts';

const RENEWED_EVERY_MS = 1_000;

/**
 * A gateway as the control plane sees one: somebody who holds the gateway key, opens what is sealed, and answers. From the
 * first time that it says something it lives until it ends, however slow the machine: a lease ends by itself after seconds.
 */
export class FakeGateway {
  readonly channel: RedisConfigChannel;
  private state: LeaseState;
  private watch: Watch | undefined;
  private ordersWatch: Watch | undefined;
  private renewing: NodeJS.Timeout | undefined;

  private constructor(
    redis: Redis,
    environmentName: string,
    readonly keys: ChannelKeys,
    readonly gatewayId: string,
  ) {
    this.channel = new RedisConfigChannel(redis, environmentName);
    this.state = {
      ...{ gatewayId, programVersion: 'test', address: '127.0.0.1:1', startedAt: new Date().toISOString() },
      ...{ deployment: 0, loaded: null, handled: [], unsettled: [], rejected: [] },
    };
  }

  /** Admitted by the key ring, as soon as it is there. */
  static async admitted(
    redis: Redis,
    environment: { name: string; gatewayKey: string },
    gatewayId = 'gateway-1',
  ): Promise<FakeGateway> {
    const key = parseGatewayKey(environment.gatewayKey);
    if (key === undefined) throw new Error('not the form of a gateway key');
    const channel = new RedisConfigChannel(redis, environment.name);
    const wrapped = await until('the key ring has the key', () => channel.keyRingEntry(key.keyId));
    const rootKey = unwrapRootKey(environment.name, key, wrapped);
    if (rootKey === undefined) throw new Error('the key ring entry does not open');
    return new FakeGateway(redis, environment.name, new ChannelKeys(environment.name, rootKey), gatewayId);
  }

  /** Says that it lives, and what it has to say beside that. */
  async says(news: Partial<LeaseState> = {}): Promise<void> {
    this.renewing ??= setInterval(() => void this.says().catch(() => undefined), RENEWED_EVERY_MS).unref();
    this.state = { ...this.state, ...news };
    await this.channel.renewLease(this.gatewayId, sealLease(this.keys, this.state));
  }

  /** From now on everything that is published is applied at once. */
  async appliesEverything(): Promise<void> {
    const apply = async (): Promise<void> => this.says({ loaded: (await this.channel.position()) ?? null });
    this.watch = await this.channel.watch('changes', () => void apply().catch(() => undefined));
    await apply();
  }

  /** From now on standing orders about key sets are obeyed as soon as it hears of them. */
  async obeysOrders(): Promise<void> {
    const obey = async (): Promise<void> => {
      const stored = await this.channel.identity('orders', 'key-sets');
      if (stored === undefined || openIdentity(this.keys, stored) === undefined) return;
      await this.says({ obeys: { 'key-sets': stored.version } });
    };
    this.ordersWatch = await this.channel.watch('changes', () => void obey().catch(() => undefined));
    await this.says();
    await obey();
  }

  async ends(): Promise<void> {
    clearInterval(this.renewing);
    this.renewing = undefined;
    await this.watch?.close();
    await this.ordersWatch?.close();
    await this.channel.endLease(this.gatewayId);
  }

  /** What is published of a proxy now, as text. */
  async artifactOf(proxyId: string): Promise<{ deployment: number; text: string } | undefined> {
    const stored = (await this.channel.artifacts([proxyId])).get(proxyId);
    if (stored === undefined) return undefined;
    const text = openArtifact(this.keys, proxyId, stored);
    if (text === undefined) throw new Error('the artifact does not open');
    return { deployment: stored.deployment, text };
  }

  /** undefined: not there, or removed. */
  async identity(kind: IdentityKind, subject: string): Promise<unknown> {
    const stored = await this.channel.identity(kind, subject);
    return stored === undefined ? undefined : openIdentity(this.keys, stored);
  }
}
