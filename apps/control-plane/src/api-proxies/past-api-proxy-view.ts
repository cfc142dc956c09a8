import { parsePolicy, type PolicyPlace } from '#libs/policy-contracts';
import { describedApiProxyView } from './api-proxy-views.ts';
import { orderOf, type ActiveApiProxy, type PlacedPolicy } from './domain/index.ts';

const PIPELINES: readonly PolicyPlace['pipeline'][] = ['REQUEST', 'RESPONSE', 'ERROR'];

/** The policies of the proxy first, then those of each endpoint, each list in execution order. */
function policiesInOrder(proxy: ActiveApiProxy): PlacedPolicy[] {
  const rank = ({ place }: PlacedPolicy): number => {
    const isAt = ({ name, httpMethod }: { name: string; httpMethod: string }) =>
      place.scope === 'ENDPOINT' && name === place.endpoint && httpMethod === place.httpMethod;
    return (proxy.endpoints.findIndex(isAt) + 1) * PIPELINES.length + PIPELINES.indexOf(place.pipeline);
  };
  return proxy.policies.toSorted((left, right) => rank(left) - rank(right));
}

/** Reading a policy checks its keys too; in a long history most policies stay what they were from step to step. */
const policiesRead = new WeakMap<PlacedPolicy, object>();

/** As its contract reads it today: members in one order, defaults filled in. */
function readOnce(placed: PlacedPolicy): object {
  const known = policiesRead.get(placed);
  if (known !== undefined) return known;
  const parsed = parsePolicy(placed.policy);
  const read = { ...(parsed.ok ? parsed.value : placed.policy), name: placed.name };
  policiesRead.set(placed, read);
  return read;
}

/** A policy as `GET X/policies/{policyName}/` shows it, without its warnings. */
export function pastPolicyView(proxy: ActiveApiProxy, placed: PlacedPolicy) {
  const { name, place } = placed;
  return {
    policy: readOnce(placed),
    operationMetadata: {
      targetScope: place.scope,
      targetEndpoint: place.scope === 'ENDPOINT' ? place.endpoint : null,
      targetEndpointHTTPMethod: place.scope === 'ENDPOINT' ? place.httpMethod : null,
      targetPipeline: place.pipeline,
      order: orderOf(proxy.policies, name),
    },
  };
}

/** The policies in the form and order of `policyList`. */
export const pastPolicyList = (proxy: ActiveApiProxy) =>
  policiesInOrder(proxy).map((placed) => pastPolicyView(proxy, placed));

/** A revision of a proxy: what `GET X/` shows of it, and its policies as their own calls show and take them. */
export function pastApiProxyView(proxy: ActiveApiProxy) {
  // Where a proxy is deployed is not of its past: `GET X/deploy-histories/` tells of that.
  const { deploymentList: _now, ...view } = describedApiProxyView({ proxy, deployed: [] });
  return { ...view, policyList: pastPolicyList(proxy) };
}
