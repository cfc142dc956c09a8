import { z } from 'zod';
import { optional, withDefault, wholeNumber } from './nullable-fields.ts';
import { policyBaseFields } from './policy-base.ts';
import { parseWith, type ContractWarning, type Parsed } from './validation-fault.ts';

/** RFC 9110 section 5.5: what may stand in a field value or a reason phrase; never CR, LF or NUL. */
const HEADER_TEXT = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
/** A `private.` variable in a template: by itself, or as what a function takes. */
const SECRET = /\{\s*private\.|\{[A-Za-z][A-Za-z0-9]*\((?:(?:'[^']*'|[^\s'(){},]*),)*private\./;
/** A secret in a text that goes to the client: `private.` variables are never shown to anybody (contract 4.2). */
const noSecrets = (text: string): boolean => !SECRET.test(text);
const SECRET_SHOWN = { error: 'must not show a private. variable to clients', params: { code: 'secret_in_answer' } };

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

/** Reads a `policy-raise-fault` body under `policy`; every fault at once. */
export function parseRaiseFault(input: unknown): Parsed<RaiseFaultContract> {
  const parsed = parseWith(RAISE_FAULT_SCHEMA, input, 'policy');
  return parsed.ok ? { ...parsed, warnings: warningsOf(parsed.value) } : parsed;
}
