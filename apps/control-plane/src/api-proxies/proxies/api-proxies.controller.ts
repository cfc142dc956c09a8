import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import { ApiCall } from '../../http/api-call.ts';
import { success, type SuccessEnvelope } from '../../http/envelope.ts';
import { Asker, showRevision } from '../../http/request-context.ts';
import type { RequestContext } from '../../persistence/unit-of-work.ts';
import { CREATE, LIST, ONE, REMOVE, REPLACE } from './api-proxies.api.ts';
import { ChangeProxySettings, CreateApiProxy, DeleteApiProxy } from './api-proxy-handlers.ts';
import {
  API_PROXY,
  API_PROXY_UPDATE,
  changedSettingsOf,
  creationWarnings,
  newSettingsOf,
  PROXY_VENDOR_MEMBERS,
} from './api-proxy-requests.ts';
import { apiProxyListView, apiProxyView, describedApiProxyView } from '../api-proxy-views.ts';
import { DescribeApiProxy } from './describe-api-proxy.handler.ts';
import { ListApiProxies } from './list-api-proxies.handler.ts';
import { pastApiProxyView } from '../past-api-proxy-view.ts';
import { GetPastApiProxy } from '../past-api-proxy.handler.ts';
import { orderIn, ProxyBodies } from '../proxy-bodies.ts';
import type { ProxyAddress } from '../proxy-changes.ts';

@Controller('apiops/projects/:projectName/apiProxies')
export class ApiProxiesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly bodies: ProxyBodies,
  ) {}

  @Get()
  @ApiCall(LIST)
  async list(@Param('projectName') projectName: string): Promise<SuccessEnvelope> {
    const proxies = await this.queries.execute(new ListApiProxies(projectName));
    return success({ results: proxies.map(apiProxyListView) });
  }

  @Post('url')
  @HttpCode(200)
  @ApiCall(CREATE)
  async create(
    @Asker() asker: RequestContext,
    @Param('projectName') projectName: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { request, warnings } = await this.bodies.read(API_PROXY, body, PROXY_VENDOR_MEMBERS);
    const address = { projectName, apiProxyName: request.apiProxyName };
    const command = new CreateApiProxy(asker, address, newSettingsOf(request), orderIn(request));
    const { proxy, publicKey, secretKey, deploymentResult } = await this.commands.execute(command);
    return success({
      results: [{ ...apiProxyView(proxy), publicKey, secretKey }],
      ...{ deploymentResult, warnings: [...warnings, ...creationWarnings(request)] },
    });
  }

  @Put('url')
  @ApiCall(REPLACE)
  async replace(
    @Asker() asker: RequestContext,
    @Param('projectName') projectName: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { request, warnings } = await this.bodies.read(API_PROXY_UPDATE, body, PROXY_VENDOR_MEMBERS);
    const address = { projectName, apiProxyName: request.apiProxyName };
    const command = new ChangeProxySettings(asker, address, changedSettingsOf(request), orderIn(request));
    const { proxy, deploymentResult } = await this.commands.execute(command);
    return success({ results: [apiProxyView(proxy)], deploymentResult, warnings });
  }

  @Get(':apiProxyName')
  @ApiCall(ONE)
  async one(
    @Param() address: ProxyAddress,
    @Query() query: Readonly<Record<string, unknown>>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SuccessEnvelope> {
    if ('at' in query) {
      const past = await this.queries.execute(new GetPastApiProxy(address, query));
      showRevision(reply, past.revision);
      return success({ results: [pastApiProxyView(past)] });
    }
    const described = await this.queries.execute(new DescribeApiProxy(address));
    showRevision(reply, described.proxy.revision);
    return success({ results: [describedApiProxyView(described)] });
  }

  @Delete(':apiProxyName')
  @ApiCall(REMOVE)
  async remove(@Asker() asker: RequestContext, @Param() address: ProxyAddress): Promise<SuccessEnvelope> {
    return success({ deploymentResult: await this.commands.execute(new DeleteApiProxy(asker, address)) });
  }
}
