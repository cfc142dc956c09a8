import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { CHANNEL_UPKEEP, type ChannelUpkeep } from '../../channel-upkeep/channel-upkeep.port.ts';
import { wishIdentity } from '../../channel-upkeep/identity-wishes.ts';
import { tokenLivesProjection } from '../../channel-upkeep/token-lives.ts';
import type { AwaitedDeployment } from '../../deployment-requests/deployment-requests.ts';
import { DeploymentResults } from '../../deployment-requests/deployment-results.ts';
import type { DeployOrder } from '../../deployment-requests/deployment-targets.ts';
import { VAULT } from '../../injection-tokens.ts';
import { resolveApiProxy } from '../../persistence/project-scope.ts';
import { ReadModels } from '../../persistence/read-models.ts';
import type { SecretVault } from '../../persistence/secret-vault.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../../persistence/unit-of-work.ts';
import type { ProxyAnswer } from '../proxies/api-proxy-handlers.ts';
import { apiProxyDecider, apiProxyStream, requireApiProxy, type ActiveApiProxy } from '../domain/index.ts';
import { ProxyChanges, requireRevision, type ProxyAddress } from '../proxy-changes.ts';
import { endTokensOfKeys, keepKeys } from '../proxies/proxy-keys.ts';

/** At least one of the two. */
export class ChangeProxyKeys extends Command<ProxyAnswer> {
  constructor(
    readonly context: RequestContext,
    readonly address: ProxyAddress,
    readonly keys: { readonly publicKey: string | undefined; readonly secretKey: string | undefined },
    readonly order: DeployOrder,
  ) {
    super();
  }
}

@CommandHandler(ChangeProxyKeys)
export class ChangeProxyKeysHandler implements ICommandHandler<ChangeProxyKeys> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly readModels: ReadModels,
    private readonly changes: ProxyChanges,
    private readonly results: DeploymentResults,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
  ) {}

  async execute(command: ChangeProxyKeys): Promise<ProxyAnswer> {
    const isShown = await this.readModels.upToDate(tokenLivesProjection);
    const { proxy, requested } = await this.units.run(command.context, async (unit) => {
      const changed = await this.changeKeys(unit, command);
      // What the client got by its old secret is worth nothing any more.
      if (command.keys.secretKey !== undefined) await endTokensOfKeys(unit, changed.before, isShown);
      return changed;
    });
    await this.upkeep.soon();
    return { proxy, deploymentResult: await this.results.of(requested) };
  }

  private async changeKeys(
    unit: Unit,
    { address, keys: wanted, order }: ChangeProxyKeys,
  ): Promise<{ before: ActiveApiProxy; proxy: ActiveApiProxy; requested: AwaitedDeployment[] }> {
    const { proxyId } = await resolveApiProxy(unit, address);
    await requireRevision(unit, proxyId);
    const { state } = await unit.load(apiProxyDecider, apiProxyStream(proxyId));
    const before = requireApiProxy(state);
    const { keys: current } = before;
    const publicKey = wanted.publicKey ?? current.publicKey;
    await this.renameClient(unit, before, publicKey);
    const keys =
      wanted.secretKey === undefined
        ? { ...current, publicKey }
        : await keepKeys(this.vault, unit, publicKey, wanted.secretKey);
    const changed = await unit.change(apiProxyDecider, apiProxyStream(proxyId), { type: 'ChangeKeys', keys });
    if (wanted.secretKey !== undefined) await this.vault.destroy(unit.transaction, current.secretKey.secretId);
    const proxy = requireApiProxy(changed);
    // Keys are no content: a client that was found out must be able to change them whatever state the content is in.
    const requested = order.deploy ? await this.changes.checkAndDeploy(unit, proxy, order, 'Keys changed') : [];
    return { before, proxy, requested };
  }

  private async renameClient(unit: Unit, proxy: ActiveApiProxy, to: string): Promise<void> {
    const { proxyId } = proxy;
    const { publicKey: from } = proxy.keys;
    if (from !== to) {
      await unit.names.free('client', '', from);
      await this.changes.takePublicKey(unit, proxy, to);
      await wishIdentity(unit.transaction, { kind: 'client', subject: from, entityId: proxyId });
    }
    await wishIdentity(unit.transaction, { kind: 'client', subject: to, entityId: proxyId });
  }
}
