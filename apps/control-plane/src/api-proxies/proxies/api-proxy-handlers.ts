import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { randomBytes, randomUUID } from 'node:crypto';
import { CHANNEL_UPKEEP, type ChannelUpkeep } from '../../channel-upkeep/channel-upkeep.port.ts';
import { endAccessTo } from '../../channel-upkeep/credential-access.ts';
import { wishIdentity } from '../../channel-upkeep/identity-wishes.ts';
import { tokenLivesProjection } from '../../channel-upkeep/token-lives.ts';
import {
  environmentsOf,
  requestDeployments,
  type RequestedDeployment,
} from '../../deployment-requests/deployment-requests.ts';
import { DeploymentResults, type DeploymentResult } from '../../deployment-requests/deployment-results.ts';
import type { DeployOrder } from '../../deployment-requests/deployment-targets.ts';
import { endRollouts } from '../../deployment-requests/rollouts.ts';
import { VAULT } from '../../injection-tokens.ts';
import { holdProject, resolveApiProxy } from '../../persistence/project-scope.ts';
import { ReadModels } from '../../persistence/read-models.ts';
import type { SecretVault } from '../../persistence/secret-vault.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../../persistence/unit-of-work.ts';
import { ROOM_IN_PROJECT, type RoomInProject } from '../../projects/limits/room-in-project.port.ts';
import {
  apiProxyDecider,
  apiProxyStream,
  requireApiProxy,
  type ActiveApiProxy,
  type ProxySettings,
  type SettingsChange,
} from '../domain/index.ts';
import { ProxyChanges, requireRevision, type ProxyAddress } from '../proxy-changes.ts';
import { endTokensOfKeys, keepKeys } from './proxy-keys.ts';

export interface ProxyAnswer {
  readonly proxy: ActiveApiProxy;
  readonly deploymentResult: DeploymentResult;
}

export interface CreatedProxy extends ProxyAnswer {
  readonly publicKey: string;
  /** Shown this once. */
  readonly secretKey: string;
}

export class CreateApiProxy extends Command<CreatedProxy> {
  constructor(
    readonly context: RequestContext,
    readonly address: ProxyAddress,
    readonly settings: ProxySettings,
    readonly order: DeployOrder,
  ) {
    super();
  }
}

/** Changes some of a proxy's settings and leaves the others. */
export class ChangeProxySettings extends Command<ProxyAnswer> {
  constructor(
    readonly context: RequestContext,
    readonly address: ProxyAddress,
    readonly settings: SettingsChange,
    readonly order: DeployOrder,
  ) {
    super();
  }
}

export class DeleteApiProxy extends Command<DeploymentResult> {
  constructor(
    readonly context: RequestContext,
    readonly address: ProxyAddress,
  ) {
    super();
  }
}

@CommandHandler(CreateApiProxy)
export class CreateApiProxyHandler implements ICommandHandler<CreateApiProxy> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly changes: ProxyChanges,
    private readonly results: DeploymentResults,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
    @Inject(ROOM_IN_PROJECT) private readonly room: RoomInProject,
  ) {}

  async execute(command: CreateApiProxy): Promise<CreatedProxy> {
    const publicKey = randomUUID();
    const secretKey = randomBytes(32).toString('base64url');
    const { proxy, requested } = await this.units.run(command.context, async (unit) => {
      const proxy = await this.create(unit, command, { publicKey, secretKey });
      return { proxy, requested: await this.changes.checkAndDeploy(unit, proxy, command.order) };
    });
    await this.upkeep.soon();
    return { proxy, publicKey, secretKey, deploymentResult: await this.results.of(requested) };
  }

  private async create(
    unit: Unit,
    { address, settings }: CreateApiProxy,
    keys: { publicKey: string; secretKey: string },
  ): Promise<ActiveApiProxy> {
    const { projectName: project, apiProxyName: name } = address;
    const projectId = await holdProject(unit, project);
    const proxyId = randomUUID();
    await this.room.forOneMore(unit, projectId, 'proxies');
    await unit.names.take('api-proxy', projectId, name, proxyId);
    await this.changes.takePublicKey(unit, { projectId, proxyId }, keys.publicKey);
    const created = await unit.change(apiProxyDecider, apiProxyStream(proxyId), {
      type: 'CreateProxy',
      ...{ proxyId, projectId, project, name, ...settings },
      keys: await keepKeys(this.vault, unit, keys.publicKey, keys.secretKey),
    });
    await wishIdentity(unit.transaction, { kind: 'client', subject: keys.publicKey, entityId: proxyId });
    return requireApiProxy(created);
  }
}

@CommandHandler(ChangeProxySettings)
export class ChangeProxySettingsHandler implements ICommandHandler<ChangeProxySettings> {
  constructor(private readonly changes: ProxyChanges) {}

  execute({ context, address, settings, order }: ChangeProxySettings): Promise<ProxyAnswer> {
    return this.changes.change(context, address, { command: { type: 'ChangeSettings', settings }, order });
  }
}

@CommandHandler(DeleteApiProxy)
export class DeleteApiProxyHandler implements ICommandHandler<DeleteApiProxy> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly readModels: ReadModels,
    private readonly results: DeploymentResults,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
  ) {}

  /** Every environment that has it undeploys it; one that cannot be reached holds up no other. */
  async execute({ context, address }: DeleteApiProxy): Promise<DeploymentResult> {
    const isShown = await this.readModels.upToDate(tokenLivesProjection);
    const requested = await this.units.run(context, async (unit): Promise<RequestedDeployment[]> => {
      const { projectId, proxyId } = await resolveApiProxy(unit, address);
      const { state } = await unit.load(apiProxyDecider, apiProxyStream(proxyId));
      const before = requireApiProxy(state);
      const { keys, revision } = before;
      await requireRevision(unit, proxyId);
      await unit.change(apiProxyDecider, apiProxyStream(proxyId), { type: 'DeleteProxy' });
      await unit.names.free('api-proxy', projectId, address.apiProxyName);
      await unit.names.free('client', '', keys.publicKey);
      await this.vault.destroy(unit.transaction, keys.secretKey.secretId);
      await wishIdentity(unit.transaction, { kind: 'client', subject: keys.publicKey, entityId: proxyId });
      await endAccessTo(unit.transaction, proxyId);
      // The next proxy of this name has the same audience, and often the same signing key.
      await endTokensOfKeys(unit, before, isShown);
      // First of all: a wave that is just beginning is waited for, and taken out with the rest.
      await endRollouts(unit, proxyId);
      const targets = await environmentsOf(unit, proxyId);
      const wish = { kind: 'undeploy', proxyId, revision, description: 'ApiProxy deleted' } as const;
      return requestDeployments(unit, targets, wish);
    });
    await this.upkeep.soon();
    return this.results.of(requested);
  }
}
