import { parsePolicy, type ContractWarning, type PolicyContract, type PolicyPlace } from '#libs/policy-contracts';
import { orderOf, policiesAt, type ActiveApiProxy, type PlacedPolicy } from './domain/index.ts';

/** Members in the order of the contract; the database keeps none. */
function inOrder(policy: PolicyContract): PolicyContract {
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

/** `GET X/policies/{policyName}/` */
export function policyView(proxy: ActiveApiProxy, { name, place, policy }: PlacedPolicy) {
  return {
    policy: { ...inOrder(policy), name },
    warnings: warningsOf(policy),
    operationMetadata: {
      targetScope: place.scope,
      targetEndpoint: place.scope === 'ENDPOINT' ? place.endpoint : null,
      targetEndpointHTTPMethod: place.scope === 'ENDPOINT' ? place.httpMethod : null,
      targetPipeline: place.pipeline,
      order: orderOf(proxy.policies, name),
    },
  };
}

export function apiProxyView(proxy: ActiveApiProxy) {
  const { clientRoute, routingInfo } = proxy;
  return {
    apiProxyName: proxy.name,
    apiProxyDescription: proxy.description,
    apiProxyCreationType: 'REVERSE_PROXY',
    revision: proxy.revision,
    clientRoute,
    routingInfo: {
      routingAddressList: routingInfo.routingAddressList,
      loadBalanceAlgorithm: routingInfo.loadBalanceAlgorithm,
      connectTimeout: routingInfo.connectTimeoutSeconds,
      readTimeout: routingInfo.readTimeoutSeconds,
      retryCount: routingInfo.retryCount,
    },
  };
}
