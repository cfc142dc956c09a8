import type { PolicyContract, PolicyPlace } from '#libs/policy-contracts';

export interface PlacedPolicy {
  readonly name: string;
  readonly place: PolicyPlace;
  readonly policy: PolicyContract;
}

/** Two places are the same list of policies. */
export function samePlace(left: PolicyPlace, right: PolicyPlace): boolean {
  if (left.scope !== right.scope || left.pipeline !== right.pipeline) return false;
  if (left.scope === 'ALL' || right.scope === 'ALL') return true;
  return left.endpoint === right.endpoint && left.httpMethod === right.httpMethod;
}

/** Policies of one place in execution order. */
export const policiesAt = (policies: readonly PlacedPolicy[], place: PolicyPlace): PlacedPolicy[] =>
  policies.filter((policy) => samePlace(policy.place, place));

/** Where a policy stands in its place, from 1; 0 when there is none of that name. */
export function orderOf(policies: readonly PlacedPolicy[], name: string): number {
  const policy = policies.find((candidate) => candidate.name === name);
  if (policy === undefined) return 0;
  return policiesAt(policies, policy.place).findIndex((candidate) => candidate.name === name) + 1;
}

export const withoutPolicy = (policies: readonly PlacedPolicy[], name: string): PlacedPolicy[] =>
  policies.filter((policy) => policy.name !== name);

/** Inserts at an order of its place, from 1; beyond the end means last. The others shift. */
export function withPolicyAt(policies: readonly PlacedPolicy[], added: PlacedPolicy, order: number): PlacedPolicy[] {
  const before = policiesAt(policies, added.place)[order - 1];
  if (before === undefined) return [...policies, added];
  const index = policies.indexOf(before);
  return [...policies.slice(0, index), added, ...policies.slice(index)];
}
