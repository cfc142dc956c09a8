import { Inject } from '@nestjs/common';
import { Command, CommandHandler, Query, QueryHandler, type ICommandHandler, type IQueryHandler } from '@nestjs/cqrs';
import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { gatewayKeyText, newGatewayKey, wrapRootKey } from '#libs/config-distribution';
import { CHANNEL_UPKEEP, type ChannelUpkeep } from '../channel-upkeep/channel-upkeep.port.ts';
import { notFound } from '../decider/domain-error.ts';
import type { SecretReference } from '../decider/secret-reference.ts';
import { DATABASE, VAULT } from '../injection-tokens.ts';
import type { SecretVault } from '../persistence/secret-vault.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../persistence/unit-of-work.ts';
import {
  environmentDecider,
  environmentStream,
  requireEnvironment,
  type ExpiresInUnit,
} from './domain/environment.decider.ts';

export interface EnvironmentRequest {
  readonly name: string;
  readonly description: string;
  /** Undefined: the control plane's own Redis. */
  readonly redisUrl: string | undefined;
  readonly tokenIssuer: string;
  readonly expiresInUnit: ExpiresInUnit;
}

export interface EnvironmentView {
  readonly name: string;
  readonly description: string;
  readonly tokenIssuer: string;
  readonly expiresInUnit: ExpiresInUnit;
}

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

export class ListEnvironments extends Query<EnvironmentView[]> {}

export class GetEnvironment extends Query<EnvironmentView> {
  constructor(readonly name: string) {
    super();
  }
}

export class ListGatewayKeys extends Query<{ keyId: string }[]> {
  constructor(readonly environmentName: string) {
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
    const { name, description, tokenIssuer, expiresInUnit } = request;
    return { name, description, tokenIssuer, expiresInUnit, gatewayKey };
  }

  private async create(unit: Unit, request: EnvironmentRequest): Promise<string> {
    const { name, description, tokenIssuer, expiresInUnit } = request;
    const environmentId = randomUUID();
    await unit.names.take('environment', '', name, environmentId);
    await unit.names.take('token-issuer', '', tokenIssuer, environmentId);
    const rootKey = randomBytes(32);
    const key = await freshKey(this.vault, unit, { name, rootKey });
    const redisUrl =
      request.redisUrl === undefined ? null : await this.vault.put(unit.transaction, 'redis-url', request.redisUrl);
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
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
  ) {}

  async execute({ context, environmentName, keyId }: RevokeGatewayKey): Promise<void> {
    await this.units.run(context, async (unit) => {
      const environmentId = await unit.names.resolve('environment', '', environmentName);
      await unit.change(environmentDecider, environmentStream(environmentId), { type: 'RevokeGatewayKey', keyId });
    });
    await this.upkeep.soon();
  }
}

const VIEW = `select name, description, token_issuer as "tokenIssuer", expires_in_unit as "expiresInUnit"
              from read_environments`;

@QueryHandler(ListEnvironments)
export class ListEnvironmentsHandler implements IQueryHandler<ListEnvironments> {
  constructor(@Inject(DATABASE) private readonly database: pg.Pool) {}

  async execute(_query: ListEnvironments): Promise<EnvironmentView[]> {
    return (await this.database.query<EnvironmentView>(`${VIEW} order by name`)).rows;
  }
}

@QueryHandler(GetEnvironment)
export class GetEnvironmentHandler implements IQueryHandler<GetEnvironment> {
  constructor(@Inject(DATABASE) private readonly database: pg.Pool) {}

  async execute({ name }: GetEnvironment): Promise<EnvironmentView> {
    const found = await this.database.query<EnvironmentView>(`${VIEW} where name = $1`, [name]);
    if (found.rows[0] === undefined) throw notFound(`Environment (name: ${name})`);
    return found.rows[0];
  }
}

@QueryHandler(ListGatewayKeys)
export class ListGatewayKeysHandler implements IQueryHandler<ListGatewayKeys> {
  constructor(private readonly units: UnitOfWork) {}

  execute({ environmentName }: ListGatewayKeys): Promise<{ keyId: string }[]> {
    return this.units.read(async (unit) => {
      const environmentId = await unit.names.resolve('environment', '', environmentName);
      const { state } = await unit.load(environmentDecider, environmentStream(environmentId));
      return Object.keys(requireEnvironment(state).gatewayKeys).map((keyId) => ({ keyId }));
    });
  }
}
