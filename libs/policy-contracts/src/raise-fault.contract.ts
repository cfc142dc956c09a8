import { z } from 'zod';
import { optional, withDefault, wholeNumber } from './nullable-fields.ts';
import { policyBaseFields, type PolicyOrigin } from './policy-base.ts';
import { parseWith, type ContractWarning, type Parsed, type ValidationFault } from './validation-fault.ts';

/** RFC 9110 section 5.5: what may stand in a field value or a reason phrase; never CR, LF or NUL. */
const HEADER_TEXT = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
/** A secret in a text that goes to the client: `private.` variables are never shown to anybody (contract 4.2). */
const noSecrets = (text: string): boolean => !/\{\s*private\./.test(text);
const NOT_SHOWN = 'must not show a private. variable to clients';
const SECRET_IN_ANSWER = 'secret_in_answer';
const SECRET_SHOWN = { error: NOT_SHOWN, params: { code: SECRET_IN_ANSWER } };
/** The same as what a function takes: for versions that knew no functions this was text, and they stored it. */
const SECRET_ARGUMENT = /\{[A-Za-z][A-Za-z0-9]*\((?:(?:'[^']*'|[^'(){},]*),)*private\./;

const headerText = (maximum: number, minimum = 0) =>
  z
    .string()
    .min(minimum)
    .max(maximum)
    .regex(HEADER_TEXT, { error: 'must hold no line breaks, control characters or wide characters' })
    .refine(noSecrets, SECRET_SHOWN);

/** Answers that never carry a body (RFC 9110 sections 15.3.5, 15.3.6, 15.4.5). */
const BODILESS = new Set([204, 205, 304]);

/**
 * `policy-raise-fault` (contract 4.1): ends the flow with an answer of its own, `fault.name` is `RaiseFault`. The three
 * texts may hold `{variable}` templates.
 */
export const RAISE_FAULT_SCHEMA = z.strictObject({
  type: z.literal('policy-raise-fault'),
  ...policyBaseFields,
  statusCode: wholeNumber(200, 599),
  /** Left out: the usual phrase of the status. */
  reasonPhrase: optional(headerText(200)),
  contentType: withDefault(headerText(255, 1), 'application/json'),
  payload: withDefault(z.string().max(65_536).refine(noSecrets, SECRET_SHOWN), ''),
});

export type RaiseFaultContract = z.infer<typeof RAISE_FAULT_SCHEMA>;

function warningsOf({ statusCode, payload }: RaiseFaultContract): ContractWarning[] {
  if (payload === '' || !BODILESS.has(statusCode)) return [];
  return [{ field: 'policy.payload', message: `is never sent: an answer with status ${statusCode} has no body` }];
}

function secretFaults(policy: RaiseFaultContract): ValidationFault[] {
  return (['reasonPhrase', 'contentType', 'payload'] as const)
    .filter((name) => SECRET_ARGUMENT.test(policy[name] ?? ''))
    .map((name) => `policy.${name}`)
    .map((field) => ({ field, code: SECRET_IN_ANSWER, message: `${field} ${NOT_SHOWN}` }));
}

/** Reads a `policy-raise-fault` body under `policy`; every fault at once. What an earlier version stored is read. */
export function parseRaiseFault(
  input: unknown,
  _policyName?: string,
  origin: PolicyOrigin = 'stored',
): Parsed<RaiseFaultContract> {
  const parsed = parseWith(RAISE_FAULT_SCHEMA, input, 'policy');
  if (!parsed.ok) return parsed;
  const faults = origin === 'sent' ? secretFaults(parsed.value) : [];
  return faults.length > 0 ? { ok: false, faults } : { ...parsed, warnings: warningsOf(parsed.value) };
}
