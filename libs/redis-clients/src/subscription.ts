import { Cluster, type Redis } from 'ioredis';
import type { RedisClient } from './open-redis.ts';

export interface ChannelListener {
  /** The subscription stands, for the first time or again: what came in between was not heard. */
  onStanding(): void;
  onMessage(message: string): void;
}

export interface Subscription {
  close(): void;
}

const LOOK_AGAIN_MS = 200;

/** It has a connection of its own: no time limit, and it waits for as long as it takes. */
const OWN = {
  enableOfflineQueue: true,
  maxRetriesPerRequest: null,
  autoResubscribe: false,
  commandTimeout: undefined,
  socketTimeout: undefined,
} as const;

function listen(connection: Redis, channel: string, listener: ChannelListener): void {
  connection.on('error', () => undefined); // said by the client it was made from; it is connected again by itself
  connection.on('message', (_channel, message) => listener.onMessage(message));
  connection.on('ready', () => {
    connection.subscribe(channel).then(
      () => listener.onStanding(),
      () => undefined,
    );
  });
  if (connection.status === 'wait') connection.connect().catch(() => undefined);
}

/**
 * What is published anywhere in a cluster is heard at each of its nodes. The subscription that a cluster client offers
 * moves to another node without a word: what was published meanwhile would be missed unnoticed.
 */
class ClusterSubscription implements Subscription {
  private connection: Redis | undefined;
  private again: NodeJS.Timeout | undefined;
  private isOpen = true;

  constructor(
    private readonly cluster: Cluster,
    private readonly channel: string,
    private readonly listener: ChannelListener,
  ) {
    this.open();
  }

  close(): void {
    this.isOpen = false;
    clearTimeout(this.again);
    this.connection?.disconnect();
  }

  private open(): void {
    if (this.cluster.status === 'wait') this.cluster.connect().catch(() => undefined);
    const nodes = this.cluster.status === 'ready' ? this.cluster.nodes('master') : [];
    const node = nodes[Math.floor(Math.random() * nodes.length)];
    if (node === undefined) return this.openLater();
    this.connection = node.duplicate({ ...OWN, lazyConnect: true, retryStrategy: null });
    this.connection.once('end', () => this.openLater());
    listen(this.connection, this.channel, this.listener);
  }

  private openLater(): void {
    this.connection = undefined;
    if (this.isOpen) this.again = setTimeout(() => this.open(), LOOK_AGAIN_MS);
  }
}

/** Hears one channel until it is closed, whatever becomes of the connections meanwhile. */
export function subscribe(redis: RedisClient, channel: string, listener: ChannelListener): Subscription {
  if (redis instanceof Cluster) return new ClusterSubscription(redis, channel, listener);
  const connection = redis.duplicate(OWN);
  listen(connection, channel, listener);
  return { close: () => connection.disconnect() };
}
