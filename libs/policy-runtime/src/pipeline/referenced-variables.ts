import type { PolicyContract } from '#libs/policy-contracts';
import { parseCondition } from '../conditions/parse-condition.ts';

/** Every text behind a member called `ref`, at any depth. */
function refsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === 'ref' && typeof member === 'string' ? [member] : refsIn(member),
  );
}

/** Names of the flow variables that a policy may read. */
export function referencedVariables(policy: PolicyContract): string[] {
  const condition = policy.condition === undefined ? undefined : parseCondition(policy.condition);
  return [
    ...policy.forwardVariables.map(({ variable }) => variable),
    ...(condition?.ok === true ? condition.variables : []),
    ...(policy.type === 'policy-verify-jwt' ? [policy.source ?? '', ...refsIn(policy)] : []),
  ].filter((name) => name !== '');
}
