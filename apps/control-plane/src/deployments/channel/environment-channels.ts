import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { once } from 'node:events';
import type pg from 'pg';
import { EVENT_STORE, type EventStore } from '#libs/event-store';
import { ChannelKeys, ConfigPublisher, RedisConfigChannel, type ConfigChannel } from '#libs/config-distribution';
import { CONTROL_PLANE_CONFIG, DATABASE, LOGGER, VAULT } from '../../injection-tokens.ts';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { fold } from '../../decider/decider.ts';
import {
  environmentDecider,
  environmentStream,
  requireEnvironment,
  type ActiveEnvironment,
} from '../../environments/domain/environment.decider.ts';
import type { SecretVault } from '../../persistence/secret-vault.ts';
import { redisAddress, type Logger } from '#libs/program-shell';
import { GatewayAnswers } from './gateway-answers.ts';
import { notePublished, type InPlace } from './known-position.ts';

const CONNECTED_WITHIN_MS = 1_000;

/** The way to one environment: its Redis, its keys, the gateways' answers. */
export interface EnvironmentChannel {
  readonly environmentId: string;
  readonly name: string;
  readonly channel: ConfigChannel;
  readonly keys: ChannelKeys;
  readonly publisher: ConfigPublisher;
  readonly answers: GatewayAnswers;
  readonly logger: Logger;
  /** See `notePublished` of known-position. */
  notePublished(published: InPlace): Promise<void>;
}

interface OpenChannel extends EnvironmentChannel {
  readonly redis: Redis;
}

/** Opens each environment's channel once and keeps it. */
@Injectable()
export class EnvironmentChannels implements OnApplicationShutdown {
  private readonly open = new Map<string, Promise<OpenChannel>>();

  constructor(
    @Inject(CONTROL_PLANE_CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @throws DomainError NOT_FOUND when there is no such environment. */
  of(environmentId: string): Promise<EnvironmentChannel> {
    const known = this.open.get(environmentId);
    if (known !== undefined) return known;
    const opening = this.connect(environmentId);
    this.open.set(environmentId, opening);
    opening.catch(() => this.open.delete(environmentId));
    return opening;
  }

  async environment(environmentId: string): Promise<ActiveEnvironment> {
    const events = await this.store.readStream(environmentStream(environmentId));
    return requireEnvironment(fold(environmentDecider, events));
  }

  async onApplicationShutdown(): Promise<void> {
    for (const opening of this.open.values()) {
      const channel = await opening.catch(() => undefined);
      await channel?.answers.close();
      channel?.redis.disconnect();
    }
  }

  private async connect(environmentId: string): Promise<OpenChannel> {
    const environment = await this.environment(environmentId);
    const { name } = environment;
    const url = environment.redisUrl === null ? this.config.redisUrl : await this.secret(environment.redisUrl.secretId);
    const keys = new ChannelKeys(name, Buffer.from(await this.secret(environment.rootKey.secretId), 'base64url'));
    const redis = new Redis({
      ...redisAddress(url),
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      commandTimeout: 5_000,
      retryStrategy: (attempt) => Math.min(attempt * 100, 2_000),
    });
    this.reportOutages(redis, name);
    await settledConnection(redis);
    const channel = new RedisConfigChannel(redis, name);
    const publisher = new ConfigPublisher(channel, keys);
    const answers = new GatewayAnswers(channel, keys, (gatewayId) =>
      this.logger.warn({ environment: name, gatewayId }, 'a gateway lease cannot be opened: it was not sealed here'),
    );
    const note = (published: InPlace): Promise<void> => notePublished(this.database, environmentId, published);
    const { logger } = this;
    return { environmentId, name, channel, keys, publisher, answers, redis, logger, notePublished: note };
  }

  /** Once for each outage, however often it is tried again. */
  private reportOutages(redis: Redis, environment: string): void {
    let isDown = false;
    redis.on('ready', () => {
      if (isDown) this.logger.info({ environment }, 'the Redis of an environment is reached again');
      isDown = false;
    });
    redis.on('error', (error: Error) => {
      if (!isDown)
        this.logger.warn({ environment, reason: error.message }, 'the Redis of an environment cannot be reached');
      isDown = true;
    });
  }

  private secret(secretId: string): Promise<string> {
    return this.vault.get(this.database, secretId);
  }
}

/** Commands fail at once while there is no connection: the first ones must not come before it could be made. */
async function settledConnection(redis: Redis): Promise<void> {
  await once(redis, 'ready', { signal: AbortSignal.timeout(CONNECTED_WITHIN_MS) }).catch(() => undefined);
}
