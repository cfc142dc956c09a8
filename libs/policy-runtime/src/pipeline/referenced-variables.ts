import { parsePolicy, type PolicyContract } from '#libs/policy-contracts';
import { parseCondition } from '../conditions/parse-condition.ts';
import { isBuiltInVariable } from '../exchange/compile-variable.ts';
import { templateVariables } from '../linking/message-template.ts';
import { templatesOf } from '../raise-fault/link-raise-fault.ts';
import { mapTemplatesOf } from '../verify-jwt/member-expectation.ts';

/** Every text behind a member called `ref` or something with `Ref` (`passwordRef`, `uriRef`), at any depth. */
function refsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    /^ref$|Ref$/.test(name) && typeof member === 'string' ? [member] : refsIn(member),
  );
}

/** Those that only policies of its type read. */
function ownVariables(policy: PolicyContract): string[] {
  switch (policy.type) {
    case 'policy-verify-jwt':
      return [policy.source ?? '', ...refsIn(policy), ...mapTemplatesOf(policy).flatMap(templateVariables)];
    case 'policy-raise-fault':
      return templatesOf(policy).flatMap(templateVariables);
    case 'policy-auth-jwt':
      return [];
  }
}

/** Names of the flow variables that a policy may read; no template function computes one, so these are all. */
export function referencedVariables(policy: PolicyContract): string[] {
  const condition = policy.condition === undefined ? undefined : parseCondition(policy.condition);
  return [
    ...policy.forwardVariables.map(({ variable }) => variable),
    ...(condition?.ok === true ? condition.variables : []),
    ...ownVariables(policy),
  ].filter((name) => name !== '');
}

/**
 * Names of the environment variables that a proxy with these policies, as they are stored, may read: of the active ones,
 * and none that the gateway itself gives its value. Whatever else the environment holds is none of the proxy's business.
 */
export function environmentVariablesOf(policies: readonly PolicyContract[]): ReadonlySet<string> {
  const read = policies.flatMap((stored) => {
    const parsed = parsePolicy(stored);
    // No gateway takes a policy that cannot be read.
    return parsed.ok && parsed.value.active ? referencedVariables(parsed.value) : [];
  });
  return new Set(read.filter((name) => !isBuiltInVariable(name)));
}
