import { z } from 'zod';
import { parseWith, type Parsed, type ValidationFault } from '#libs/policy-contracts';
import { invalid } from '../../decider/domain-error.ts';
import { requireJson } from './body-parsers.ts';

/**
 * The contract's names: projects, environments, proxies, policies… No JSON object can hold a member `__proto__`, and no
 * client can send a segment `..`: asked to delete the policy of that name, it would ask to delete the proxy.
 */
export const NAME = /^(?!__proto__$|\.{1,2}$)[A-Za-z0-9._\-$% ]{1,255}$/;
const NAME_RULE = 'must be 1 to 255 of A-Z a-z 0-9 . _ - $ % and blank, and neither . nor ..';
export const nameField = z.string().regex(NAME, { error: NAME_RULE });

/** Of a call that takes nothing. */
export const NO_MEMBERS = z.strictObject({});

/** A body as its schema has it. @throws DomainError VALIDATION_FAILED with every fault. */
export function readBody<Output>(schema: z.ZodType<Output>, body: unknown): Output {
  return settled(parseWith(schema, requireJson(body) ?? undefined));
}

/** @throws DomainError VALIDATION_FAILED */
export function settled<Value>(parsed: Parsed<Value>): Value {
  if (!parsed.ok) throw invalid(parsed.faults);
  return parsed.value;
}

/** A name in a path, checked like one in a body. @throws DomainError VALIDATION_FAILED */
export function pathName(field: string, name: string): string {
  if (NAME.test(name)) return name;
  throw invalid([{ field, code: 'invalid', message: `${field} ${NAME_RULE}` }]);
}

/** The faults of several parsers together. */
export const faultsIn = (...parsed: readonly Parsed<unknown>[]): ValidationFault[] =>
  parsed.flatMap((one) => (one.ok ? [] : [...one.faults]));
