import type { ValidationFault } from './validation-fault.ts';
import { VERIFY_JWT_SCHEMA, type RawVerifyJwt } from './verify-jwt-schema.ts';

/** A body with more faults of its shape than this is no policy that a person wrote. */
const MOST_FAULTS = 50;
/** Without these, others would seem to be missing or insecure. */
const DECIDES_ON_OTHERS = /^policy\.(?:algorithms?|allowedJwksHosts)\b/;

const stepsOf = (field: string): string[] => (field.match(/[^.[\]]+/g) ?? []).slice(1);

function without(input: unknown, [step, ...rest]: readonly string[]): unknown {
  if (step === undefined) return undefined;
  if (Array.isArray(input)) {
    return input.map((item: unknown, index) => (String(index) === step ? without(item, rest) : item));
  }
  if (typeof input !== 'object' || input === null || !Object.hasOwn(input, step)) return input;
  return Object.fromEntries(
    Object.entries(input).flatMap(([name, member]: [string, unknown]) => {
      const left = name === step ? without(member, rest) : member;
      return left === undefined ? [] : [[name, left]];
    }),
  );
}

/** The body without what its shape forbids; undefined: there is no such rest. */
function soundMembersOf(input: unknown, faults: readonly ValidationFault[]): unknown {
  if (faults.length > MOST_FAULTS || faults.some(({ field }) => DECIDES_ON_OTHERS.test(field))) return undefined;
  return faults.reduce((left, { field }) => without(left, stepsOf(field)), input);
}

const holds = (outer: string, inner: string): boolean =>
  inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`);

/** What is wrong with the members that the shape allows, as far as it does not come from those that it forbids. */
export function faultsBeside(
  shape: readonly ValidationFault[],
  input: unknown,
  judge: (rest: RawVerifyJwt) => readonly ValidationFault[],
): ValidationFault[] {
  const rest = VERIFY_JWT_SCHEMA.safeParse(soundMembersOf(input, shape));
  if (!rest.success) return [];
  const comesFrom = (field: string) => shape.some((fault) => holds(field, fault.field) || holds(fault.field, field));
  return judge(rest.data).filter(({ field }) => !comesFrom(field));
}
