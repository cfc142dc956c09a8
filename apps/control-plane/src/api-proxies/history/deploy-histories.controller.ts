import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { ApiCall } from '../../http/api-call.ts';
import { success, type SuccessEnvelope } from '../../http/envelope.ts';
import { readBody } from '../../http/bodies/request-bodies.ts';
import { Asker, showRevision } from '../../http/request-context.ts';
import { CONTROL_PLANE_CONFIG } from '../../injection-tokens.ts';
import type { RequestContext } from '../../persistence/unit-of-work.ts';
import { pastApiProxyView } from '../past-api-proxy-view.ts';
import type { ProxyAddress } from '../proxy-changes.ts';
import { GetDeployHistory, ListDeployHistories, type DeploymentAddress } from './deploy-histories.queries.ts';
import { deployHistoryView, pastDeploymentResult } from './deploy-history-view.ts';
import { DEPLOYMENT, DEPLOYMENT_FILTER, DEPLOYMENT_ROLLBACK, IN_ENVIRONMENT } from './history-requests.ts';
import { GET_DEPLOY_HISTORY, LIST_DEPLOY_HISTORIES, ROLL_BACK_TO_DEPLOYMENT } from './history.api.ts';
import { RollBackToDeployment } from './rollback.handlers.ts';
import { rollbackView } from './rollback-view.ts';

type DeploymentPath = ProxyAddress & { readonly deployment: string };

function addressOf(path: DeploymentPath, query: unknown): DeploymentAddress {
  const { environmentName } = readBody(IN_ENVIRONMENT, query);
  return { ...path, deployment: readBody(DEPLOYMENT, path).deployment, environmentName };
}

/** Where a proxy was deployed, with what success, and the way back (contract 4.2). */
@Controller('apiops/projects/:projectName/apiProxies/:apiProxyName/deploy-histories')
export class DeployHistoriesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    @Inject(CONTROL_PLANE_CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  @Get()
  @ApiCall(LIST_DEPLOY_HISTORIES)
  async list(@Param() address: ProxyAddress, @Query() query: unknown): Promise<SuccessEnvelope> {
    const { environmentName, before, limit = this.config.deployHistoryLimit } = readBody(DEPLOYMENT_FILTER, query);
    const found = await this.queries.execute(new ListDeployHistories(address, { environmentName, before, limit }));
    return success({ results: found.map(deployHistoryView) });
  }

  @Get(':deployment')
  @ApiCall(GET_DEPLOY_HISTORY)
  async one(
    @Param() path: DeploymentPath,
    @Query() query: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SuccessEnvelope> {
    const found = await this.queries.execute(new GetDeployHistory(addressOf(path, query)));
    showRevision(reply, found.proxy.revision);
    const details = { deploymentResult: pastDeploymentResult(found), apiProxy: pastApiProxyView(found.proxy) };
    return success({ results: [{ ...deployHistoryView(found), ...details }] });
  }

  @Post(':deployment/rollback')
  @HttpCode(200)
  @ApiCall(ROLL_BACK_TO_DEPLOYMENT)
  async rollBack(
    @Asker() asker: RequestContext,
    @Param() path: DeploymentPath,
    @Query() query: unknown,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { description } = readBody(DEPLOYMENT_ROLLBACK, body ?? {});
    const command = new RollBackToDeployment(asker, addressOf(path, query), description);
    const rolledBack = await this.commands.execute(command);
    return success({ results: [rollbackView(rolledBack)], deploymentResult: rolledBack.deploymentResult });
  }
}
