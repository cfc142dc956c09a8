import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { ContractWarning } from '#libs/policy-contracts';
import { CHANNEL_UPKEEP, type ChannelUpkeep } from '../channel-upkeep/channel-upkeep.port.ts';
import { conflict } from '../decider/domain-error.ts';
import type { SecretReference } from '../decider/secret-reference.ts';
import type { RequestedDeployment } from '../deployment-requests/deployment-requests.ts';
import { DeploymentResults, type DeploymentResult } from '../deployment-requests/deployment-results.ts';
import { DeploymentSettled } from '../deployment-requests/deployment-settled.ts';
import {
  abandonEnvironment,
  deployedIn,
  deployEverythingAgain,
} from '../deployment-requests/environment-deployments.ts';
import { variableDecider, variableStream } from '../environment-variables/domain/environment-variable.decider.ts';
import { VAULT } from '../injection-tokens.ts';
import { ENVIRONMENT_KEYS, type EnvironmentKeys } from '../key-stores/environment-keys.port.ts';
import type { SecretVault } from '../persistence/secret-vault.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../persistence/unit-of-work.ts';
import {
  environmentDecider,
  environmentStream,
  requireEnvironment,
  type ActiveEnvironment,
} from './domain/environment.decider.ts';
import { noOwnRedis, type EnvironmentRequest, type WantedRedis } from './environment-requests.ts';
import type { EnvironmentView } from './environment-views.ts';

export interface ChangedEnvironment {
  readonly view: EnvironmentView;
  readonly deploymentResult: DeploymentResult;
  readonly warnings: readonly ContractWarning[];
}

export class UpdateEnvironment extends Command<ChangedEnvironment> {
  constructor(
    readonly context: RequestContext,
    readonly request: EnvironmentRequest,
  ) {
    super();
  }
}

export class DeleteEnvironment extends Command<void> {
  constructor(
    readonly context: RequestContext,
    readonly name: string,
  ) {
    super();
  }
}

async function loadEnvironment(unit: Unit, name: string): Promise<ActiveEnvironment> {
  const environmentId = await unit.names.resolve('environment', '', name);
  return requireEnvironment((await unit.load(environmentDecider, environmentStream(environmentId))).state);
}

const MOVED: ContractWarning = {
  field: 'redisUrl',
  message:
    'everything is published again to the Redis that the environment has now; gateways need its address as their ' +
    'REDIS_URL, and refresh tokens stay behind in the Redis that it had',
};

/**
 * Replaces an environment's settings. What artifacts contain is deployed again; another Redis is found empty by the
 * upkeep of the channel, which publishes everything there (see `ChannelRepair`).
 */
@CommandHandler(UpdateEnvironment)
export class UpdateEnvironmentHandler implements ICommandHandler<UpdateEnvironment> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly results: DeploymentResults,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
  ) {}

  async execute({ context, request }: UpdateEnvironment): Promise<ChangedEnvironment> {
    const { requested, ownRedis, hasMoved } = await this.units.run(context, (unit) => this.update(unit, request));
    if (hasMoved) await this.upkeep.soon();
    const { name, description, tokenIssuer, expiresInUnit } = request;
    return {
      view: { name, description, tokenIssuer, expiresInUnit, ownRedis },
      deploymentResult: await this.results.of(requested),
      warnings: hasMoved ? [MOVED] : [],
    };
  }

  private async update(
    unit: Unit,
    request: EnvironmentRequest,
  ): Promise<{ requested: RequestedDeployment[]; ownRedis: boolean; hasMoved: boolean }> {
    const { name, description, tokenIssuer, expiresInUnit } = request;
    const current = await loadEnvironment(unit, name);
    const { environmentId } = current;
    if (tokenIssuer !== current.tokenIssuer) {
      await unit.names.take('token-issuer', '', tokenIssuer, environmentId);
      await unit.names.free('token-issuer', '', current.tokenIssuer);
    }
    const redisUrl = await this.redisOf(unit, current, request.redis);
    const hasMoved = redisUrl?.secretId !== current.redisUrl?.secretId;
    if (hasMoved && current.redisUrl !== null) await this.vault.destroy(unit.transaction, current.redisUrl.secretId);
    await unit.change(environmentDecider, environmentStream(environmentId), {
      type: 'UpdateEnvironment',
      ...{ description, tokenIssuer, expiresInUnit, redisUrl },
    });
    const isInArtifacts = tokenIssuer !== current.tokenIssuer || expiresInUnit !== current.expiresInUnit;
    const target = { environmentId, environmentName: name };
    const requested = isInArtifacts ? await deployEverythingAgain(unit, target, 'Environment changed') : [];
    return { requested, ownRedis: redisUrl !== null, hasMoved };
  }

  /** The same address again is the one that is there: nothing moves. */
  private async redisOf(
    unit: Unit,
    { redisUrl: current }: ActiveEnvironment,
    wanted: WantedRedis,
  ): Promise<SecretReference | null> {
    if (wanted.kind === 'shared') return null;
    if (wanted.kind === 'own-kept' && current === null) throw noOwnRedis();
    if (wanted.kind !== 'own') return current;
    if (current !== null && current.fingerprint === this.vault.fingerprint(wanted.url)) return current;
    return this.vault.put(unit.transaction, 'redis-url', wanted.url);
  }
}

