export { apiProxyDecider, type ApiProxyCommand } from './api-proxy.decider.ts';
export type {
  ApiProxyEvent,
  ClientRoute,
  Endpoint,
  ProxyKeys,
  ProxySettings,
  RoutingInfo,
} from './api-proxy.events.ts';
export { apiProxyStream, requireApiProxy, type ActiveApiProxy, type ApiProxyState } from './api-proxy.state.ts';
export { orderOf, policiesAt, type PlacedPolicy } from './placed-policies.ts';
