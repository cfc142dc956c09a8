import type { ContractWarning, PolicyContract } from '#libs/policy-contracts';
import { parseCondition } from '#libs/policy-runtime';

/** What a policy's condition was forgiven for, as published bundles need it (`verify-jwt.md` part 10). */
export function conditionWarnings({ condition }: Pick<PolicyContract, 'condition'>): readonly ContractWarning[] {
  const parsed = condition === undefined ? undefined : parseCondition(condition);
  if (parsed?.ok !== true) return [];
  return parsed.warnings.map((message) => ({ field: 'policy.condition', message: `policy.condition: ${message}` }));
}
