import type {
  ArtifactEndpoint,
  ArtifactEnvironment,
  ArtifactPipelines,
  ArtifactSigningKeys,
  ArtifactVariable,
  PolicyPlace,
  ProxyArtifact,
} from '#libs/policy-contracts';
import { policiesAt, type ActiveApiProxy } from '../../api-proxies/domain/index.ts';

/** What a proxy needs of an environment to become an artifact. */
export interface CompileContext {
  readonly environment: ArtifactEnvironment;
  /** Those variables of the project in this environment that the policies may read. */
  readonly variables: Readonly<Record<string, ArtifactVariable>>;
  /** Keys by policy name, one entry for each `policy-auth-jwt`. */
  readonly signingKeys: Readonly<Record<string, ArtifactSigningKeys>>;
}

const SECOND_MS = 1_000;

function pipelinesAt(proxy: ActiveApiProxy, at: (pipeline: PolicyPlace['pipeline']) => PolicyPlace): ArtifactPipelines {
  const policies = (pipeline: PolicyPlace['pipeline']) =>
    policiesAt(proxy.policies, at(pipeline)).map(({ name, policy }) => ({ name, policy }));
  return { request: policies('REQUEST'), response: policies('RESPONSE'), error: policies('ERROR') };
}

function endpointsOf(proxy: ActiveApiProxy): ArtifactEndpoint[] {
  return proxy.endpoints.map(({ name, httpMethod, backendResourceUrl, backendHttpMethod }) => ({
    name,
    httpMethod,
    ...(backendResourceUrl === null ? {} : { backendResourceUrl }),
    ...(backendHttpMethod === null ? {} : { backendHttpMethod }),
    pipelines: pipelinesAt(proxy, (pipeline) => ({
      scope: 'ENDPOINT',
      pipeline,
      endpoint: name,
      httpMethod: httpMethod as Extract<PolicyPlace, { scope: 'ENDPOINT' }>['httpMethod'],
    })),
  }));
}

/** A proxy's content and an environment's values become the portable artifact; the same in, the same out. */
export function compileProxy(proxy: ActiveApiProxy, context: CompileContext): ProxyArtifact {
  const { clientRoute, routingInfo } = proxy;
  return {
    formatVersion: 1,
    project: proxy.project,
    proxy: proxy.name,
    proxyId: proxy.proxyId,
    revision: proxy.revision,
    environment: context.environment,
    route: {
      paths: clientRoute.relativePathList,
      hosts: clientRoute.hostList,
      methods: clientRoute.methodList.includes('ALL') ? [] : clientRoute.methodList,
      headers: clientRoute.headerList,
    },
    upstream: {
      addresses: routingInfo.routingAddressList.map(({ address, weight }) => ({ url: address, weight })),
      loadBalance: routingInfo.loadBalanceAlgorithm,
      connectTimeoutMs: routingInfo.connectTimeoutSeconds * SECOND_MS,
      readTimeoutMs: routingInfo.readTimeoutSeconds * SECOND_MS,
      retryCount: routingInfo.retryCount,
    },
    ...(proxy.cors === null ? {} : { cors: proxy.cors }),
    ...(proxy.jsonErrorTemplate === null ? {} : { jsonErrorTemplate: proxy.jsonErrorTemplate }),
    ...(proxy.xmlErrorTemplate === null ? {} : { xmlErrorTemplate: proxy.xmlErrorTemplate }),
    pipelines: pipelinesAt(proxy, (pipeline) => ({ scope: 'ALL', pipeline })),
    endpoints: endpointsOf(proxy),
    variables: context.variables,
    signingKeys: context.signingKeys,
  };
}
