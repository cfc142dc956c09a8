import type { PolicyPlace } from '#libs/policy-contracts';
import { describedApiProxyView, inOrder, operationMetadataView } from './api-proxy-views.ts';
import { orderOf, type ActiveApiProxy, type PlacedPolicy } from './domain/index.ts';

const PIPELINES: readonly PolicyPlace['pipeline'][] = ['REQUEST', 'RESPONSE', 'ERROR'];

/** Reading a policy checks its keys too; in a long history most policies stay what they were from step to step. */
const policiesRead = new WeakMap<PlacedPolicy, object>();

function readOnce(placed: PlacedPolicy): object {
  const known = policiesRead.get(placed);
  if (known !== undefined) return known;
  const read = { ...inOrder(placed.policy), name: placed.name };
  policiesRead.set(placed, read);
  return read;
}

/** Views by the order of the policy: what stays where it is has one and the same view, and compares at no cost. */
const policiesViewed = new WeakMap<PlacedPolicy, Map<number, PastPolicyView>>();

type PastPolicyView = Readonly<Record<'policy' | 'operationMetadata', object>>;

function viewAt(placed: PlacedPolicy, order: number): PastPolicyView {
  const views = policiesViewed.get(placed) ?? new Map<number, PastPolicyView>();
  const known = views.get(order);
  if (known !== undefined) return known;
  const view = { policy: readOnce(placed), operationMetadata: operationMetadataView(placed.place, order) };
  policiesViewed.set(placed, views.set(order, view));
  return view;
}

/** A policy as `GET X/policies/{policyName}/` shows it, without its warnings. */
export const pastPolicyView = (proxy: ActiveApiProxy, placed: PlacedPolicy): PastPolicyView =>
  viewAt(placed, orderOf(proxy.policies, placed.name));

const endpointKey = (httpMethod: string, name: string): string => `${httpMethod} ${name}`;

/** The policies as their own calls show them: the proxy's first, then those of each endpoint, each list in execution order. */
export function pastPolicyList({ endpoints, policies }: ActiveApiProxy): PastPolicyView[] {
  const places = new Map(endpoints.map(({ httpMethod, name }, index) => [endpointKey(httpMethod, name), index + 1]));
  const listOf = ({ place }: PlacedPolicy): number => {
    const at = place.scope === 'ENDPOINT' ? (places.get(endpointKey(place.httpMethod, place.endpoint)) ?? 0) : 0;
    return at * PIPELINES.length + PIPELINES.indexOf(place.pipeline);
  };
  const lists = new Map<number, PastPolicyView[]>();
  for (const placed of policies) {
    const list = lists.get(listOf(placed)) ?? [];
    list.push(viewAt(placed, list.length + 1));
    lists.set(listOf(placed), list);
  }
  return [...lists].sort(([left], [right]) => left - right).flatMap(([, list]) => list);
}

/** A revision of a proxy: what `GET X/` shows of it, and its policies as their own calls show and take them. */
export function pastApiProxyView(proxy: ActiveApiProxy) {
  // Where a proxy is deployed is not of its past: `GET X/deploy-histories/` tells of that.
  const { deploymentList: _now, ...view } = describedApiProxyView({ proxy, deployed: [] });
  return { ...view, policyList: pastPolicyList(proxy) };
}
