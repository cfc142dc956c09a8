import type { Slice } from '../slice.ts';
import { ApiProxiesController } from './api-proxies.controller.ts';
import { apiProxiesProjection } from './api-proxies.projection.ts';
import {
  AddEndpointHandler,
  ChangeProxyKeysHandler,
  CreateApiProxyHandler,
  DeleteApiProxyHandler,
  ChangeProxySettingsHandler,
} from './api-proxy-handlers.ts';
import { ListApiProxiesHandler } from './list-api-proxies.handler.ts';
import { PoliciesController } from './policies.controller.ts';
import { AddPolicyHandler, DeletePolicyHandler, GetApiProxyHandler, UpdatePolicyHandler } from './policy-handlers.ts';
import { ProxyChanges } from './proxy-changes.ts';

export const apiProxiesSlice: Slice = {
  controllers: [ApiProxiesController, PoliciesController],
  providers: [
    ProxyChanges,
    ...[CreateApiProxyHandler, ChangeProxySettingsHandler, DeleteApiProxyHandler, ChangeProxyKeysHandler],
    ...[AddEndpointHandler, AddPolicyHandler, UpdatePolicyHandler, DeletePolicyHandler],
    ...[ListApiProxiesHandler, GetApiProxyHandler],
  ],
  projections: [apiProxiesProjection],
};
