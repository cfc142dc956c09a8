import { Body, Controller, Get, Param, Patch, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import type { ContractWarning } from '#libs/policy-contracts';
import { ApiCall } from '../../http/api-call.ts';
import { success, type SuccessEnvelope } from '../../http/envelope.ts';
import { Asker, showRevision } from '../../http/request-context.ts';
import type { RequestContext } from '../../persistence/unit-of-work.ts';
import { ChangeProxySettings } from '../proxies/api-proxy-handlers.ts';
import { routingInfoView } from '../api-proxy-views.ts';
import { CORS, CORS_VENDOR_MEMBERS, corsOf, corsView, corsWarnings } from './cors-requests.ts';
import type { ActiveApiProxy } from '../domain/index.ts';
import {
  errorTemplateOf,
  errorTemplateView,
  errorTemplateWarnings,
  JSON_ERROR_TEMPLATE,
  JSON_ERROR_TEMPLATE_VENDOR_MEMBERS,
  XML_ERROR_TEMPLATE,
  XML_ERROR_TEMPLATE_VENDOR_MEMBERS,
  xmlErrorTemplateOf,
  xmlErrorTemplateView,
  xmlErrorTemplateWarnings,
} from './error-template-requests.ts';
import { GetApiProxy } from '../proxies/get-api-proxy.handler.ts';
import { orderIn, ProxyBodies } from '../proxy-bodies.ts';
import type { ProxyAddress } from '../proxy-changes.ts';
import { ChangeProxyKeys } from './proxy-key-handlers.ts';
import { clientRouteOf } from '../proxies/route-requests.ts';
import {
  ADDRESSES,
  ADDRESSES_VENDOR_MEMBERS,
  addressesOf,
  CLIENT_ROUTE,
  CLIENT_ROUTE_VENDOR_MEMBERS,
  CONNECTION,
  CONNECTION_VENDOR_MEMBERS,
  connectionOf,
  KEYS,
  keysWarnings,
} from './settings-requests.ts';
import {
  ADDRESSES_API,
  CLIENT_ROUTE_API,
  CONNECTION_API,
  CORS_API,
  JSON_ERROR_TEMPLATE_API,
  KEYS_API,
  XML_ERROR_TEMPLATE_API,
} from './settings.api.ts';

type View = (proxy: ActiveApiProxy) => object;

// Each shows the body that would set it again.
const keysView = ({ keys }: ActiveApiProxy) => ({ publicKey: keys.publicKey });
const clientRouteView = ({ clientRoute }: ActiveApiProxy) => clientRoute;
const corsOfView = ({ cors }: ActiveApiProxy) => corsView(cors);
const templateOfView = ({ jsonErrorTemplate }: ActiveApiProxy) => errorTemplateView(jsonErrorTemplate);
const xmlTemplateOfView = ({ xmlErrorTemplate }: ActiveApiProxy) => xmlErrorTemplateView(xmlErrorTemplate);

function addressesView({ routingInfo }: ActiveApiProxy) {
  const { routingAddressList, loadBalanceAlgorithm } = routingInfo;
  return { routingAddressList, loadBalanceAlgorithm };
}

function connectionView({ routingInfo }: ActiveApiProxy) {
  const { connectTimeout, readTimeout, retryCount } = routingInfoView(routingInfo);
  return { connectTimeout, readTimeout, retryCount };
}

/** One setting of a proxy at a time; the others stay. */
@Controller('apiops/projects/:projectName/apiProxies/:apiProxyName/settings')
export class SettingsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly bodies: ProxyBodies,
  ) {}

  @Get('keys')
  @ApiCall(KEYS_API.READ)
  keys(@Param() address: ProxyAddress, @Res({ passthrough: true }) reply: FastifyReply): Promise<SuccessEnvelope> {
    return this.show(address, reply, keysView);
  }

  @Patch('keys')
  @ApiCall(KEYS_API.CHANGE)
  async changeKeys(
    @Asker() asker: RequestContext,
    @Param() address: ProxyAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { request, warnings } = await this.bodies.read(KEYS, body);
    const { publicKey, secretKey } = request;
    const command = new ChangeProxyKeys(asker, address, { publicKey, secretKey }, orderIn(request));
    return this.change(command, keysView, [...warnings, ...keysWarnings(request)]);
  }

  @Get('addresses')
  @ApiCall(ADDRESSES_API.READ)
  addresses(@Param() address: ProxyAddress, @Res({ passthrough: true }) reply: FastifyReply): Promise<SuccessEnvelope> {
    return this.show(address, reply, addressesView);
  }

  @Patch('addresses')
  @ApiCall(ADDRESSES_API.CHANGE)
  async changeAddresses(
    @Asker() asker: RequestContext,
    @Param() address: ProxyAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { request, warnings } = await this.bodies.read(ADDRESSES, body, ADDRESSES_VENDOR_MEMBERS);
    const command = new ChangeProxySettings(asker, address, { routingInfo: addressesOf(request) }, orderIn(request));
    return this.change(command, addressesView, warnings);
  }

  @Get('client-route')
  @ApiCall(CLIENT_ROUTE_API.READ)
  clientRoute(
    @Param() address: ProxyAddress,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SuccessEnvelope> {
    return this.show(address, reply, clientRouteView);
  }

  @Patch('client-route')
  @ApiCall(CLIENT_ROUTE_API.CHANGE)
  async changeClientRoute(
    @Asker() asker: RequestContext,
    @Param() address: ProxyAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { request, warnings } = await this.bodies.read(CLIENT_ROUTE, body, CLIENT_ROUTE_VENDOR_MEMBERS);
    const command = new ChangeProxySettings(asker, address, { clientRoute: clientRouteOf(request) }, orderIn(request));
    return this.change(command, clientRouteView, warnings);
  }

  @Get('connection')
  @ApiCall(CONNECTION_API.READ)
  connection(
    @Param() address: ProxyAddress,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SuccessEnvelope> {
    return this.show(address, reply, connectionView);
  }

  @Patch('connection')
  @ApiCall(CONNECTION_API.CHANGE)
  async changeConnection(
    @Asker() asker: RequestContext,
    @Param() address: ProxyAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { request, warnings } = await this.bodies.read(CONNECTION, body, CONNECTION_VENDOR_MEMBERS);
    const command = new ChangeProxySettings(asker, address, { routingInfo: connectionOf(request) }, orderIn(request));
    return this.change(command, connectionView, warnings);
  }

  @Get('cors')
  @ApiCall(CORS_API.READ)
  cors(@Param() address: ProxyAddress, @Res({ passthrough: true }) reply: FastifyReply): Promise<SuccessEnvelope> {
    return this.show(address, reply, corsOfView);
  }

  @Patch('cors')
  @ApiCall(CORS_API.CHANGE)
  async changeCors(
    @Asker() asker: RequestContext,
    @Param() address: ProxyAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { request, warnings } = await this.bodies.read(CORS, body, CORS_VENDOR_MEMBERS);
    const command = new ChangeProxySettings(asker, address, { cors: corsOf(request) }, orderIn(request));
    return this.change(command, corsOfView, [...warnings, ...corsWarnings(request)]);
  }

  @Get('json-error-template')
  @ApiCall(JSON_ERROR_TEMPLATE_API.READ)
  jsonErrorTemplate(
    @Param() address: ProxyAddress,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SuccessEnvelope> {
    return this.show(address, reply, templateOfView);
  }

  @Patch('json-error-template')
  @ApiCall(JSON_ERROR_TEMPLATE_API.CHANGE)
  async changeJsonErrorTemplate(
    @Asker() asker: RequestContext,
    @Param() address: ProxyAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { request, warnings } = await this.bodies.read(JSON_ERROR_TEMPLATE, body, JSON_ERROR_TEMPLATE_VENDOR_MEMBERS);
    const command = new ChangeProxySettings(
      asker,
      address,
      { jsonErrorTemplate: errorTemplateOf(request) },
      orderIn(request),
    );
    return this.change(command, templateOfView, [...warnings, ...errorTemplateWarnings(request)]);
  }

  @Get('xml-error-template')
  @ApiCall(XML_ERROR_TEMPLATE_API.READ)
  xmlErrorTemplate(
    @Param() address: ProxyAddress,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SuccessEnvelope> {
    return this.show(address, reply, xmlTemplateOfView);
  }

  @Patch('xml-error-template')
  @ApiCall(XML_ERROR_TEMPLATE_API.CHANGE)
  async changeXmlErrorTemplate(
    @Asker() asker: RequestContext,
    @Param() address: ProxyAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { request, warnings } = await this.bodies.read(XML_ERROR_TEMPLATE, body, XML_ERROR_TEMPLATE_VENDOR_MEMBERS);
    const change = { xmlErrorTemplate: xmlErrorTemplateOf(request) };
    const command = new ChangeProxySettings(asker, address, change, orderIn(request));
    return this.change(command, xmlTemplateOfView, [...warnings, ...xmlErrorTemplateWarnings(request)]);
  }

  private async change(
    command: ChangeProxySettings | ChangeProxyKeys,
    view: View,
    warnings: readonly ContractWarning[],
  ): Promise<SuccessEnvelope> {
    const { proxy, deploymentResult } = await this.commands.execute(command);
    return success({ results: [view(proxy)], deploymentResult, warnings });
  }

  private async show(address: ProxyAddress, reply: FastifyReply, view: View): Promise<SuccessEnvelope> {
    const proxy = await this.queries.execute(new GetApiProxy(address));
    showRevision(reply, proxy.revision);
    return success({ results: [view(proxy)] });
  }
}
