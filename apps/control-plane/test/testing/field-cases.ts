/** What one value of one member of a body must lead to. */
export interface FieldCase {
  /** `policy.tokenExpiresInUnit`; the first step is a member of the body. */
  readonly field: string;
  readonly what: string;
  /** The value as JSON text: numbers beyond 2^53 stand there as they are written. undefined: the member is left out. */
  readonly json: string | undefined;
  /** Members beside it, in the same object. */
  readonly beside: Readonly<Record<string, unknown>>;
  readonly expected: Accepted | Refused;
}

/** As a GET shows it; undefined: not there. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly shown: unknown;
  /** The answer has a warning at the field. */
  readonly warns?: boolean;
}

export interface Refused {
  readonly kind: 'refused';
  /** `policy.type invalid_value`, in the order of the alphabet. */
  readonly faults: readonly string[];
  readonly message: RegExp;
}

export type Beside = Readonly<Record<string, unknown>>;

const shortened = (json: string): string =>
  json.length <= 40 ? json : `${json.slice(0, 25)}… of ${json.length} characters`;

const caseOf = (
  field: string,
  json: string | undefined,
  beside: Beside,
  expected: FieldCase['expected'],
): FieldCase => ({
  ...{ field, json, beside, expected },
  what: json === undefined ? 'left out' : shortened(json),
});

/** The value is taken and shown, as it is or as something else. */
export function shows(field: string, value: unknown, shown: unknown = value, beside: Beside = {}): FieldCase {
  const json = value === undefined ? undefined : JSON.stringify(value);
  return caseOf(field, json, beside, { kind: 'accepted', shown });
}

/** The value is taken, and nothing of it is kept. */
export const dropped = (field: string, value: unknown, { warns }: { warns: boolean }): FieldCase =>
  caseOf(field, JSON.stringify(value), {}, { kind: 'accepted', shown: undefined, warns });

/** Left out and null are the same, shown as `shown`. */
export const defaultsTo = (field: string, shown: unknown, beside: Beside = {}): FieldCase[] => [
  caseOf(field, undefined, beside, { kind: 'accepted', shown }),
  caseOf(field, 'null', beside, { kind: 'accepted', shown }),
];

/** `json` is refused with this code at the field, or at another below it, and nothing else is. */
export function refuses(
  field: string,
  json: string | undefined,
  code: string,
  { message = /./, beside = {}, at = field }: { message?: RegExp; beside?: Beside; at?: string } = {},
): FieldCase {
  return caseOf(field, json, beside, { kind: 'refused', faults: [`${at} ${code}`], message });
}

const refusesTypes = (field: string, expected: string, jsons: readonly string[], beside: Beside): FieldCase[] =>
  jsons.map((json) => refuses(field, json, 'wrong_type', { message: new RegExp(`must be an? ${expected}`), beside }));

export function flag(field: string, defaultValue: boolean | undefined, beside: Beside = {}): FieldCase[] {
  return [
    ...[true, false].map((value) => shows(field, value, value, beside)),
    ...defaultsTo(field, defaultValue, beside),
    ...refusesTypes(field, 'boolean', ['"true"', '1', '0', '[]', '{}'], beside),
  ];
}

interface Names {
  readonly values: readonly string[];
  /** What a member that is left out shows; `REQUIRED`: it is refused. */
  readonly otherwise: unknown;
  readonly beside?: Beside;
}
export const REQUIRED = Symbol('required');

/** One of a list of names: each of them, and refusals that list them all. */
export function enumeration(field: string, { values, otherwise, beside = {} }: Names): FieldCase[] {
  const message = new RegExp(`must be one of ${values.join(', ')}$`);
  const wrong = [`"${values[0]?.toLowerCase()}"`, `"${values[0]} "`, '"SOMETHING"', '""', '5', 'true', '[]', '{}'];
  return [
    ...values.map((value) => shows(field, value, value, beside)),
    ...wrong.map((json) => refuses(field, json, 'invalid_value', { message, beside })),
    ...(otherwise === REQUIRED
      ? [
          refuses(field, undefined, 'required', { beside }),
          refuses(field, 'null', 'invalid_value', { message, beside }),
        ]
      : defaultsTo(field, otherwise, beside)),
  ];
}

interface Range {
  readonly minimum: number;
  readonly maximum: number;
  readonly otherwise: unknown;
  readonly beside?: Beside;
}

/** Numbers that JavaScript would round, or read as something else. */
const INEXACT = ['9007199254740992', '9007199254740993', '1e400', '-1e400', '1.00000000000000000001'];

/** A whole number: both ends, one beyond each, no rounding anywhere. */
export function wholeNumbers(field: string, { minimum, maximum, otherwise, beside = {} }: Range): FieldCase[] {
  const beyond = maximum === Number.MAX_SAFE_INTEGER ? [] : [maximum + 1];
  return [
    ...[minimum, maximum].map((value) => shows(field, value, value, beside)),
    // One number, written in another way.
    caseOf(field, `${minimum + 1}.0e0`, beside, { kind: 'accepted', shown: minimum + 1 }),
    ...[minimum - 1, ...beyond].map((value) => {
      const [word, end] = value < minimum ? ['least', minimum] : ['most', maximum];
      return refuses(field, String(value), 'out_of_range', {
        message: new RegExp(`must be at ${word} ${end}$`),
        beside,
      });
    }),
    ...refusesTypes(field, '(integer|number)', [`"${minimum}"`, '1.5', 'true', '[]', '{}'], beside),
    ...INEXACT.map((json) => refuses(field, json, 'inexact_number', { message: /can be kept exactly/, beside })),
    ...(otherwise === REQUIRED
      ? [refuses(field, undefined, 'required', { beside }), refuses(field, 'null', 'wrong_type', { beside })]
      : defaultsTo(field, otherwise, beside)),
  ];
}

interface Length {
  readonly minimum: number;
  readonly maximum: number;
  readonly otherwise: unknown;
  readonly beside?: Beside;
  /** Default: `x`, as often as wanted. */
  readonly filler?: string;
}

/** A text: both lengths, one character beyond each. */
export function texts(field: string, { minimum, maximum, otherwise, beside = {}, filler = 'x' }: Length): FieldCase[] {
  const shorter =
    minimum === 0 ? [] : [refuses(field, '""', 'out_of_range', { message: /must be at least 1 char/, beside })];
  const message = new RegExp(`must be at most ${maximum} characters`);
  return [
    ...[minimum, maximum].map((length) => shows(field, filler.repeat(length), filler.repeat(length), beside)),
    ...shorter,
    refuses(field, JSON.stringify(filler.repeat(maximum + 1)), 'out_of_range', { message, beside }),
    ...refusesTypes(field, 'string', ['5', 'true', '["x"]', '{}'], beside),
    refuses(field, '"a\\u0000b"', 'invalid', { message: /NUL/, beside }),
    ...defaultsTo(field, otherwise, beside),
  ];
}
