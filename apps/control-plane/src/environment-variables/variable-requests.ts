import { z } from 'zod';
import { optional, withDefault, type ValidationFault } from '#libs/policy-contracts';
import { invalid } from '../decider/domain-error.ts';
import { readBody } from '../http/request-bodies.ts';

/** Prefixes of flow variables that the gateway itself sets (contract 4.2). */
const REFUSED_PREFIXES = ['request.', 'response.', 'jwt.', 'proxy.', 'client.', 'fault.', 'system.', 'environment.'];
const VARIABLE_NAME = /^(?!__proto__$)[A-Za-z0-9._\-$%]{1,255}$/;
const VALUE = z.string().max(100_000);

const BODY = z.strictObject({
  name: optional(z.string()),
  description: withDefault(z.string().max(1000), ''),
  global: withDefault(z.boolean(), false),
  globalValue: optional(VALUE),
  globalVisible: withDefault(z.boolean(), true),
  environmentValueList: withDefault(
    z.array(
      z.strictObject({ environmentName: z.string().min(1), value: VALUE, visible: withDefault(z.boolean(), true) }),
    ),
    [],
  ),
});

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

/** @throws DomainError VALIDATION_FAILED when a variable of this name would hide one that the gateway sets. */
function checkName(name: string): void {
  const prefix = REFUSED_PREFIXES.find((refused) => `${name}.`.startsWith(refused));
  if (prefix !== undefined) {
    throw invalid([{ field: 'name', code: 'reserved_prefix', message: `name must not start with ${prefix}` }]);
  }
  if (!VARIABLE_NAME.test(name)) {
    throw invalid([{ field: 'name', code: 'invalid', message: 'name must be 1 to 255 of A-Z a-z 0-9 . _ - $ %' }]);
  }
}

function faultsOf(raw: z.infer<typeof BODY>, name: string): ValidationFault[] {
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

/** @throws DomainError VALIDATION_FAILED with every fault */
export function readVariable(name: string, body: unknown): VariableRequest {
  checkName(name);
  const raw = readBody(BODY, body);
  const faults = faultsOf(raw, name);
  if (faults.length > 0) throw invalid(faults);
  const isPrivate = name.startsWith('private.');
  const { description, globalValue, globalVisible } = raw;
  return {
    name,
    description,
    globalValue: globalValue === undefined ? null : { value: globalValue, visible: globalVisible && !isPrivate },
    values: raw.environmentValueList.map((one) => ({ ...one, visible: one.visible && !isPrivate })),
  };
}
