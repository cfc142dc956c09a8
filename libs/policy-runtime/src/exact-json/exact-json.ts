import { compareDecimals } from './decimal.ts';

/**
 * A JSON value whose numbers keep their text, which `JSON.parse` rounds to what a double holds. A text is kept with `s` in
 * front, a number with `n`; names of members have an `s` in front too, so that they stay in the order they were written in.
 */
export type ExactJson = string | boolean | null | readonly ExactJson[] | { readonly [name: string]: ExactJson };

const TEXT = 's';
const NUMBER = 'n';
/** Texts, and outside of them numbers. */
const TEXT_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

const isList = (value: ExactJson): value is readonly ExactJson[] => Array.isArray(value);
const isNumber = (value: ExactJson): value is string => typeof value === 'string' && value.startsWith(NUMBER);

/** Reads a text that is known to be JSON, and to nest no deeper than who walks the value may go. */
export const readExactly = (text: string): ExactJson =>
  JSON.parse(
    text.replace(TEXT_OR_NUMBER, (part) => (part.startsWith('"') ? `"${TEXT}${part.slice(1)}` : `"${NUMBER}${part}"`)),
  ) as ExactJson;

/** A member of an object; undefined when there is none of this name. */
export function exactMember(value: ExactJson | undefined, name: string): ExactJson | undefined {
  if (value === undefined || typeof value !== 'object' || value === null || isList(value)) return undefined;
  return Object.hasOwn(value, TEXT + name) ? value[TEXT + name] : undefined;
}

/** Names of an object's members, in the order they were written in. */
export const exactNames = (value: ExactJson): string[] =>
  typeof value !== 'object' || value === null || isList(value)
    ? []
    : Object.keys(value).map((name) => name.slice(TEXT.length));

/** The text of a number as it was written; undefined for anything else. */
export const numberText = (value: ExactJson): string | undefined =>
  isNumber(value) ? value.slice(NUMBER.length) : undefined;

/** The text that a JSON string means; undefined for anything else. */
export const stringText = (value: ExactJson): string | undefined =>
  typeof value === 'string' && value.startsWith(TEXT) ? value.slice(TEXT.length) : undefined;

/** Compact JSON with the digits of its numbers as they were written. */
export function compactText(value: ExactJson): string {
  if (typeof value === 'string') return numberText(value) ?? JSON.stringify(value.slice(TEXT.length));
  if (typeof value !== 'object' || value === null) return String(value);
  if (isList(value)) return `[${value.map(compactText).join(',')}]`;
  const members = Object.entries(value).map(([name, member]) => `${compactText(name)}:${compactText(member)}`);
  return `{${members.join(',')}}`;
}

/** The items of a list; undefined for anything else. */
export const exactItems = (value: ExactJson): readonly ExactJson[] | undefined => (isList(value) ? value : undefined);

type Members = Readonly<Record<string, ExactJson>>;
const isObject = (value: ExactJson): value is Members => typeof value === 'object' && value !== null && !isList(value);

function haveEqualMembers(left: Members, right: Members): boolean {
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => Object.hasOwn(right, name) && areExactlyEqual(left[name] ?? null, right[name] ?? null));
}

/** Deep equality: numbers by their value, exactly; an object's members in any order, a list's items in theirs. */
export function areExactlyEqual(left: ExactJson, right: ExactJson): boolean {
  if (left === right) return true;
  if (isNumber(left) && isNumber(right)) return compareDecimals(left.slice(1), right.slice(1)) === 0;
  if (isList(left) && isList(right)) {
    return left.length === right.length && left.every((item, index) => areExactlyEqual(item, right[index] ?? null));
  }
  return isObject(left) && isObject(right) && haveEqualMembers(left, right);
}
