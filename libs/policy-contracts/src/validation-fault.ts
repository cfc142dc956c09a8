import type { z } from 'zod';

/** One thing wrong with a document, at a path a person can find: `policy.tokenExpiresInUnit`. Never carries the value. */
export interface ValidationFault {
  readonly field: string;
  /** Stable: `required`, `wrong_type`, `unknown_field`, `invalid_value`, `out_of_range`, `invalid`, or a rule's own code. */
  readonly code: string;
  readonly message: string;
}

/** Something accepted that has no effect or is risky. */
export interface ContractWarning {
  readonly field: string;
  readonly message: string;
}

/** What a parser gives: the document with its defaults filled in, or every fault at once. */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value; readonly warnings: readonly ContractWarning[] }
  | { readonly ok: false; readonly faults: readonly ValidationFault[] };

type Issue = z.core.$ZodIssue;

/** A member's name in a path; without one it would leave no trace there. */
export const pathStep = (name: PropertyKey): string => (name === '' ? '""' : String(name));

const pathText = (prefix: string, path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? pathStep(step) : `${text}.${pathStep(step)}`;
  }, prefix);

const article = (expected: string): string => (/^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`);
const typeNames: Readonly<Record<string, string>> = { int: 'integer', record: 'object', bigint: 'integer' };

function rangeMessage(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): string {
  const [end, limit] =
    issue.code === 'too_small' ? (['least', issue.minimum] as const) : (['most', issue.maximum] as const);
  const plural = Number(limit) === 1 ? '' : 's';
  if (issue.origin === 'array') return `must have at ${end} ${limit} item${plural}`;
  return `must be at ${end} ${limit}${issue.origin === 'string' ? ` character${plural} long` : ''}`;
}

interface Description {
  readonly code: string;
  readonly message: string;
}

const REQUIRED: Description = { code: 'required', message: 'is required' };

function customDescription(issue: Extract<Issue, { code: 'custom' }>): Description {
  const code: unknown = issue.params?.['code'];
  return { code: typeof code === 'string' ? code : 'invalid', message: issue.message };
}

/** Kinds that need words of ours; any other kind has its own message. */
const DESCRIPTIONS: { readonly [Code in Issue['code']]?: (issue: Extract<Issue, { code: Code }>) => Description } = {
  invalid_type: (issue) =>
    issue.input === undefined
      ? REQUIRED
      : { code: 'wrong_type', message: `must be ${article(typeNames[issue.expected] ?? issue.expected)}` },
  invalid_value: (issue) =>
    issue.input === undefined
      ? REQUIRED
      : { code: 'invalid_value', message: `must be one of ${issue.values.map(String).join(', ')}` },
  too_small: (issue) => ({ code: 'out_of_range', message: rangeMessage(issue) }),
  too_big: (issue) => ({ code: 'out_of_range', message: rangeMessage(issue) }),
  custom: customDescription,
};

function describe(issue: Issue): Description {
  const known = DESCRIPTIONS[issue.code] as ((issue: Issue) => Description) | undefined;
  return known?.(issue) ?? { code: 'invalid', message: issue.message };
}

/**
 * What has the wrong type is not measured as well, and of two ends that a number is beyond the nearer one is named. In one
 * pass: a hostile document has a hundred thousand faults.
 */
function withoutRepeats(faults: readonly ValidationFault[]): ValidationFault[] {
  const lastOutOfRange = new Map(
    faults.flatMap(({ code, field }, index) => (code === 'out_of_range' ? [[field, index] as const] : [])),
  );
  const ofWrongType = new Set<string>();
  return faults.filter(({ code, field }, index) => {
    if (ofWrongType.has(field)) return false;
    if (code === 'wrong_type') ofWrongType.add(field);
    return code !== 'out_of_range' || lastOutOfRange.get(field) === index;
  });
}

/** Turns a schema library's findings into faults of ours, one for each unknown member. `prefix` is the path above. */
export function faultsOf(error: z.ZodError, prefix = ''): ValidationFault[] {
  const faults = error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => {
        const field = pathText(prefix, [...issue.path, key]);
        return { field, code: 'unknown_field', message: `${field} is not a known field` };
      });
    }
    const field = pathText(prefix, issue.path);
    const { code, message } = describe(issue);
    return [{ field: field === '' ? 'body' : field, code, message: `${field === '' ? 'body' : field} ${message}` }];
  });
  return withoutRepeats(faults);
}

/** Parses with a schema; the inputs are read to tell a missing member from one of a wrong type, never repeated. */
export function parseWith<Output>(schema: z.ZodType<Output>, input: unknown, prefix = ''): Parsed<Output> {
  const result = schema.safeParse(input, { reportInput: true });
  if (result.success) return { ok: true, value: result.data, warnings: [] };
  return { ok: false, faults: faultsOf(result.error, prefix) };
}
