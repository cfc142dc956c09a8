import { Inject, Injectable } from '@nestjs/common';
import { once } from 'node:events';
import type pg from 'pg';
import { EVENT_STORE, type EventStore } from '#libs/event-store';
import {
  ChannelKeys,
  type ConfigChannel,
  ConfigPublisher,
  RedisConfigChannel,
  removeOtherKinds,
} from '#libs/config-distribution';
import { CONTROL_PLANE_CONFIG, DATABASE, LOGGER, VAULT } from '../../injection-tokens.ts';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { notFound, unavailable } from '../../decider/domain-error.ts';
import { loadState } from '../../decider/stream-states.ts';
import {
  environmentDecider,
  environmentStream,
  requireEnvironment,
  type ActiveEnvironment,
} from '../../environments/domain/environment.decider.ts';
import type { SecretVault } from '../../persistence/secret-vault.ts';
import type { Logger } from '#libs/program-shell';
import type { RedisClient } from '#libs/redis-clients';
import { connectTo } from '../../deployment-requests/redis-connections.ts';
import { ChannelMetrics } from './channel-metrics.ts';
import { RedisRefreshTokenStore, type RefreshTokenStore } from '#libs/refresh-token-store';
import { RedisRevocationLedger, revocationKinds, type RevocationLedger } from '#libs/token-revocations';
import { GatewayAnswers } from './gateway-answers.ts';
import type { LeaseProblem, LeaseReport } from './lease-reports.ts';
import { notePublished, type InPlace } from './known-position.ts';

const CONNECTED_WITHIN_MS = 1_000;
const ANSWER_WITHIN_MS = 5_000;
/** Its Redis is known to nobody any more: this cannot be done later. */
const KEYS_LEFT =
  'the Redis of a deleted environment cannot be reached: gateways with a key of it can still start from what is there; ' +
  'delete its keys there by hand';
const LEASES_REFUSED: Readonly<Record<LeaseProblem, string>> = {
  foreign: 'gateway leases cannot be opened: they were not sealed here',
  old: 'gateway leases are old ones that somebody put back: those gateways do not count as live',
  flood: 'there are more gateway leases in Redis than any environment has gateways: some are looked at later',
};

/** The way to one environment: its Redis, its keys, the gateways' answers. */
export interface EnvironmentChannel {
  readonly environmentId: string;
  readonly name: string;
  readonly channel: ConfigChannel;
  readonly keys: ChannelKeys;
  readonly publisher: ConfigPublisher;
  readonly answers: GatewayAnswers;
  /** Where the gateways of the environment keep them. */
  readonly refreshTokens: RefreshTokenStore;
  /** Which access tokens they take no more. */
  readonly revocations: RevocationLedger;
  readonly logger: Logger;
  /** See `removeOtherKinds` of config-distribution. */
  readonly removeOtherKinds: () => Promise<readonly string[]>;
  /** See `notePublished` of known-position. */
  notePublished(published: InPlace): Promise<void>;
}

export interface OpenedEnvironment {
  readonly environment: ActiveEnvironment;
  readonly channel: EnvironmentChannel;
}

interface OpenChannel extends EnvironmentChannel {
  readonly redis: RedisClient;
}

/** A channel and the state of the environment that it was opened for. */
interface KeptChannel {
  readonly version: number;
  /** null: the control plane's own Redis. */
  readonly redisSecretId: string | null;
  readonly opening: Promise<OpenChannel>;
}

/** Opens each environment's channel once and keeps it for as long as the environment has its Redis there. */
@Injectable()
export class EnvironmentChannels {
  private readonly open = new Map<string, KeptChannel>();
  /** Environments that are gone: whoever read about one just before does not open it again. Ids never come back. */
  private readonly closed = new Set<string>();
  private isEnded = false;

