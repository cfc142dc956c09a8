import type { DeploymentTarget } from '../deployment-requests/deployment-requests.ts';
import { holdEnvironments } from '../deployment-requests/deployment-targets.ts';
import type { SecretVault } from '../persistence/secret-vault.ts';
import type { Unit } from '../persistence/unit-of-work.ts';
import type { VariableContent, VariableValue } from './domain/environment-variable.decider.ts';
import type { RequestedValue, VariableRequest } from './variable-requests.ts';

/** Puts the values that may not be read back into the vault; the rest are plain. */
export async function keepValues(unit: Unit, vault: SecretVault, request: VariableRequest): Promise<VariableContent> {
  const keep = async ({ value, visible }: RequestedValue): Promise<VariableValue> =>
    visible
      ? { kind: 'readable', value }
      : { kind: 'secret', ...(await vault.put(unit.transaction, 'variable', value)) };
  const { description, globalValue } = request;
  const targets = await environmentsIn(unit, request);
  const values: Record<string, VariableValue> = {};
  for (const [index, value] of request.values.entries()) {
    const environmentId = targets[index]?.environmentId;
    if (environmentId !== undefined) values[environmentId] = await keep(value);
  }
  return { description, globalValue: globalValue === null ? null : await keep(globalValue), values };
}

/** Held until the value is recorded. @throws DomainError VALIDATION_FAILED naming every unknown environment */
function environmentsIn(unit: Unit, request: VariableRequest): Promise<DeploymentTarget[]> {
  const environmentNames = request.values.map((value) => value.environmentName);
  return holdEnvironments(unit, { environmentNames, field: 'environmentValueList', member: 'environmentName' });
}

/** Secrets of a content, to be destroyed when it is replaced. */
export function secretsIn(content: VariableContent): string[] {
  const values = [...Object.values(content.values), ...(content.globalValue === null ? [] : [content.globalValue])];
  return values.flatMap((value) => (value.kind === 'secret' ? [value.secretId] : []));
}
