import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { apiProxyDecider, apiProxyStream, requireApiProxy } from '../../api-proxies/domain/index.ts';
import { notFound } from '../../decider/domain-error.ts';
import {
  environmentsOf,
  requestDeployments,
  type RequestedDeployment,
} from '../../deployment-requests/deployment-requests.ts';
import { DeploymentResults, type DeploymentResult } from '../../deployment-requests/deployment-results.ts';
import { claimRoutes, giveUpRoutes } from '../../deployment-requests/route-claims.ts';
import { resolveApiProxy } from '../../persistence/project-scope.ts';
import { UnitOfWork, type RequestContext } from '../../persistence/unit-of-work.ts';

export interface DeploymentAddress {
  readonly projectName: string;
  readonly apiProxyName: string;
  readonly environmentName: string;
}

export class DeployProxy extends Command<DeploymentResult> {
  constructor(
    readonly context: RequestContext,
    readonly address: DeploymentAddress,
    readonly description: string,
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

/** Deploys the newest revision; again is a new deployment of it. */
@CommandHandler(DeployProxy)
export class DeployProxyHandler implements ICommandHandler<DeployProxy> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly results: DeploymentResults,
  ) {}

  async execute({ context, address, description }: DeployProxy): Promise<DeploymentResult> {
    const requested = await this.units.run(context, async (unit): Promise<RequestedDeployment[]> => {
      const { proxyId } = await resolveApiProxy(unit, address);
      const { environmentName } = address;
      const environmentId = await unit.names.resolve('environment', '', environmentName);
      const { state } = await unit.load(apiProxyDecider, apiProxyStream(proxyId));
      const { revision, clientRoute } = requireApiProxy(state);
      const targets = [{ environmentId, environmentName }];
      await claimRoutes(unit, targets, { proxyId, route: clientRoute });
      return requestDeployments(unit, targets, { kind: 'publish', proxyId, revision, description });
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
      const deployed = await environmentsOf(unit, proxyId);
      if (!deployed.some((target) => target.environmentId === environmentId)) {
        throw notFound(`Deployment of ApiProxy (name: ${apiProxyName}) in environment ${environmentName}`);
      }
      const { revision } = requireApiProxy((await unit.load(apiProxyDecider, apiProxyStream(proxyId))).state);
      const target = { environmentId, environmentName };
      await giveUpRoutes(unit, target, proxyId);
      return requestDeployments(unit, [target], { kind: 'undeploy', proxyId, revision, description });
    });
    return this.results.of(requested);
  }
}
