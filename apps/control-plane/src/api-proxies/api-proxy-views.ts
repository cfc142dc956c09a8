import { parsePolicy, type ContractWarning, type PolicyContract, type PolicyPlace } from '#libs/policy-contracts';
import { corsView } from './settings/cors-requests.ts';
import type { DescribedApiProxy } from './proxies/describe-api-proxy.handler.ts';
import {
  orderOf,
  policiesAt,
  type ActiveApiProxy,
  type Endpoint,
  type PlacedPolicy,
  type RoutingInfo,
} from './domain/index.ts';
import { placementWarnings } from './policies/placement-warnings.ts';
import { errorTemplateView, xmlErrorTemplateView } from './settings/error-template-requests.ts';
import type { ApiProxyListItem } from './proxies/list-api-proxies.handler.ts';

/** As its contract reads it today: members in one order, since the database keeps none, and defaults filled in. */
export function inOrder(policy: PolicyContract): PolicyContract {
  const parsed = parsePolicy(policy);
  return parsed.ok ? parsed.value : policy;
}

function warningsOf(policy: PolicyContract): readonly ContractWarning[] {
  const parsed = parsePolicy(policy);
  return parsed.ok ? parsed.warnings : [];
}

type At = (pipeline: PolicyPlace['pipeline']) => PolicyPlace;

function listsAt(proxy: ActiveApiProxy, at: At) {
  const list = (pipeline: PolicyPlace['pipeline']) =>
    policiesAt(proxy.policies, at(pipeline)).map(({ name, policy }, index) => ({
      ...inOrder(policy),
      name,
      order: index + 1,
    }));
  return {
    requestPolicyList: list('REQUEST'),
    responsePolicyList: list('RESPONSE'),
    errorPolicyList: list('ERROR'),
  };
}

/** `GET X/policies/`: the seed's shape, and the endpoints beside it (contract 4.1). */
export function policyListView(proxy: ActiveApiProxy) {
  return {
    apiProxy: { name: proxy.name, ...listsAt(proxy, (pipeline) => ({ scope: 'ALL', pipeline })) },
    endpointList: proxy.endpoints.map(({ name, httpMethod }) => ({
      endpoint: name,
      httpMethod,
      ...listsAt(proxy, (pipeline) => ({
        scope: 'ENDPOINT',
        pipeline,
        endpoint: name,
        httpMethod: httpMethod as Extract<PolicyPlace, { scope: 'ENDPOINT' }>['httpMethod'],
      })),
    })),
  };
}

/** Where a policy stands, as the body that would put it there. */
export const operationMetadataView = (place: PolicyPlace, order: number) => ({
  targetScope: place.scope,
  targetEndpoint: place.scope === 'ENDPOINT' ? place.endpoint : null,
  targetEndpointHTTPMethod: place.scope === 'ENDPOINT' ? place.httpMethod : null,
  targetPipeline: place.pipeline,
  order,
});

/** `GET X/policies/{policyName}/` */
export function policyView(proxy: ActiveApiProxy, { name, place, policy }: PlacedPolicy) {
  return {
    policy: { ...inOrder(policy), name },
    warnings: [...warningsOf(policy), ...placementWarnings(proxy, name)],
    operationMetadata: operationMetadataView(place, orderOf(proxy.policies, name)),
  };
}

export const endpointView = ({ name, description, httpMethod, backendResourceUrl, backendHttpMethod }: Endpoint) => ({
  ...{ name, endpoint: name, description, active: true },
  ...{ httpMethod, backendResourceUrl, backendHttpMethod },
});

/** As the bodies name it: timeouts in seconds. */
export const routingInfoView = ({ connectTimeoutSeconds, readTimeoutSeconds, ...same }: RoutingInfo) => ({
  routingAddressList: same.routingAddressList,
  loadBalanceAlgorithm: same.loadBalanceAlgorithm,
  connectTimeout: connectTimeoutSeconds,
  readTimeout: readTimeoutSeconds,
  retryCount: same.retryCount,
});

/** `GET P/apiProxies/`: the vendor's names, and beside them those of its set-up call. */
export const apiProxyListView = ({ apiProxyName, apiProxyDescription, revision, clientRoute }: ApiProxyListItem) => ({
  ...{ name: apiProxyName, description: apiProxyDescription, type: 'REST' },
  ...{ relativePath: clientRoute.relativePathList[0], soapToRest: false },
  ...{ apiProxyName, apiProxyDescription, apiProxyCreationType: 'REVERSE_PROXY', revision, clientRoute },
});

/** What a revision of a proxy holds, but for its policies. */
export const apiProxyView = (proxy: ActiveApiProxy) => ({
  ...{ apiProxyName: proxy.name, apiProxyDescription: proxy.description, apiProxyCreationType: 'REVERSE_PROXY' },
  revision: proxy.revision,
  clientRoute: proxy.clientRoute,
  routingInfo: routingInfoView(proxy.routingInfo),
  cors: corsView(proxy.cors),
  jsonErrorTemplate: errorTemplateView(proxy.jsonErrorTemplate),
  xmlErrorTemplate: xmlErrorTemplateView(proxy.xmlErrorTemplate),
  endpointList: proxy.endpoints.map(endpointView),
});

/** `GET X/`: `deploymentList` names the environments that have the proxy, or are about to. */
export const describedApiProxyView = ({ proxy, deployed }: DescribedApiProxy) => ({
  ...{ name: proxy.name, description: proxy.description, apiType: 'REST', publicKey: proxy.keys.publicKey },
  ...apiProxyView(proxy),
  deploymentList: deployed.map(({ environmentName, revision, deployment, state }) => ({
    ...{ environmentName, deployed: true, revision, deployment },
    redeployRequired: revision !== proxy.revision || state === 'failed',
  })),
});
