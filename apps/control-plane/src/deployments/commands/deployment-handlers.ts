import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { notFound } from '../../decider/domain-error.ts';
import {
  environmentsOf,
  requestDeployments,
  type RequestedDeployment,
} from '../../deployment-requests/deployment-requests.ts';
import { DeploymentResults, type DeploymentResult } from '../../deployment-requests/deployment-results.ts';
import { overtakeWaves, waitsForWave } from '../../deployment-requests/rollouts.ts';
import { giveUpRoutes } from '../../deployment-requests/route-claims.ts';
import { resolveApiProxy } from '../../persistence/project-scope.ts';
import { UnitOfWork, type RequestContext } from '../../persistence/unit-of-work.ts';
import { requireExpectedRevision, RevisionDeployment } from './revision-deployment.ts';

export interface DeploymentAddress {
  readonly projectName: string;
  readonly apiProxyName: string;
  readonly environmentName: string;
}

/** Deploys a revision, the newest where none is named; again is a new deployment of it. */
export class DeployProxy extends Command<DeploymentResult> {
  constructor(
    readonly context: RequestContext,
    readonly address: DeploymentAddress,
    readonly wish: { readonly revision: number | undefined; readonly description: string },
  ) {
    super();
  }
}

export class UndeployProxy extends Command<DeploymentResult> {
  constructor(
    readonly context: RequestContext,
    readonly address: DeploymentAddress,
    readonly description: string,
  ) {
    super();
  }
}

@CommandHandler(DeployProxy)
export class DeployProxyHandler implements ICommandHandler<DeployProxy> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly deployment: RevisionDeployment,
    private readonly results: DeploymentResults,
  ) {}

  async execute({ context, address, wish }: DeployProxy): Promise<DeploymentResult> {
    const requested = await this.units.run(context, async (unit) => {
      const { proxyId } = await resolveApiProxy(unit, address);
      const { environmentName } = address;
      const environmentId = await unit.names.resolve('environment', '', environmentName);
      return this.deployment.request(unit, [{ environmentId, environmentName }], { proxyId, ...wish });
    });
    return this.results.of(requested);
  }
}

@CommandHandler(UndeployProxy)
export class UndeployProxyHandler implements ICommandHandler<UndeployProxy> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly results: DeploymentResults,
  ) {}

  async execute({ context, address, description }: UndeployProxy): Promise<DeploymentResult> {
    const requested = await this.units.run(context, async (unit): Promise<RequestedDeployment[]> => {
      const { proxyId } = await resolveApiProxy(unit, address);
      const { environmentName, apiProxyName } = address;
      const environmentId = await unit.names.resolve('environment', '', environmentName);
      const { revision } = await requireExpectedRevision(unit, proxyId);
      // In this order: its wave may begin in between.
      const isToCome = await waitsForWave(unit, proxyId, environmentId);
      const deployed = await environmentsOf(unit, proxyId);
      if (!isToCome && !deployed.some((target) => target.environmentId === environmentId)) {
        throw notFound(`Deployment of ApiProxy (name: ${apiProxyName}) in environment ${environmentName}`);
      }
      const target = { environmentId, environmentName };
      await overtakeWaves(unit, proxyId, [target]);
      await giveUpRoutes(unit, target, proxyId);
      return requestDeployments(unit, [target], { kind: 'undeploy', proxyId, revision, description });
    });
    return this.results.of(requested);
  }
}
