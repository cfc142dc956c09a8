import type { Slice } from '../slice.ts';
import { ApiProxiesController } from './proxies/api-proxies.controller.ts';
import { apiProxiesProjection } from './proxies/api-proxies.projection.ts';
import {
  ChangeProxySettingsHandler,
  CreateApiProxyHandler,
  DeleteApiProxyHandler,
} from './proxies/api-proxy-handlers.ts';
import { DescribeApiProxyHandler } from './proxies/describe-api-proxy.handler.ts';
import { AddEndpointHandler, DeleteEndpointHandler, UpdateEndpointHandler } from './endpoints/endpoint-handlers.ts';
import { API_PROXY_UPCASTERS } from './domain/api-proxy.upcasters.ts';
import { EndpointsController } from './endpoints/endpoints.controller.ts';
import { historySlice } from './history/history.slice.ts';
import { GetApiProxyHandler } from './proxies/get-api-proxy.handler.ts';
import { ListApiProxiesHandler } from './proxies/list-api-proxies.handler.ts';
import { GetPastApiProxyHandler } from './past-api-proxy.handler.ts';
import { PoliciesController } from './policies/policies.controller.ts';
import { AddPolicyHandler, DeletePolicyHandler, UpdatePolicyHandler } from './policies/policy-handlers.ts';
import { ProxyBodies } from './proxy-bodies.ts';
import { ProxyChanges } from './proxy-changes.ts';
import { ChangeProxyKeysHandler } from './settings/proxy-key-handlers.ts';
import { SettingsController } from './settings/settings.controller.ts';

export const apiProxiesSlice: Slice = {
  controllers: [
    ...historySlice.controllers,
    ...[ApiProxiesController, EndpointsController, SettingsController, PoliciesController],
  ],
  providers: [
    ...[ProxyBodies, ProxyChanges],
    ...historySlice.providers,
    ...[CreateApiProxyHandler, ChangeProxySettingsHandler, DeleteApiProxyHandler, ChangeProxyKeysHandler],
    ...[AddEndpointHandler, UpdateEndpointHandler, DeleteEndpointHandler],
    ...[AddPolicyHandler, UpdatePolicyHandler, DeletePolicyHandler],
    ...[ListApiProxiesHandler, DescribeApiProxyHandler, GetApiProxyHandler, GetPastApiProxyHandler],
  ],
  projections: [apiProxiesProjection],
  upcasters: API_PROXY_UPCASTERS,
};