/**
 * Deletes an environment that nothing uses any more: its name is free, its keys and secrets are destroyed, its channel
 * and its queue are closed.
 */
@CommandHandler(DeleteEnvironment)
export class DeleteEnvironmentHandler implements ICommandHandler<DeleteEnvironment> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly settled: DeploymentSettled,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
    @Inject(ENVIRONMENT_KEYS) private readonly keys: EnvironmentKeys,
  ) {}

  async execute({ context, name }: DeleteEnvironment): Promise<void> {
    const { environment, ended } = await this.units.run(context, (unit) => this.remove(unit, name));
    const { environmentId, gatewayKeys } = environment;
    for (const deployment of ended) this.settled.announce(environmentId, deployment);
    await this.upkeep.end({ environmentId, gatewayKeyIds: Object.keys(gatewayKeys) });
  }

  private async remove(unit: Unit, name: string): Promise<{ environment: ActiveEnvironment; ended: number[] }> {
    const environment = await loadEnvironment(unit, name);
    const { environmentId, tokenIssuer } = environment;
    // First of all: who deploys to it or gives a variable a value there holds the name, and nobody can from here on.
    await unit.names.free('environment', '', name);
    await unit.names.free('token-issuer', '', tokenIssuer);
    const inUse = [...(await proxiesIn(unit, environmentId)), ...(await variablesIn(unit, environmentId))];
    if (inUse.length > 0) throw conflict(`Environment (name: ${name}) is still in use by ${inUse.join(', ')}`);
    await unit.change(environmentDecider, environmentStream(environmentId), { type: 'DeleteEnvironment' });
    for (const secretId of secretsOf(environment)) await this.vault.destroy(unit.transaction, secretId);
    await this.keys.forget(unit, environmentId);
    return { environment, ended: await abandonEnvironment(unit, environmentId) };
  }
}

async function proxiesIn(unit: Unit, environmentId: string): Promise<string[]> {
  return (await deployedIn(unit, environmentId)).map((proxy) => `ApiProxy (name: ${proxy.name})`);
}

/** Variables of all projects are looked at one by one: environments are seldom deleted. */
async function variablesIn(unit: Unit, environmentId: string): Promise<string[]> {
  const found = await unit.transaction.query<{ entity_id: string }>(
    `select entity_id from names where kind = 'variable' order by scope, name`,
  );
  const inUse: string[] = [];
  for (const { entity_id: variableId } of found.rows) {
    // Not held: whoever changes one holds it and then waits for the name of the environment.
    const state = await unit.peek(variableDecider, variableStream(variableId));
    if (state.status === 'absent' || !Object.hasOwn(state.values, environmentId)) continue;
    inUse.push(`Environment variable (name: ${state.name})`);
  }
  return inUse;
}

function secretsOf({ rootKey, redisUrl, gatewayKeys, signingKeys }: ActiveEnvironment): string[] {
  const references = [rootKey, ...(redisUrl === null ? [] : [redisUrl]), ...Object.values(gatewayKeys)];
  return [...references, ...Object.values(signingKeys).map(({ jwk }) => jwk)].map(({ secretId }) => secretId);
}
