import type { DomainEvent } from '#libs/event-store';
import type {
  ArtifactCors,
  ArtifactErrorTemplate,
  ArtifactHeaderRule,
  LoadBalanceAlgorithm,
  PolicyContract,
  PolicyPlace,
} from '#libs/policy-contracts';
import type { SecretReference } from '../../decider/secret-reference.ts';

/** Which requests belong to the proxy; the vendor's `clientRoute` with the members that mean something here. */
export interface ClientRoute {
  readonly relativePathList: readonly string[];
  /** Upper case; `ALL` alone means any. */
  readonly methodList: readonly string[];
  readonly hostList: readonly string[];
  /** All of them must be in a request; names in lower case. */
  readonly headerList: readonly ArtifactHeaderRule[];
}

/** Where requests go; the vendor's `routingInfo`. Timeouts in seconds, as the vendor has them. */
export interface RoutingInfo {
  readonly routingAddressList: readonly { readonly address: string; readonly weight: number }[];
  readonly loadBalanceAlgorithm: LoadBalanceAlgorithm;
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
  /** null: the proxy does not speak CORS. */
  readonly cors: ArtifactCors | null;
  /** null: faults in the vendor's envelope. */
  readonly jsonErrorTemplate: ArtifactErrorTemplate | null;
  /** For requests that are no JSON; null: as if there were none. */
  readonly xmlErrorTemplate: ArtifactErrorTemplate | null;
}

/** Everything that a revision numbers: what a rollback brings back. */
export interface ProxyContent extends ProxySettings {
  readonly endpoints: readonly Endpoint[];
  /** In execution order within each place. */
  readonly policies: readonly Omit<PlacedPolicyData, 'order'>[];
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
/** Found by name and method, which never change. */
export type EndpointUpdated = DomainEvent<'EndpointUpdated', { proxyId: string; endpoint: Endpoint }>;
/** Takes along the policies that stood at the endpoint. */
export type EndpointDeleted = DomainEvent<
  'EndpointDeleted',
  { proxyId: string; name: string; httpMethod: string; policyNames: readonly string[] }
>;
export type PolicyAdded = DomainEvent<'PolicyAdded', { proxyId: string } & PlacedPolicyData>;
export type PolicyUpdated = DomainEvent<'PolicyUpdated', { proxyId: string } & PlacedPolicyData>;
export type PolicyDeleted = DomainEvent<'PolicyDeleted', { proxyId: string; name: string; place: PolicyPlace }>;

/** The content of an earlier revision as a new one; keys, credentials and variables stay as they are. */
export type RolledBack = DomainEvent<'RolledBack', { proxyId: string; toRevision: number; content: ProxyContent }>;

export type ApiProxyEvent =
  | ProxyCreated
  | ProxyUpdated
  | ProxyDeleted
  | KeysChanged
  | EndpointAdded
  | EndpointUpdated
  | EndpointDeleted
  | PolicyAdded
  | PolicyUpdated
  | PolicyDeleted
  | RolledBack;
