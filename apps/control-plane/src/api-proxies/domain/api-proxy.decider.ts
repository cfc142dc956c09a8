import type { DeletionMetadata, PolicyContract, PolicyPlace } from '#libs/policy-contracts';
import { unreachable, type Decider } from '../../decider/decider.ts';
import { conflict, invalidField, notFound } from '../../decider/domain-error.ts';
import type {
  ApiProxyEvent,
  Endpoint,
  ProxyContent,
  ProxyCreated,
  ProxyKeys,
  ProxySettings,
  RoutingInfo,
} from './api-proxy.events.ts';
import {
  evolveApiProxy,
  isSameEndpoint,
  requireApiProxy,
  type ActiveApiProxy,
  type ApiProxyState,
} from './api-proxy.state.ts';
import { templateShape } from './endpoint-template.ts';
import { orderOf, policiesAt, samePlace, withoutPolicy } from './placed-policies.ts';

interface PolicyCommandData {
  readonly name: string;
  readonly place: PolicyPlace;
  /** From 1; undefined: last, or where it is when it stays in its place. */
  readonly order: number | undefined;
  readonly policy: PolicyContract;
}

export type SettingsChange = Partial<Omit<ProxySettings, 'routingInfo'>> & {
  readonly routingInfo?: Partial<RoutingInfo>;
};

export type EndpointChange = Partial<Omit<Endpoint, 'name' | 'httpMethod'>>;

/** Where a policy to delete stands; of an endpoint as much as is known. */
export type DeletionPlace = Pick<DeletionMetadata, 'scope' | 'pipeline' | 'endpoint' | 'httpMethod'>;

export type ApiProxyCommand =
  | ({ readonly type: 'CreateProxy' } & ProxyCreated['data'])
  /** Replaces what is given and leaves the rest; of `routingInfo` member by member. */
  | { readonly type: 'ChangeSettings'; readonly settings: SettingsChange }
  | { readonly type: 'DeleteProxy' }
  | { readonly type: 'ChangeKeys'; readonly keys: ProxyKeys }
  | { readonly type: 'AddEndpoint'; readonly endpoint: Endpoint }
  /** Changes what is given of the endpoint that name and method find. */
  | {
      readonly type: 'UpdateEndpoint';
      readonly name: string;
      readonly httpMethod: string;
      readonly change: EndpointChange;
    }
  /** `force` takes along the policies that stand there. */
  | { readonly type: 'DeleteEndpoint'; readonly name: string; readonly httpMethod: string; readonly force: boolean }
  | { readonly type: 'RollBack'; readonly toRevision: number; readonly content: ProxyContent }
  | ({ readonly type: 'AddPolicy' } & PolicyCommandData)
  | ({ readonly type: 'UpdatePolicy' } & PolicyCommandData)
  | ({ readonly type: 'DeletePolicy'; readonly name: string } & DeletionPlace);

function requireEndpointOf(proxy: ActiveApiProxy, place: PolicyPlace): void {
  if (place.scope === 'ALL') return;
  if (proxy.endpoints.some((endpoint) => isSameEndpoint(endpoint, place.endpoint, place.httpMethod))) return;
  const message = `Endpoint with name (${place.endpoint}) and HTTP method (${place.httpMethod}) is not found`;
  throw invalidField('operationMetadata.targetEndpoint', 'unknown_endpoint', message);
}

/** The order a policy ends up with among the others of its place; beyond the end is last. */
function settledOrder(proxy: ActiveApiProxy, command: PolicyCommandData): number {
  const others = policiesAt(withoutPolicy(proxy.policies, command.name), command.place).length;
  const current = proxy.policies.find((policy) => policy.name === command.name);
  const stays = current !== undefined && samePlace(current.place, command.place);
  const wanted = command.order ?? (stays ? orderOf(proxy.policies, command.name) : others + 1);
  return Math.min(wanted, others + 1);
}

function addPolicy(command: PolicyCommandData, proxy: ActiveApiProxy): readonly ApiProxyEvent[] {
  const { name, place, policy } = command;
  if (proxy.policies.some((candidate) => candidate.name === name)) {
    throw conflict(`A policy with same name (${name}) already exists in API Proxy`);
  }
  requireEndpointOf(proxy, place);
  const data = { proxyId: proxy.proxyId, name, place, order: settledOrder(proxy, command), policy };
  return [{ type: 'PolicyAdded', schemaVersion: 1, data }];
}

function updatePolicy(command: PolicyCommandData, proxy: ActiveApiProxy): readonly ApiProxyEvent[] {
  const { name, place, policy } = command;
  const current = proxy.policies.find((candidate) => candidate.name === name);
  if (current === undefined) throw notFound(`Policy (name: ${name})`);
  if (current.policy.type !== policy.type) {
    const message = `policy.type cannot change: policy ${name} is ${current.policy.type}`;
    throw invalidField('policy.type', 'type_changed', message);
  }
  requireEndpointOf(proxy, place);
  const data = { proxyId: proxy.proxyId, name, place, order: settledOrder(proxy, command), policy };
  return [{ type: 'PolicyUpdated', schemaVersion: 1, data }];
}

function standsAt(place: PolicyPlace, wanted: DeletionPlace): boolean {
  if (place.scope !== wanted.scope || place.pipeline !== wanted.pipeline) return false;
  if (place.scope === 'ALL') return true;
  return (
    (wanted.endpoint ?? place.endpoint) === place.endpoint &&
    (wanted.httpMethod ?? place.httpMethod) === place.httpMethod
  );
}

