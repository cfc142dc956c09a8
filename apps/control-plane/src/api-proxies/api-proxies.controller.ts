import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import { success, type SuccessEnvelope } from '../http/envelope.ts';
import { readBody } from '../http/request-bodies.ts';
import { Asker, showRevision } from '../http/request-context.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import {
  AddEndpoint,
  ChangeProxyKeys,
  CreateApiProxy,
  DeleteApiProxy,
  ChangeProxySettings,
} from './api-proxy-handlers.ts';
import { API_PROXY, ENDPOINT, KEYS, endpointOf, settingsOf } from './api-proxy-requests.ts';
import { apiProxyView } from './api-proxy-views.ts';
import { ListApiProxies } from './list-api-proxies.handler.ts';
import { GetApiProxy } from './policy-handlers.ts';

const orderIn = (request: { deploy: boolean; deployTargetEnvironmentNameList: readonly string[] }) => ({
  deploy: request.deploy,
  environmentNames: [...new Set(request.deployTargetEnvironmentNameList)],
  field: 'deployTargetEnvironmentNameList',
});

/** A new proxy does not speak CORS and answers faults in the vendor's envelope. */
const NO_EXTRAS = { cors: null, jsonErrorTemplate: null };

@Controller('apiops/projects/:projectName/apiProxies')
export class ApiProxiesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  async list(@Param('projectName') projectName: string): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new ListApiProxies(projectName)) });
  }

  @Post('url')
  @HttpCode(200)
  async create(
    @Asker() asker: RequestContext,
    @Param('projectName') projectName: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const request = readBody(API_PROXY, body);
    const address = { projectName, apiProxyName: request.apiProxyName };
    const command = new CreateApiProxy(asker, address, { ...settingsOf(request), ...NO_EXTRAS }, orderIn(request));
    const { proxy, publicKey, secretKey, deploymentResult } = await this.commands.execute(command);
    return success({ results: [{ ...apiProxyView(proxy), publicKey, secretKey }], deploymentResult });
  }

  @Put('url')
  async replace(
    @Asker() asker: RequestContext,
    @Param('projectName') projectName: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const request = readBody(API_PROXY, body);
    const address = { projectName, apiProxyName: request.apiProxyName };
    const command = new ChangeProxySettings(asker, address, settingsOf(request), orderIn(request));
    const { proxy, deploymentResult } = await this.commands.execute(command);
    return success({ results: [apiProxyView(proxy)], deploymentResult });
  }

  @Get(':apiProxyName')
  async one(
    @Param() address: { projectName: string; apiProxyName: string },
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SuccessEnvelope> {
    const proxy = await this.queries.execute(new GetApiProxy(address));
    showRevision(reply, proxy.revision);
    return success({ results: [apiProxyView(proxy)] });
  }

  @Delete(':apiProxyName')
  async remove(
    @Asker() asker: RequestContext,
    @Param('projectName') projectName: string,
    @Param('apiProxyName') apiProxyName: string,
  ): Promise<SuccessEnvelope> {
    const command = new DeleteApiProxy(asker, { projectName, apiProxyName });
    return success({ deploymentResult: await this.commands.execute(command) });
  }

  @Get(':apiProxyName/settings/keys')
  async keys(
    @Param('projectName') projectName: string,
    @Param('apiProxyName') apiProxyName: string,
  ): Promise<SuccessEnvelope> {
    const { keys } = await this.queries.execute(new GetApiProxy({ projectName, apiProxyName }));
    return success({ results: [{ publicKey: keys.publicKey }] });
  }

  @Patch(':apiProxyName/settings/keys')
  async changeKeys(
    @Asker() asker: RequestContext,
    @Param() address: { projectName: string; apiProxyName: string },
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const request = readBody(KEYS, body);
    const keys = { publicKey: request.publicKey, secretKey: request.secretKey };
    const { proxy, deploymentResult } = await this.commands.execute(
      new ChangeProxyKeys(asker, address, keys, orderIn(request)),
    );
    return success({ results: [{ publicKey: proxy.keys.publicKey }], deploymentResult });
  }

  @Get(':apiProxyName/endpoints')
  async endpoints(@Param() address: { projectName: string; apiProxyName: string }): Promise<SuccessEnvelope> {
    const proxy = await this.queries.execute(new GetApiProxy(address));
    return success({ results: proxy.endpoints });
  }

  @Post(':apiProxyName/endpoints')
  @HttpCode(200)
  async addEndpoint(
    @Asker() asker: RequestContext,
    @Param() address: { projectName: string; apiProxyName: string },
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const request = readBody(ENDPOINT, body);
    const command = new AddEndpoint(asker, address, endpointOf(request), orderIn(request));
    const { deploymentResult } = await this.commands.execute(command);
    return success({ results: [endpointOf(request)], deploymentResult });
  }
}
