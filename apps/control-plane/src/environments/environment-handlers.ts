import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { randomBytes, randomUUID } from 'node:crypto';
import { gatewayKeyText, newGatewayKey, wrapRootKey } from '#libs/config-distribution';
import { CHANNEL_UPKEEP, type ChannelUpkeep } from '../channel-upkeep/channel-upkeep.port.ts';
import type { SecretReference } from '../decider/secret-reference.ts';
import { VAULT } from '../injection-tokens.ts';
import type { SecretVault } from '../persistence/secret-vault.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../persistence/unit-of-work.ts';
import { environmentDecider, environmentStream, requireEnvironment } from './domain/environment.decider.ts';
import type { EnvironmentRequest } from './environment-requests.ts';
import type { EnvironmentView } from './environment-views.ts';

export class CreateEnvironment extends Command<EnvironmentView & { gatewayKey: string }> {
  constructor(
    readonly context: RequestContext,
    readonly request: EnvironmentRequest,
  ) {
    super();
  }
}

export class AddGatewayKey extends Command<{ keyId: string; gatewayKey: string }> {
  constructor(
    readonly context: RequestContext,
    readonly environmentName: string,
  ) {
    super();
  }
}

export class RevokeGatewayKey extends Command<void> {
  constructor(
    readonly context: RequestContext,
    readonly environmentName: string,
    readonly keyId: string,
  ) {
    super();
  }
}

/** A fresh gateway key, and the root key wrapped under it for the key ring. The key itself is kept nowhere. */
async function freshKey(
  vault: SecretVault,
  unit: Unit,
  environment: { name: string; rootKey: Buffer },
): Promise<{ text: string; keyId: string; entry: SecretReference }> {
  const key = newGatewayKey();
  const wrapped = wrapRootKey(environment.name, key, environment.rootKey);
  const entry = await vault.put(unit.transaction, 'key-ring-entry', wrapped);
  return { text: gatewayKeyText(key), keyId: key.keyId, entry };
}

@CommandHandler(CreateEnvironment)
export class CreateEnvironmentHandler implements ICommandHandler<CreateEnvironment> {
  constructor(
    private readonly units: UnitOfWork,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
  ) {}

  async execute({ context, request }: CreateEnvironment): Promise<EnvironmentView & { gatewayKey: string }> {
    const gatewayKey = await this.units.run(context, (unit) => this.create(unit, request));
    await this.upkeep.soon();
    const { name, description, tokenIssuer, expiresInUnit, redis } = request;
    return { name, description, tokenIssuer, expiresInUnit, ownRedis: redis.kind === 'own', gatewayKey };
  }

  private async create(unit: Unit, request: EnvironmentRequest): Promise<string> {
    const { name, description, tokenIssuer, expiresInUnit, redis } = request;
    const environmentId = randomUUID();
    await unit.names.take('environment', '', name, environmentId);
    await unit.names.take('token-issuer', '', tokenIssuer, environmentId);
    const rootKey = randomBytes(32);
    const key = await freshKey(this.vault, unit, { name, rootKey });
    const redisUrl = redis.kind === 'own' ? await this.vault.put(unit.transaction, 'redis-url', redis.url) : null;
    await unit.change(environmentDecider, environmentStream(environmentId), {
      type: 'CreateEnvironment',
      ...{ environmentId, name, description, tokenIssuer, expiresInUnit, redisUrl },
      rootKey: await this.vault.put(unit.transaction, 'root-key', rootKey.toString('base64url')),
      firstKey: { keyId: key.keyId, entry: key.entry },
    });
    return key.text;
  }
}

@CommandHandler(AddGatewayKey)
export class AddGatewayKeyHandler implements ICommandHandler<AddGatewayKey> {
  constructor(
    private readonly units: UnitOfWork,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
  ) {}

  async execute({ context, environmentName }: AddGatewayKey): Promise<{ keyId: string; gatewayKey: string }> {
    const added = await this.units.run(context, async (unit) => {
      const environmentId = await unit.names.resolve('environment', '', environmentName);
      const streamId = environmentStream(environmentId);
      const { state } = await unit.load(environmentDecider, streamId);
      const { name, rootKey } = requireEnvironment(state);
      const secret = Buffer.from(await this.vault.get(unit.transaction, rootKey.secretId), 'base64url');
      const { text, keyId, entry } = await freshKey(this.vault, unit, { name, rootKey: secret });
      await unit.change(environmentDecider, streamId, { type: 'AddGatewayKey', keyId, entry });
      return { keyId, gatewayKey: text };
    });
    await this.upkeep.soon();
    return added;
  }
}

@CommandHandler(RevokeGatewayKey)
export class RevokeGatewayKeyHandler implements ICommandHandler<RevokeGatewayKey> {
  constructor(
    private readonly units: UnitOfWork,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
  ) {}

  async execute({ context, environmentName, keyId }: RevokeGatewayKey): Promise<void> {
    await this.units.run(context, async (unit) => {
      const environmentId = await unit.names.resolve('environment', '', environmentName);
      const streamId = environmentStream(environmentId);
      const { gatewayKeys } = requireEnvironment((await unit.load(environmentDecider, streamId)).state);
      await unit.change(environmentDecider, streamId, { type: 'RevokeGatewayKey', keyId });
      const entry = gatewayKeys[keyId];
      if (entry !== undefined) await this.vault.destroy(unit.transaction, entry.secretId);
    });
    await this.upkeep.soon();
  }
}