  constructor(
    @Inject(CONTROL_PLANE_CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly metrics: ChannelMetrics,
  ) {}

  /** @throws DomainError NOT_FOUND when there is no such environment, UNAVAILABLE when the process ends. */
  async of(environmentId: string): Promise<EnvironmentChannel> {
    return (await this.opened(environmentId)).channel;
  }

  /** The same with the environment as it is now, read once for both. @throws as `of` does */
  async opened(environmentId: string): Promise<OpenedEnvironment> {
    const { environment, version } = await this.recorded(environmentId);
    return { environment, channel: await this.channelOf(environment, version) };
  }

  private async channelOf(environment: ActiveEnvironment, version: number): Promise<EnvironmentChannel> {
    const { environmentId } = environment;
    if (this.closed.has(environmentId)) throw notFound('Environment');
    if (this.isEnded) throw unavailable('the control plane is being stopped');
    const redisSecretId = environment.redisUrl?.secretId ?? null;
    const kept = this.open.get(environmentId);
    // What was read later knows better: another caller may have been faster.
    if (kept !== undefined && (kept.redisSecretId === redisSecretId || kept.version > version)) return kept.opening;
    const opening = this.connect(environment);
    const opened: KeptChannel = { version, redisSecretId, opening };
    this.open.set(environmentId, opened);
    opening.catch(() => {
      if (this.open.get(environmentId) === opened) this.open.delete(environmentId);
    });
    if (kept !== undefined) await shut(kept);
    return opening;
  }

  /** Ids of the environments that a channel is kept of. */
  get kept(): readonly string[] {
    return [...this.open.keys()];
  }

  /**
   * The environment is gone: its gateways' keys open nothing there any more, and its connection is closed.
   *
   * @param gatewayKeyIds those that it had.
   */
  async close(environmentId: string, gatewayKeyIds: readonly string[] = []): Promise<void> {
    this.closed.add(environmentId);
    const kept = this.open.get(environmentId);
    this.open.delete(environmentId);
    const { channel, name } = (await kept?.opening.catch(() => undefined)) ?? {};
    if (gatewayKeyIds.length > 0 && !(await removeKeys(channel, gatewayKeyIds)))
      this.logger.warn({ environmentId, environment: name, gatewayKeyIds }, KEYS_LEFT);
    if (kept !== undefined) await shut(kept);
    if (name !== undefined) this.metrics.forget(name);
  }

  /** The process is about to end: what gateways have not answered by now is asked by another one. */
  hurry(): void {
    for (const { opening } of this.open.values())
      void opening.then(({ answers }) => answers.hurry()).catch(() => undefined);
  }

  /** The process ends; nothing that is in hand needs a channel any more. */
  async closeAll(): Promise<void> {
    this.isEnded = true;
    for (const kept of this.open.values()) await shut(kept);
  }

  private async recorded(environmentId: string): Promise<{ environment: ActiveEnvironment; version: number }> {
    const { state, version } = await loadState(this.store, environmentDecider, environmentStream(environmentId));
    return { environment: requireEnvironment(state), version };
  }

  private async connect(environment: ActiveEnvironment): Promise<OpenChannel> {
    const { environmentId } = environment;
    const { name } = environment;
    const url = environment.redisUrl === null ? this.config.redisUrl : await this.secret(environment.redisUrl.secretId);
    const keys = new ChannelKeys(name, Buffer.from(await this.secret(environment.rootKey.secretId), 'base64url'));
    const redis = connectTo(url, this.config, {
      retriesPerRequest: 1,
      commandTimeoutMs: ANSWER_WITHIN_MS,
      silenceTimeoutMs: ANSWER_WITHIN_MS,
      pauseMs: (attempt) => Math.min(attempt * 100, 2_000),
    });
    this.metrics.watch(name);
    this.reportOutages(redis, name);
    await settledConnection(redis);
    const channel = new RedisConfigChannel(redis, name);
    const publisher = new ConfigPublisher(channel, keys);
    const answers = new GatewayAnswers(name, channel, keys, (report) => this.reportLeases(name, report));
    const note = (published: InPlace): Promise<void> =>
      notePublished(this.database, { environmentId, channel }, published);
    const refreshTokens = new RedisRefreshTokenStore(redis, name, keys.keyFor('refresh-tokens'));
    const revocations = new RedisRevocationLedger(redis, name, keys.keyFor('token-revocations'));
    const { logger } = this;
    return {
      ...{ environmentId, name, channel, keys, publisher, answers, refreshTokens, revocations, redis, logger },
      notePublished: note,
      removeOtherKinds: () => removeOtherKinds(redis, name, revocationKinds(name)),
    };
  }

  private reportLeases(environment: string, { problem, count, isNews, gatewayIds }: LeaseReport): void {
    this.metrics.countForeignLeases(environment, count);
    if (isNews) this.logger.warn({ environment, problem, count, gatewayIds }, LEASES_REFUSED[problem]);
  }

  /** Once for each outage, however often it is tried again. */
  private reportOutages(redis: RedisClient, environment: string): void {
    let isDown = false;
    redis.on('ready', () => {
      if (isDown) this.logger.info({ environment }, 'the Redis of an environment is reached again');
      isDown = false;
      this.metrics.noteRedis(environment, true);
    });
    redis.on('error', (error: Error) => {
      this.metrics.noteRedis(environment, false);
      if (!isDown)
        this.logger.warn({ environment, reason: error.message }, 'the Redis of an environment cannot be reached');
      isDown = true;
    });
  }

  private secret(secretId: string): Promise<string> {
    return this.vault.get(this.database, secretId);
  }
}

/** Whether they open nothing any more. */
async function removeKeys(channel: ConfigChannel | undefined, gatewayKeyIds: readonly string[]): Promise<boolean> {
  const removing = channel?.writeKeyRing(new Map(gatewayKeyIds.map((keyId) => [keyId, null])));
  if (removing === undefined) return false;
  return removing.then(
    () => true,
    () => false,
  );
}

/** Whoever still uses it is told that its Redis cannot be reached, and comes again. */
async function shut({ opening }: KeptChannel): Promise<void> {
  const channel = await opening.catch(() => undefined);
  await channel?.answers.close().catch(() => undefined);
  channel?.redis.disconnect();
}

/** Commands fail at once while there is no connection: the first ones must not come before it could be made. */
async function settledConnection(redis: RedisClient): Promise<void> {
  await once(redis, 'ready', { signal: AbortSignal.timeout(CONNECTED_WITHIN_MS) }).catch(() => undefined);
}
