import { withoutIgnored, type IgnoredMembers } from '../../http/bodies/vendor-members.ts';
import type { ContractWarning, ValidationFault } from '#libs/policy-contracts';

/** A member of the vendor's body that would change what is served, or for whom: refused, but for what says nothing. */
export interface RefusedMember {
  /** As in `IgnoredMembers`. */
  readonly path: string;
  /** Values that ask for what happens here anyway; null always does. */
  readonly isHarmless: (value: unknown) => boolean;
  /** Why it is refused, or what to write in its place. */
  readonly reason: string;
}

export interface VendorMembers {
  readonly ignored: IgnoredMembers;
  readonly refused: readonly RefusedMember[];
}

export const NO_VENDOR_MEMBERS: VendorMembers = { ignored: [], refused: [] };

/** True for each of the values. */
export const oneOf =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);

export const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

interface FoundValue {
  readonly field: string;
  readonly value: unknown;
}

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every value at a path, with the place it was found at. */
function valuesAt(from: unknown, steps: readonly string[], at = ''): FoundValue[] {
  const [step = '', ...rest] = steps;
  const name = step.endsWith('[]') ? step.slice(0, -2) : step;
  if (!isObject(from) || !Object.hasOwn(from, name)) return [];
  const field = at === '' ? name : `${at}.${name}`;
  const value = from[name];
  if (name !== step) {
    const items = Array.isArray(value) ? (value as unknown[]) : [];
    return items.flatMap((item, index) => valuesAt(item, rest, `${field}[${index}]`));
  }
  return rest.length === 0 ? [{ field, value }] : valuesAt(value, rest, field);
}

interface Sorted {
  /** The body with the members that mean something here. */
  readonly body: unknown;
  readonly warnings: readonly ContractWarning[];
  readonly faults: readonly ValidationFault[];
}

/** Takes the vendor's own members out of a body: what is harmless becomes a warning, what is not a fault. */
export function sortOut(sent: unknown, { ignored, refused }: VendorMembers): Sorted {
  const found = withoutIgnored(sent, ignored);
  const warnings = [...found.warnings];
  const faults: ValidationFault[] = [];
  for (const { path, isHarmless, reason } of refused) {
    for (const { field, value } of valuesAt(found.body, path.split('.'))) {
      if (value === null) continue;
      if (isHarmless(value)) warnings.push({ field, message: `${field} has no effect here` });
      else faults.push({ field, code: 'not_supported', message: `${field} is not supported: ${reason}` });
    }
  }
  const { body } = withoutIgnored(
    found.body,
    refused.map(({ path }) => path),
  );
  return { body, warnings, faults };
}
