import { Body, Controller, Get, HttpCode, Param, Patch, Post, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import { notFound } from '../../decider/domain-error.ts';
import { ApiCall } from '../../http/api-call.ts';
import { success, type SuccessEnvelope } from '../../http/envelope.ts';
import { Asker, showRevision } from '../../http/request-context.ts';
import type { RequestContext } from '../../persistence/unit-of-work.ts';
import { endpointView } from '../api-proxy-views.ts';
import { isSameEndpoint, type ActiveApiProxy } from '../domain/index.ts';
import { AddEndpoint, DeleteEndpoint, UpdateEndpoint, type EndpointIdentifier } from './endpoint-handlers.ts';
import {
  ENDPOINT,
  ENDPOINT_CHANGE,
  ENDPOINT_DELETION,
  ENDPOINT_IDENTIFIER,
  ENDPOINT_VENDOR_MEMBERS,
  endpointChangeOf,
  endpointOf,
} from './endpoint-requests.ts';
import { ADD_ENDPOINT, CHANGE_ENDPOINT, DELETE_ENDPOINT, ENDPOINT_DETAILS, LIST_ENDPOINTS } from './endpoints.api.ts';
import { GetApiProxy } from '../proxies/get-api-proxy.handler.ts';
import { orderIn, ProxyBodies } from '../proxy-bodies.ts';
import type { ProxyAddress } from '../proxy-changes.ts';

/** @throws DomainError NOT_FOUND */
function viewOf(proxy: ActiveApiProxy, { name, httpMethod }: EndpointIdentifier) {
  const found = proxy.endpoints.find((endpoint) => isSameEndpoint(endpoint, name, httpMethod));
  if (found === undefined) throw notFound(`Endpoint (name: ${name}, httpMethod: ${httpMethod})`);
  return endpointView(found);
}

@Controller('apiops/projects/:projectName/apiProxies/:apiProxyName/endpoints')
export class EndpointsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly bodies: ProxyBodies,
  ) {}

  @Get()
  @ApiCall(LIST_ENDPOINTS)
  async list(
    @Param() address: ProxyAddress,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SuccessEnvelope> {
    const proxy = await this.queries.execute(new GetApiProxy(address));
    showRevision(reply, proxy.revision);
    return success({ results: proxy.endpoints.map(endpointView) });
  }

  @Post()
  @HttpCode(200)
  @ApiCall(ADD_ENDPOINT)
  async add(
    @Asker() asker: RequestContext,
    @Param() address: ProxyAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { request, warnings } = await this.bodies.read(ENDPOINT, body, ENDPOINT_VENDOR_MEMBERS);
    const command = new AddEndpoint(asker, address, endpointOf(request), orderIn(request));
    const { proxy, deploymentResult } = await this.commands.execute(command);
    return success({ results: [viewOf(proxy, request)], deploymentResult, warnings });
  }

  @Patch()
  @ApiCall(CHANGE_ENDPOINT)
  async change(
    @Asker() asker: RequestContext,
    @Param() address: ProxyAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { request, warnings } = await this.bodies.read(ENDPOINT_CHANGE, body, ENDPOINT_VENDOR_MEMBERS);
    const { name, httpMethod } = request;
    const update = { name, httpMethod, change: endpointChangeOf(request) };
    const { proxy, deploymentResult } = await this.commands.execute(
      new UpdateEndpoint(asker, address, update, orderIn(request)),
    );
    return success({ results: [viewOf(proxy, request)], deploymentResult, warnings });
  }

  @Post('details')
  @HttpCode(200)
  @ApiCall(ENDPOINT_DETAILS)
  async details(
    @Param() address: ProxyAddress,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SuccessEnvelope> {
    const { request } = await this.bodies.read(ENDPOINT_IDENTIFIER, body);
    const proxy = await this.queries.execute(new GetApiProxy(address));
    const view = viewOf(proxy, request);
    showRevision(reply, proxy.revision);
    return success({ results: [view] });
  }

  @Post('delete')
  @HttpCode(200)
  @ApiCall(DELETE_ENDPOINT)
  async remove(
    @Asker() asker: RequestContext,
    @Param() address: ProxyAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { request } = await this.bodies.read(ENDPOINT_DELETION, body);
    const { name, httpMethod, force } = request;
    const command = new DeleteEndpoint(asker, address, { name, httpMethod, force }, orderIn(request));
    const { deploymentResult } = await this.commands.execute(command);
    return success({ deploymentResult });
  }
}
