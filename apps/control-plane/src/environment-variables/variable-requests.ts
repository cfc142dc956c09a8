import { z } from 'zod';
import { optional, parseWith, withDefault, type ContractWarning, type ValidationFault } from '#libs/policy-contracts';
import { invalid } from '../decider/domain-error.ts';
import { requireJson } from '../http/bodies/body-parsers.ts';
import { withoutIgnored } from '../http/bodies/vendor-members.ts';

/** Prefixes of flow variables that the gateway itself sets (contract 4.2). */
const REFUSED_PREFIXES = ['request.', 'response.', 'jwt.', 'proxy.', 'client.', 'fault.', 'system.', 'environment.'];
const VARIABLE_NAME = /^(?!__proto__$)[A-Za-z0-9._\-$%]{1,255}$/;
const VALUE = z.string().max(100_000);

/** `visible` is false unless said, as in the vendor's API: whoever forgets it tells nobody a secret. */
export const VARIABLE_SCHEMA = z.strictObject({
  name: optional(z.string()),
  description: withDefault(z.string().max(1000), ''),
  global: withDefault(z.boolean(), false),
  globalValue: optional(VALUE),
  globalVisible: withDefault(z.boolean(), true),
  environmentValueList: withDefault(
    z
      .array(
        z.strictObject({ environmentName: z.string().min(1), value: VALUE, visible: withDefault(z.boolean(), false) }),
      )
      .max(1000),
    [],
  ),
});

/** The vendor shows these with the rest; they cannot be changed. */
const IGNORED_MEMBERS = ['projectId', 'projectName'];

export interface RequestedValue {
  readonly value: string;
  /** Whether it may be read back; a `private.` variable never is. */
  readonly visible: boolean;
}

export interface VariableRequest {
  readonly name: string;
  readonly description: string;
  readonly globalValue: RequestedValue | null;
  readonly values: readonly (RequestedValue & { readonly environmentName: string })[];
}

/** Faults of the name in the path: a variable of a gateway's own must not be hidden by one of the project. */
function nameFaults(name: string): ValidationFault[] {
  const prefix = REFUSED_PREFIXES.find((refused) => `${name}.`.startsWith(refused));
  if (prefix !== undefined) {
    return [{ field: 'name', code: 'reserved_prefix', message: `name must not start with ${prefix}` }];
  }
  if (VARIABLE_NAME.test(name)) return [];
  return [{ field: 'name', code: 'invalid', message: 'name must be 1 to 255 of A-Z a-z 0-9 . _ - $ %' }];
}

type RawVariable = z.infer<typeof VARIABLE_SCHEMA>;

function valueFaults(raw: RawVariable, name: string): ValidationFault[] {
  const faults: ValidationFault[] = [];
  const add = (field: string, code: string, message: string) =>
    faults.push({ field, code, message: `${field} ${message}` });
  if (raw.name !== undefined && raw.name !== name) add('name', 'invalid', 'differs from the name in the path');
  if (raw.global && raw.globalValue === undefined) add('globalValue', 'required', 'is required when global is true');
  if (raw.global && raw.environmentValueList.length > 0) {
    add('environmentValueList', 'invalid', 'must be empty when global is true');
  }
  if (!raw.global && raw.globalValue !== undefined) add('globalValue', 'invalid', 'needs global to be true');
  const names = raw.environmentValueList.map((value) => value.environmentName);
  names.forEach((environmentName, index) => {
    if (names.indexOf(environmentName) < index) {
      add(`environmentValueList[${index}].environmentName`, 'invalid', 'names an environment twice');
    }
  });
  return faults;
}

function warningsOf(raw: RawVariable, name: string): ContractWarning[] {
  const warnings: ContractWarning[] = [];
  if (!raw.global && raw.environmentValueList.length === 0) {
    warnings.push({ field: 'environmentValueList', message: 'the variable has no value in any environment' });
  }
  if (!name.startsWith('private.')) return warnings;
  const ignored = 'has no effect: values of private. variables are never shown';
  raw.environmentValueList.forEach(({ visible }, index) => {
    const field = `environmentValueList[${index}].visible`;
    if (visible) warnings.push({ field, message: `${field} ${ignored}` });
  });
  return warnings;
}

/** A variable's name and body. @throws DomainError VALIDATION_FAILED with every fault */
export function readVariable(
  name: string,
  body: unknown,
): { request: VariableRequest; warnings: readonly ContractWarning[] } {
  const { body: known, warnings } = withoutIgnored(requireJson(body), IGNORED_MEMBERS);
  const parsed = parseWith(VARIABLE_SCHEMA, known);
  const faults = [...nameFaults(name), ...(parsed.ok ? valueFaults(parsed.value, name) : parsed.faults)];
  if (!parsed.ok || faults.length > 0) throw invalid(faults);
  const isPrivate = name.startsWith('private.');
  const { description, globalValue, globalVisible, environmentValueList } = parsed.value;
  const request = {
    name,
    description,
    globalValue: globalValue === undefined ? null : { value: globalValue, visible: globalVisible && !isPrivate },
    values: environmentValueList.map((one) => ({ ...one, visible: one.visible && !isPrivate })),
  };
  return { request, warnings: [...warnings, ...warningsOf(parsed.value, name)] };
}
