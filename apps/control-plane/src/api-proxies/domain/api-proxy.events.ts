import type { DomainEvent } from '#libs/event-store';
import type { PolicyContract, PolicyPlace } from '#libs/policy-contracts';
import type { SecretReference } from '../../decider/secret-reference.ts';

/** Which requests belong to the proxy; the vendor's `clientRoute` with the members that mean something here. */
export interface ClientRoute {
  readonly relativePathList: readonly string[];
  /** Upper case; `ALL` alone means any. */
  readonly methodList: readonly string[];
  readonly hostList: readonly string[];
}

/** Where requests go; the vendor's `routingInfo`. Timeouts in seconds, as the vendor has them. */
export interface RoutingInfo {
  readonly routingAddressList: readonly { readonly address: string; readonly weight: number }[];
  readonly connectTimeoutSeconds: number;
  readonly readTimeoutSeconds: number;
  readonly retryCount: number;
}

export interface Endpoint {
  /** Path template relative to the route, `/users/{id}`. */
  readonly name: string;
  readonly httpMethod: string;
  readonly description: string;
  readonly backendResourceUrl: string | null;
  readonly backendHttpMethod: string | null;
}

export interface ProxySettings {
  readonly description: string;
  readonly clientRoute: ClientRoute;
  readonly routingInfo: RoutingInfo;
}

/** The proxy as a client of the token service: client id, and where the verifier of its secret lies. */
export interface ProxyKeys {
  readonly publicKey: string;
  readonly secretKey: SecretReference;
}

/** A policy at its place; `order` is where it stood in its list, from 1. */
export interface PlacedPolicyData {
  readonly name: string;
  readonly place: PolicyPlace;
  readonly order: number;
  readonly policy: PolicyContract;
}

export type ProxyCreated = DomainEvent<
  'ProxyCreated',
  { proxyId: string; projectId: string; project: string; name: string; keys: ProxyKeys } & ProxySettings
>;
export type ProxyUpdated = DomainEvent<'ProxyUpdated', { proxyId: string } & ProxySettings>;
export type ProxyDeleted = DomainEvent<'ProxyDeleted', { proxyId: string }>;
/** Not content: a rollback leaves the keys as they are. */
export type KeysChanged = DomainEvent<'KeysChanged', { proxyId: string; keys: ProxyKeys }>;
export type EndpointAdded = DomainEvent<'EndpointAdded', { proxyId: string; endpoint: Endpoint }>;
export type PolicyAdded = DomainEvent<'PolicyAdded', { proxyId: string } & PlacedPolicyData>;
export type PolicyUpdated = DomainEvent<'PolicyUpdated', { proxyId: string } & PlacedPolicyData>;
export type PolicyDeleted = DomainEvent<'PolicyDeleted', { proxyId: string; name: string; place: PolicyPlace }>;

export type ApiProxyEvent =
  | ProxyCreated
  | ProxyUpdated
  | ProxyDeleted
  | KeysChanged
  | EndpointAdded
  | PolicyAdded
  | PolicyUpdated
  | PolicyDeleted;
