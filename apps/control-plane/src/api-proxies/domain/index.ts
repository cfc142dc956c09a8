export {
  apiProxyDecider,
  type ApiProxyCommand,
  type EndpointChange,
  type SettingsChange,
} from './api-proxy.decider.ts';
export type {
  ApiProxyEvent,
  ClientRoute,
  Endpoint,
  PolicyAdded,
  PolicyUpdated,
  ProxyContent,
  ProxyCreated,
  ProxyKeys,
  ProxySettings,
  RoutingInfo,
} from './api-proxy.events.ts';
export {
  apiProxyStream,
  contentOf,
  isSameEndpoint,
  requireApiProxy,
  type ActiveApiProxy,
  type ApiProxyState,
} from './api-proxy.state.ts';
export {
  isRevision,
  proxyAtRevision,
  proxyAtTime,
  proxySteps,
  revisionOf,
  revisionSteps,
  type Page,
} from './past-proxies.ts';
export { stepsOf, type ProxyStep } from './proxy-history.ts';
export { templateParameters } from './endpoint-template.ts';
export { orderOf, policiesAt, type PlacedPolicy } from './placed-policies.ts';
