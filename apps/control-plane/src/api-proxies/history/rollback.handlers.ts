import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { DeploymentResult } from '../../deployment-requests/deployment-results.ts';
import { DeploymentResults } from '../../deployment-requests/deployment-results.ts';
import { deploymentTargets, type DeployOrder } from '../../deployment-requests/deployment-targets.ts';
import { VAULT } from '../../injection-tokens.ts';
import { resolveApiProxy } from '../../persistence/project-scope.ts';
import type { SecretVault } from '../../persistence/secret-vault.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../../persistence/unit-of-work.ts';
import {
  apiProxyDecider,
  apiProxyStream,
  contentOf,
  requireApiProxy,
  type ActiveApiProxy,
  type ProxyKeys,
  revisionOf,
} from '../domain/index.ts';
import { ProxyChanges, requireRevision, type ProxyAddress } from '../proxy-changes.ts';
import { changedSince, type Surroundings } from './changed-since.ts';
import { requireDeployment, type DeploymentAddress } from './deploy-histories.queries.ts';
import { keysAt, momentOf } from './moment-of-revision.ts';

export interface RolledBackProxy {
  readonly before: ActiveApiProxy;
  /** The proxy as it was at the revision that was restored. */
  readonly then: ActiveApiProxy;
  readonly keysThen: ProxyKeys;
  readonly after: ActiveApiProxy;
  readonly surroundings: Surroundings;
  readonly deploymentResult: DeploymentResult;
}

/** Restores a revision's content as a new revision. */
export class RollBackToRevision extends Command<RolledBackProxy> {
  constructor(
    readonly context: RequestContext,
    readonly address: ProxyAddress & { readonly revision: number },
    readonly order: DeployOrder,
    readonly description: string | undefined,
  ) {
    super();
  }
}

/** Restores the content that a deployment deployed, and deploys it to that environment. */
export class RollBackToDeployment extends Command<RolledBackProxy> {
  constructor(
    readonly context: RequestContext,
    readonly address: DeploymentAddress,
    readonly description: string | undefined,
  ) {
    super();
  }
}

interface Rollback {
  readonly proxyId: string;
  readonly toRevision: number;
  /** ISO 8601: the moment that is meant by "then"; undefined: when the revision was last deployed there, or recorded. */
  readonly since?: string;
  readonly order: DeployOrder;
  readonly description: string;
}

type Recorded = Omit<RolledBackProxy, 'deploymentResult'> & {
  readonly requested: Awaited<ReturnType<ProxyChanges['checkAndDeploy']>>;
};

interface Tools {
  readonly changes: ProxyChanges;
  readonly vault: SecretVault;
}

/** What somebody says of a rollback is why it was made: history has it also where nothing is deployed. */
const withReason = (context: RequestContext, description: string | undefined): RequestContext =>
  description === undefined || description === '' ? context : { reason: description, ...context };

/**
 * Within a change. A rollback to what is there already is a new revision too: somebody wanted it said and deployed.
 *
 * @throws DomainError NOT_FOUND when the proxy never had the revision, VALIDATION_FAILED when gateways could not run
 * its content any more, CONFLICT when its route is taken now
 */
async function rollBack(unit: Unit, { changes, vault }: Tools, rollback: Rollback): Promise<Recorded> {
  const { proxyId, toRevision, order, description } = rollback;
  const streamId = apiProxyStream(proxyId);
  await requireRevision(unit, proxyId);
  // Holds the proxy, so that what is read of its history here is all of it.
  const before = requireApiProxy((await unit.load(apiProxyDecider, streamId)).state);
  const then = await revisionOf(unit, proxyId, toRevision);
  const targets = await deploymentTargets(unit, order, proxyId);
  const environmentIds = targets.map(({ environmentId }) => environmentId);
  const since = rollback.since ?? (await momentOf(unit, { proxyId, revision: toRevision, environmentIds }));
  const surroundings = await changedSince(unit, vault, { proxy: then, since, targets });
  const keysThen = await keysAt(unit, then, since);
  const command = { type: 'RollBack', toRevision, content: contentOf(then) } as const;
  const after = requireApiProxy(await unit.change(apiProxyDecider, streamId, command));
  await changes.requireRoom(unit, before, after);
  return {
    before,
    then,
    keysThen,
    after,
    surroundings,
    requested: await changes.checkAndDeploy(unit, after, order, description),
  };
}

@CommandHandler(RollBackToRevision)
export class RollBackToRevisionHandler implements ICommandHandler<RollBackToRevision> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly changes: ProxyChanges,
    private readonly results: DeploymentResults,
    @Inject(VAULT) private readonly vault: SecretVault,
  ) {}

  async execute({ context, address, order, ...command }: RollBackToRevision): Promise<RolledBackProxy> {
    const { revision: toRevision } = address;
    const description = command.description ?? `Rolled back to revision ${toRevision}`;
    const { requested, ...rolledBack } = await this.units.run(
      withReason(context, command.description),
      async (unit) => {
        const { proxyId } = await resolveApiProxy(unit, address);
        return rollBack(
          unit,
          { changes: this.changes, vault: this.vault },
          { proxyId, toRevision, order, description },
        );
      },
    );
    return { ...rolledBack, deploymentResult: await this.results.of(requested) };
  }
}

@CommandHandler(RollBackToDeployment)
export class RollBackToDeploymentHandler implements ICommandHandler<RollBackToDeployment> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly changes: ProxyChanges,
    private readonly results: DeploymentResults,
    @Inject(VAULT) private readonly vault: SecretVault,
  ) {}

  async execute({ context, address, ...command }: RollBackToDeployment): Promise<RolledBackProxy> {
    const { environmentName, deployment } = address;
    const order = { deploy: true, environmentNames: [environmentName], field: 'environmentName' };
    const { requested, ...rolledBack } = await this.units.run(
      withReason(context, command.description),
      async (unit) => {
        const { proxyId, past } = await requireDeployment(unit, address);
        const { revision: toRevision, requestedAt: since } = past;
        const description =
          command.description ??
          `Rolled back to revision ${toRevision} of deployment ${deployment} in ${environmentName}`;
        return rollBack(
          unit,
          { changes: this.changes, vault: this.vault },
          { proxyId, toRevision, since, order, description },
        );
      },
    );
    return { ...rolledBack, deploymentResult: await this.results.of(requested) };
  }
}
