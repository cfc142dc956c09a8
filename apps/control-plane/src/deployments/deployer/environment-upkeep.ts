import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { putIdentity } from '#libs/config-distribution';
import { endWish, openWishes, wishAllIdentities } from '../../channel-upkeep/identity-wishes.ts';
import { requestDeployments } from '../../deployment-requests/deployment-requests.ts';
import type { ActiveEnvironment } from '../../environments/domain/environment.decider.ts';
import { DATABASE, LOGGER, VAULT } from '../../injection-tokens.ts';
import type { Logger } from '#libs/program-shell';
import type { SecretVault } from '../../persistence/secret-vault.ts';
import { UnitOfWork, type Unit } from '../../persistence/unit-of-work.ts';
import { EnvironmentChannels, type EnvironmentChannel } from '../channel/environment-channels.ts';
import { IdentityContent } from './identity-content.ts';

const WISHES_PER_LOOK = 500;

/** Keeps the channel of an environment as it should be, beside the deployments themselves. */
@Injectable()
export class EnvironmentUpkeep {
  constructor(
    private readonly channels: EnvironmentChannels,
    private readonly identities: IdentityContent,
    private readonly units: UnitOfWork,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @throws ChannelUnavailable: to be tried again. */
  async run(environmentId: string): Promise<void> {
    const channel = await this.channels.of(environmentId);
    const environment = await this.channels.environment(environmentId);
    await this.keepKeyRing(environment, channel);
    await channel.publisher.publishEmpty();
    await this.repairWhenLost(environmentId, channel);
    await this.tellIdentities(environmentId, channel);
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

  /** Another epoch than the one known: the log was begun anew, so everything is published again, under new numbers. */
  private async repairWhenLost(environmentId: string, { channel, name }: EnvironmentChannel): Promise<void> {
    const position = await channel.position();
    if (position === undefined) return;
    const known = await this.knownEpoch(environmentId);
    if (known === position.epoch) return;
    const context = { actor: 'deployer', requestId: `channel-${position.epoch}` };
    const repaired = await this.units.run(context, async (unit) => {
      await wishAllIdentities(unit.transaction, environmentId);
      await unit.transaction.query(
        `insert into environment_channels (environment_id, epoch) values ($1, $2)
         on conflict (environment_id) do update set epoch = excluded.epoch`,
        [environmentId, position.epoch],
      );
      return known === undefined ? 0 : this.deployAgain(unit, { environmentId, environmentName: name });
    });
    if (known !== undefined) {
      this.logger.warn(
        { environment: name, proxies: repaired },
        'the Redis of an environment lost its data: publishing it again',
      );
    }
  }

  private async deployAgain(unit: Unit, target: { environmentId: string; environmentName: string }): Promise<number> {
    const found = await unit.transaction.query<{ proxy_id: string; kind: 'publish' | 'undeploy'; revision: number }>(
      `select distinct on (proxy_id) proxy_id, kind, revision from deployments
       where environment_id = $1 order by proxy_id, deployment desc`,
      [target.environmentId],
    );
    const description = 'Published again: the Redis of the environment lost its data';
    for (const { proxy_id: proxyId, kind, revision } of found.rows) {
      await requestDeployments(unit, [target], { kind, proxyId, revision, description });
    }
    return found.rows.length;
  }

  private async knownEpoch(environmentId: string): Promise<string | undefined> {
    const found = await this.database.query<{ epoch: string }>(
      'select epoch from environment_channels where environment_id = $1',
      [environmentId],
    );
    return found.rows[0]?.epoch;
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
