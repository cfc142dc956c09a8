import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import type { ActiveEnvironment } from '../../environments/domain/environment.decider.ts';
import { DATABASE, VAULT } from '../../injection-tokens.ts';
import type { SecretVault } from '../../persistence/secret-vault.ts';
import { EnvironmentChannels, type EnvironmentChannel } from '../channel/environment-channels.ts';
import { ChannelRepair } from '../drift/channel-repair.ts';
import { DriftWatch } from '../drift/drift-watch.ts';
import { EnvironmentTelling } from './environment-telling.ts';

/** Keeps the channel of an environment as it should be, beside the deployments themselves. */
@Injectable()
export class EnvironmentUpkeep {
  constructor(
    private readonly channels: EnvironmentChannels,
    private readonly repair: ChannelRepair,
    private readonly telling: EnvironmentTelling,
    private readonly drift: DriftWatch,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(VAULT) private readonly vault: SecretVault,
  ) {}

  /** @throws ChannelUnavailable, RevocationLedgerUnavailable: to be tried again. */
  async run(environmentId: string): Promise<void> {
    const { channel, environment } = await this.channels.opened(environmentId);
    await this.repair.removeOtherKinds(channel);
    await this.keepKeyRing(environment, channel);
    await channel.publisher.publishEmpty();
    const sound = await this.repair.run(channel);
    const failure = await this.telling.tell(channel);
    if (sound !== undefined) await this.drift.look(sound);
    if (failure !== undefined) throw failure;
  }

  /** Environments to which this process has a connection. */
  get connected(): readonly string[] {
    return this.channels.kept;
  }

  /** The environment is gone. @param gatewayKeyIds those that it had. */
  async end(environmentId: string, gatewayKeyIds: readonly string[]): Promise<void> {
    this.drift.forget(environmentId);
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
}
