import { TARGET_PIPELINES, type ContractWarning, type PolicyPlace } from '#libs/policy-contracts';
import { policiesAt, type ActiveApiProxy, type PlacedPolicy } from '../domain/index.ts';

const byNameAndMethod = (one: string, other: string): number => (one === other ? 0 : one < other ? -1 : 1);

/** Policies in the order in which a gateway asks who issues: the proxy's own, then endpoints by name and method. */
function inExecutionOrder({ endpoints, policies }: ActiveApiProxy): PlacedPolicy[] {
  const sorted = [...endpoints].sort((left, right) =>
    byNameAndMethod(`${left.name} ${left.httpMethod}`, `${right.name} ${right.httpMethod}`),
  );
  const places = [
    ...TARGET_PIPELINES.map((pipeline) => ({ scope: 'ALL', pipeline })),
    ...sorted.flatMap(({ name, httpMethod }) =>
      TARGET_PIPELINES.map((pipeline) => ({ scope: 'ENDPOINT', pipeline, endpoint: name, httpMethod })),
    ),
  ];
  return places.flatMap((place) => policiesAt(policies, place as PolicyPlace));
}

interface IssuingPolicy {
  readonly policyName: string;
  readonly isManaged: boolean;
}

/**
 * One policy of a proxy and kind issues tokens, the first: under `/auth` or, not managed from the policy, under
 * `/credential`. That others of its kind do not is said where they are saved.
 */
function issuerWarnings(proxy: ActiveApiProxy, { policyName, isManaged }: IssuingPolicy): ContractWarning[] {
  const issuers = inExecutionOrder(proxy)
    .filter(({ policy }) => {
      const issues = policy.type === 'policy-auth-jwt' && policy.active;
      return issues && policy.managedFromThisPolicy === isManaged;
    })
    .map(({ name }) => name);
  const [first, ...others] = issuers;
  if (first === undefined || others.length === 0 || !issuers.includes(policyName)) return [];
  const tokens = isManaged ? 'the tokens of this proxy' : 'the tokens of this proxy under /credential';
  const message =
    first === policyName
      ? `issues ${tokens}; ${others.join(', ')}: only verify`
      : `only verifies: ${first} comes first and issues ${tokens}`;
  return [{ field: 'policy.managedFromThisPolicy', message }];
}

/** The seed's JWT policy acts on the way to the upstream, forwarded headers on both ways; behind them it is too late. */
function lateWarnings({ place: { pipeline }, policy }: PlacedPolicy): ContractWarning[] {
  if (pipeline === 'REQUEST') return [];
  const misplaced = {
    field: 'operationMetadata.targetPipeline',
    message: `policy-auth-jwt protects an API in REQUEST only; in ${pipeline} it comes too late`,
  };
  const withoutEffect = {
    field: 'policy.forwardVariables',
    message: 'sets no header in ERROR: nothing goes to the upstream any more, and the answer is made',
  };
  return [
    ...(policy.type === 'policy-auth-jwt' ? [misplaced] : []),
    ...(pipeline === 'ERROR' && policy.forwardVariables.length > 0 ? [withoutEffect] : []),
  ];
}

/** What is risky or without effect about a policy because of where it stands and what stands beside it (contract 6). */
export function placementWarnings(proxy: ActiveApiProxy, policyName: string): ContractWarning[] {
  const placed = proxy.policies.find(({ name }) => name === policyName);
  if (placed === undefined) return [];
  const { policy } = placed;
  if (policy.type !== 'policy-auth-jwt') return lateWarnings(placed);
  return [...lateWarnings(placed), ...issuerWarnings(proxy, { policyName, isManaged: policy.managedFromThisPolicy })];
}
