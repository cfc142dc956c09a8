import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { putIdentity } from '#libs/config-distribution';
import { endWish, openWishes } from '../../channel-upkeep/identity-wishes.ts';
import type { ActiveEnvironment } from '../../environments/domain/environment.decider.ts';
import { DATABASE, LOGGER, VAULT } from '../../injection-tokens.ts';
import type { Logger } from '#libs/program-shell';
import type { SecretVault } from '../../persistence/secret-vault.ts';
import { UnitOfWork } from '../../persistence/unit-of-work.ts';
import { EnvironmentChannels, type EnvironmentChannel } from '../channel/environment-channels.ts';
import { ChannelRepair } from './channel-repair.ts';
import { IdentityContent } from './identity-content.ts';

const WISHES_PER_LOOK = 500;

/** Keeps the channel of an environment as it should be, beside the deployments themselves. */
@Injectable()
export class EnvironmentUpkeep {
  private readonly repair: ChannelRepair;

  constructor(
    private readonly channels: EnvironmentChannels,
    private readonly identities: IdentityContent,
    units: UnitOfWork,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.repair = new ChannelRepair(units, database, logger);
  }

  /** @throws ChannelUnavailable: to be tried again. */
  async run(environmentId: string): Promise<void> {
    const channel = await this.channels.of(environmentId);
    const environment = await this.channels.environment(environmentId);
    await this.keepKeyRing(environment, channel);
    await channel.publisher.publishEmpty();
    await this.repair.run(channel);
    await this.tellIdentities(environmentId, channel);
  }

  /** Environments to which this process has a connection. */
  get connected(): readonly string[] {
    return this.channels.kept;
  }

  /** The environment is gone. @param gatewayKeyIds those that it had. */
  async end(environmentId: string, gatewayKeyIds: readonly string[]): Promise<void> {
    this.repair.forget(environmentId);
    await this.channels.close(environmentId, gatewayKeyIds);
  }

  /** See `EnvironmentChannels.hurry`. */
  hurry(): void {
    this.channels.hurry();
  }

  /** The process ends. */
  endAll(): Promise<void> {
    return this.channels.closeAll();
  }

  private async keepKeyRing(environment: ActiveEnvironment, { channel }: EnvironmentChannel): Promise<void> {
    const changes = new Map<string, string | null>();
    for (const [keyId, entry] of Object.entries(environment.gatewayKeys)) {
      const wrapped = await this.vault.get(this.database, entry.secretId);
      if ((await channel.keyRingEntry(keyId)) !== wrapped) changes.set(keyId, wrapped);
    }
    for (const keyId of environment.revokedKeyIds) {
      if ((await channel.keyRingEntry(keyId)) !== undefined) changes.set(keyId, null);
    }
    if (changes.size > 0) await channel.writeKeyRing(changes);
  }

  private async tellIdentities(environmentId: string, { channel, keys }: EnvironmentChannel): Promise<void> {
    for (;;) {
      const wishes = await openWishes(this.database, environmentId, WISHES_PER_LOOK);
      for (const wish of wishes) {
        const { kind, subject, version } = wish;
        await putIdentity(channel, keys, { kind, subject, version, content: await this.identities.of(wish) });
        await endWish(this.database, environmentId, wish);
      }
      if (wishes.length < WISHES_PER_LOOK) return;
    }
  }
}
