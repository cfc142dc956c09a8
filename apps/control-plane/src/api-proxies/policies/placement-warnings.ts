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

/** One policy of a proxy issues tokens, the first; that others of its kind do not is said where they are saved. */
function issuerWarnings(proxy: ActiveApiProxy, policyName: string): ContractWarning[] {
  const issuers = inExecutionOrder(proxy)
    .filter(({ policy }) => policy.type === 'policy-auth-jwt' && policy.active && policy.managedFromThisPolicy)
    .map(({ name }) => name);
  const [first, ...others] = issuers;
  if (first === undefined || others.length === 0 || !issuers.includes(policyName)) return [];
  const message =
    first === policyName
      ? `issues the tokens of this proxy; ${others.join(', ')}: only verify`
      : `only verifies: ${first} comes first and issues the tokens of this proxy`;
  return [{ field: 'policy.managedFromThisPolicy', message }];
}

/** What is risky or without effect about a policy because of where it stands and what stands beside it (contract 6). */
export function placementWarnings(proxy: ActiveApiProxy, policyName: string): ContractWarning[] {
  const placed = proxy.policies.find(({ name }) => name === policyName);
  if (placed?.policy.type !== 'policy-auth-jwt') return [];
  const { pipeline } = placed.place;
  const misplaced =
    pipeline === 'REQUEST'
      ? []
      : [
          {
            field: 'operationMetadata.targetPipeline',
            message: `policy-auth-jwt protects an API in REQUEST only; in ${pipeline} it comes too late`,
          },
        ];
  return [...misplaced, ...issuerWarnings(proxy, policyName)];
}
