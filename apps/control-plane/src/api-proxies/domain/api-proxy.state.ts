import { unreachable } from '../../decider/decider.ts';
import { notFound } from '../../decider/domain-error.ts';
import type {
  ApiProxyEvent,
  Endpoint,
  EndpointDeleted,
  ProxyContent,
  ProxyKeys,
  ProxySettings,
} from './api-proxy.events.ts';
import { withoutPolicy, withPolicyAt, type PlacedPolicy } from './placed-policies.ts';

export interface ActiveApiProxy extends ProxySettings {
  readonly status: 'active';
  readonly proxyId: string;
  readonly projectId: string;
  readonly project: string;
  readonly name: string;
  /** Number of content changes, from 1. */
  readonly revision: number;
  readonly keys: ProxyKeys;
  readonly endpoints: readonly Endpoint[];
  readonly policies: readonly PlacedPolicy[];
}

export type ApiProxyState = { readonly status: 'absent' } | ActiveApiProxy;

export const apiProxyStream = (proxyId: string): string => `apiProxy-${proxyId}`;

/** @throws DomainError NOT_FOUND */
export function requireApiProxy(state: ApiProxyState): ActiveApiProxy {
  if (state.status === 'absent') throw notFound('ApiProxy');
  return state;
}

export const isSameEndpoint = (endpoint: Endpoint, name: string, httpMethod: string): boolean =>
  endpoint.name === name && endpoint.httpMethod === httpMethod;

const replacedBy = (one: Endpoint, changed: Endpoint): Endpoint =>
  isSameEndpoint(one, changed.name, changed.httpMethod) ? changed : one;

function withoutEndpoint(
  state: ActiveApiProxy,
  { name, httpMethod, policyNames }: EndpointDeleted['data'],
): ActiveApiProxy {
  return {
    ...state,
    endpoints: state.endpoints.filter((endpoint) => !isSameEndpoint(endpoint, name, httpMethod)),
    policies: state.policies.filter((policy) => !policyNames.includes(policy.name)),
  };
}

/** What a revision numbers, without what it is kept with. */
export function contentOf(proxy: ActiveApiProxy): ProxyContent {
  const { description, clientRoute, routingInfo, cors, jsonErrorTemplate, xmlErrorTemplate, endpoints, policies } =
    proxy;
  return { description, clientRoute, routingInfo, cors, jsonErrorTemplate, xmlErrorTemplate, endpoints, policies };
}

/** The proxy after one more event. */
export function evolveApiProxy(state: ApiProxyState, event: ApiProxyEvent): ApiProxyState {
  if (event.type === 'ProxyCreated') {
    return { status: 'active', revision: 1, endpoints: [], policies: [], ...event.data };
  }
  if (state.status === 'absent') return state;
  if (event.type === 'KeysChanged') return { ...state, keys: event.data.keys };
  return evolveContent({ ...state, revision: state.revision + 1 }, event);
}

type ContentEvent = Exclude<ApiProxyEvent, { type: 'ProxyCreated' | 'KeysChanged' }>;

function evolveContent(state: ActiveApiProxy, event: ContentEvent): ApiProxyState {
  switch (event.type) {
    case 'ProxyUpdated':
      return { ...state, ...event.data };
    case 'ProxyDeleted':
      return { status: 'absent' };
    case 'EndpointAdded':
      return { ...state, endpoints: [...state.endpoints, event.data.endpoint] };
    case 'EndpointUpdated':
      return { ...state, endpoints: state.endpoints.map((one) => replacedBy(one, event.data.endpoint)) };
    case 'EndpointDeleted':
      return withoutEndpoint(state, event.data);
    case 'RolledBack':
      return { ...state, ...event.data.content };
    case 'PolicyAdded':
    case 'PolicyUpdated': {
      const { name, place, order, policy } = event.data;
      const others = withoutPolicy(state.policies, name);
      return { ...state, policies: withPolicyAt(others, { name, place, policy }, order) };
    }
    case 'PolicyDeleted':
      return { ...state, policies: withoutPolicy(state.policies, event.data.name) };
    default:
      return unreachable(event);
  }
}