/** Another place than the policy has is a 404 (contract 4.1). */
function deletePolicy(name: string, wanted: DeletionPlace, proxy: ActiveApiProxy): readonly ApiProxyEvent[] {
  const current = proxy.policies.find((candidate) => candidate.name === name);
  if (current === undefined || !standsAt(current.place, wanted)) throw notFound(`Policy (name: ${name}) at this place`);
  return [{ type: 'PolicyDeleted', schemaVersion: 1, data: { proxyId: proxy.proxyId, name, place: current.place } }];
}

/** Of two endpoints that match the same requests one would never be asked. */
function addEndpoint(endpoint: Endpoint, proxy: ActiveApiProxy): readonly ApiProxyEvent[] {
  const { name, httpMethod } = endpoint;
  const shape = templateShape(name);
  const same = proxy.endpoints.find(
    (candidate) => candidate.httpMethod === httpMethod && templateShape(candidate.name) === shape,
  );
  if (same?.name === name) throw conflict(`Endpoint (name: ${name}, httpMethod: ${httpMethod}) already exists`);
  if (same !== undefined) {
    throw conflict(
      `${name} matches the same ${httpMethod} requests as Endpoint (name: ${same.name}) of this API Proxy`,
    );
  }
  return [{ type: 'EndpointAdded', schemaVersion: 1, data: { proxyId: proxy.proxyId, endpoint } }];
}

function requireEndpoint(proxy: ActiveApiProxy, name: string, httpMethod: string): Endpoint {
  const found = proxy.endpoints.find((endpoint) => isSameEndpoint(endpoint, name, httpMethod));
  if (found === undefined) throw notFound(`Endpoint (name: ${name}, httpMethod: ${httpMethod})`);
  return found;
}

function updateEndpoint(
  { name, httpMethod, change }: Extract<ApiProxyCommand, { type: 'UpdateEndpoint' }>,
  proxy: ActiveApiProxy,
): readonly ApiProxyEvent[] {
  const endpoint = { ...requireEndpoint(proxy, name, httpMethod), ...change };
  return [{ type: 'EndpointUpdated', schemaVersion: 1, data: { proxyId: proxy.proxyId, endpoint } }];
}

function deleteEndpoint(
  { name, httpMethod, force }: Extract<ApiProxyCommand, { type: 'DeleteEndpoint' }>,
  proxy: ActiveApiProxy,
): readonly ApiProxyEvent[] {
  requireEndpoint(proxy, name, httpMethod);
  const policyNames = proxy.policies
    .filter(({ place }) => place.scope === 'ENDPOINT' && place.endpoint === name && place.httpMethod === httpMethod)
    .map((policy) => policy.name);
  if (policyNames.length > 0 && !force) {
    throw conflict(`Endpoint (name: ${name}, httpMethod: ${httpMethod}) has policies: ${policyNames.join(', ')}`);
  }
  const data = { proxyId: proxy.proxyId, name, httpMethod, policyNames };
  return [{ type: 'EndpointDeleted', schemaVersion: 1, data }];
}

function changeSettings(change: SettingsChange, proxy: ActiveApiProxy): readonly ApiProxyEvent[] {
  const { description, clientRoute, cors, jsonErrorTemplate, xmlErrorTemplate, proxyId } = proxy;
  const routingInfo = { ...proxy.routingInfo, ...change.routingInfo };
  const kept = { description, clientRoute, cors, jsonErrorTemplate, xmlErrorTemplate };
  const data = { proxyId, ...kept, ...change, routingInfo };
  return [{ type: 'ProxyUpdated', schemaVersion: 3, data }];
}

function decide(command: ApiProxyCommand, state: ApiProxyState): readonly ApiProxyEvent[] {
  if (command.type === 'CreateProxy') {
    const { type: _type, ...data } = command;
    return [{ type: 'ProxyCreated', schemaVersion: 3, data }];
  }
  const proxy = requireApiProxy(state);
  const { proxyId } = proxy;
  switch (command.type) {
    case 'ChangeSettings':
      return changeSettings(command.settings, proxy);
    case 'DeleteProxy':
      return [{ type: 'ProxyDeleted', schemaVersion: 1, data: { proxyId } }];
    case 'ChangeKeys':
      return [{ type: 'KeysChanged', schemaVersion: 1, data: { proxyId, keys: command.keys } }];
    case 'AddEndpoint':
      return addEndpoint(command.endpoint, proxy);
    case 'UpdateEndpoint':
      return updateEndpoint(command, proxy);
    case 'DeleteEndpoint':
      return deleteEndpoint(command, proxy);
    case 'RollBack': {
      const { toRevision, content } = command;
      return [{ type: 'RolledBack', schemaVersion: 2, data: { proxyId, toRevision, content } }];
    }
    case 'AddPolicy':
      return addPolicy(command, proxy);
    case 'UpdatePolicy':
      return updatePolicy(command, proxy);
    case 'DeletePolicy':
      return deletePolicy(command.name, command, proxy);
    default:
      return unreachable(command);
  }
}

export const apiProxyDecider: Decider<ApiProxyState, ApiProxyCommand, ApiProxyEvent> = {
  initialState: { status: 'absent' },
  snapshotShape: 'apiProxy@2',
  evolve: evolveApiProxy,
  decide,
};
