import { Controller, Get, Param } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiCall } from '../../http/api-call.ts';
import { success, type SuccessEnvelope } from '../../http/envelope.ts';
import type { DeploymentAddress } from '../commands/deployment-handlers.ts';
import { GetDeployStatus } from './deploy-status.query.ts';
import { ListGateways } from './gateways.query.ts';
import { DEPLOY_STATUS, LIST_GATEWAYS, QUEUE, ROUTE_HEALTH } from './operations.api.ts';
import { GetQueue } from './queue-view.query.ts';
import { GetRouteHealth } from './route-health.query.ts';

/** What became of a proxy in an environment: as recorded, and as its gateways say. */
@Controller('apiops/projects/:projectName/apiProxies/:apiProxyName/environments/:environmentName')
export class DeployedProxyController {
  constructor(private readonly queries: QueryBus) {}

  @Get('deploy-status')
  @ApiCall(DEPLOY_STATUS)
  async deployStatus(@Param() address: DeploymentAddress): Promise<SuccessEnvelope> {
    return success({ results: [await this.queries.execute(new GetDeployStatus(address))] });
  }

  @Get('route-health')
  @ApiCall(ROUTE_HEALTH)
  async routeHealth(@Param() address: DeploymentAddress): Promise<SuccessEnvelope> {
    return success({ results: [await this.queries.execute(new GetRouteHealth(address))] });
  }
}

/** What runs in an environment, and what waits for it. */
@Controller('apiops/environments/:environmentName')
export class EnvironmentOperationsController {
  constructor(private readonly queries: QueryBus) {}

  @Get('gateways')
  @ApiCall(LIST_GATEWAYS)
  async gateways(@Param('environmentName') name: string): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new ListGateways(name)) });
  }

  @Get('queue')
  @ApiCall(QUEUE)
  async queue(@Param('environmentName') name: string): Promise<SuccessEnvelope> {
    return success({ results: [await this.queries.execute(new GetQueue(name))] });
  }
}
