import { Body, Controller, Delete, HttpCode, Param, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiCall } from '../../http/api-call.ts';
import { success, type SuccessEnvelope } from '../../http/envelope.ts';
import { readBody } from '../../http/request-bodies.ts';
import { Asker } from '../../http/request-context.ts';
import type { RequestContext } from '../../persistence/unit-of-work.ts';
import { DeployProxy, UndeployProxy, type DeploymentAddress } from './deployment-handlers.ts';
import { DEPLOY, DEPLOYMENT_CALLS, UNDEPLOY } from './deployments.api.ts';

@Controller('apiops/projects/:projectName/apiProxies/:apiProxyName/environments/:environmentName')
export class DeploymentsController {
  constructor(private readonly commands: CommandBus) {}

  @Post()
  @HttpCode(200)
  @ApiCall(DEPLOYMENT_CALLS.deploy)
  async deploy(
    @Asker() asker: RequestContext,
    @Param() address: DeploymentAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { description } = readBody(DEPLOY, body ?? {});
    return success({ deploymentResult: await this.commands.execute(new DeployProxy(asker, address, description)) });
  }

  @Delete()
  @ApiCall(DEPLOYMENT_CALLS.undeploy)
  async undeploy(
    @Asker() asker: RequestContext,
    @Param() address: DeploymentAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { description } = readBody(UNDEPLOY, body ?? {});
    return success({ deploymentResult: await this.commands.execute(new UndeployProxy(asker, address, description)) });
  }
}
