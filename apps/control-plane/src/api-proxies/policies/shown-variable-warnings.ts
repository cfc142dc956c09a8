import type { ContractWarning, PolicyContract } from '#libs/policy-contracts';
import { isBuiltInVariable, templateVariables } from '#libs/policy-runtime';
import type { VariableVisibility } from '../variable-visibility.port.ts';

/** A template of a policy whose text goes to clients, and a variable in it. */
export interface ShownVariable {
  readonly field: string;
  readonly name: string;
}

/** What a policy would show to clients. */
export function shownVariables(policy: PolicyContract): ShownVariable[] {
  if (policy.type !== 'policy-raise-fault') return [];
  return (['reasonPhrase', 'contentType', 'payload'] as const).flatMap((member) =>
    [...new Set(templateVariables(policy[member] ?? ''))].map((name) => ({ field: `policy.${member}`, name })),
  );
}

function whyNothing(name: string, variable: VariableVisibility | undefined): string | undefined {
  if (variable === undefined) {
    const isSet = isBuiltInVariable(name) || name === 'JWT.failed';
    return isSet ? undefined : 'nothing sets it (a brace that opens no variable has a blank after it)';
  }
  const hidden = variable.environmentValueList.filter(({ visible }) => !visible);
  if (variable.globalVisible && hidden.length === 0) return undefined;
  const where = hidden.length === 0 ? '' : ` in ${hidden.map(({ environmentName }) => environmentName).join(', ')}`;
  return `it is not visible${where}`;
}

/**
 * That gateways print nothing in the place of a variable that is not visible or that nobody knows: whoever wrote it expects
 * its value, or never meant a variable (`h1{color:red}`).
 */
export const shownVariableWarnings = (
  shown: readonly ShownVariable[],
  variables: readonly VariableVisibility[],
): ContractWarning[] =>
  shown.flatMap(({ field, name }) => {
    const reason = whyNothing(
      name,
      variables.find((one) => one.name === name),
    );
    return reason === undefined
      ? []
      : [{ field, message: `${field} shows nothing of the variable ${name}: ${reason}` }];
  });
