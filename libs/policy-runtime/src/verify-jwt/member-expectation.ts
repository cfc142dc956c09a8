import type { JsonValue } from '#libs/jwt-engine';
import type { ExpectedMember, MemberType, ProxyArtifact } from '#libs/policy-contracts';
import type { Exchange } from '../exchange/exchange.ts';
import type { VariableValue } from '../exchange/variable-source.ts';
import { variableText } from '../exchange/variable-text.ts';
import { bindText } from '../linking/bound-text.ts';
import { areJsonEqual, jsonFrom } from './json-equality.ts';

/** Whether a claim or header is what the policy expects; an expected text that makes no sense fits nothing. */
type Fits = (actual: JsonValue) => boolean;

const never: Fits = () => false;
const isObject = (value: JsonValue | undefined): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function fitsNumber(text: string): Fits {
  const expected = jsonFrom(text.trim());
  return typeof expected === 'number' ? (actual) => actual === expected : never;
}

function fitsBoolean(text: string): Fits {
  const expected = text.trim().toLowerCase();
  return (actual) => typeof actual === 'boolean' && String(actual) === expected;
}

function fitsMap(text: string): Fits {
  const expected = jsonFrom(text);
  return expected !== undefined && isObject(expected) ? (actual) => areJsonEqual(actual, expected) : never;
}

/** One comparison per type (`verify-jwt.md` 3.6). A claim that is no string is compared by its compact JSON text. */
const BY_TYPE: Readonly<Record<MemberType, (text: string) => Fits>> = {
  string: (expected) => (actual) => (typeof actual === 'string' ? actual : JSON.stringify(actual)) === expected,
  number: fitsNumber,
  boolean: fitsBoolean,
  map: fitsMap,
};

const itemText = (item: JsonValue): string => (typeof item === 'string' ? item : JSON.stringify(item));
const commaItems = (text: string): readonly string[] => text.split(',').map((item) => item.trim());

/** Items of an array: a literal is a comma list (maps have commas inside, so a JSON array), a variable may be either. */
function itemsOf(value: VariableValue, type: MemberType, isLiteral: boolean): readonly string[] {
  if (typeof value === 'object') return value;
  const text = variableText(value) ?? '';
  if (isLiteral && type !== 'map') return commaItems(text);
  const list = jsonFrom(text);
  return Array.isArray(list) ? (list as readonly JsonValue[]).map(itemText) : commaItems(text);
}

function fitsList(items: readonly string[], type: MemberType): Fits {
  const fits = items.map(BY_TYPE[type]);
  return (actual) =>
    Array.isArray(actual) &&
    actual.length === fits.length &&
    fits.every((fitsItem, index) => fitsItem((actual as readonly JsonValue[])[index] ?? null));
}

function fitsOf({ type, array }: ExpectedMember, value: VariableValue, isLiteral: boolean): Fits {
  if (array) return fitsList(itemsOf(value, type, isLiteral), type);
  return BY_TYPE[type](variableText(value) ?? '');
}

export interface MemberExpectation {
  readonly name: string;
  /** A variable that must be set, unless unresolved variables are ignored. */
  readonly reference: { readonly name: string; readonly isResolved: (exchange: Exchange) => boolean } | undefined;
  readonly isMet: (actual: JsonValue, exchange: Exchange) => boolean;
}

/** Prepares one expected claim or header; without value and ref only the empty text fits (13.7). */
export function linkExpectation(member: ExpectedMember, artifact: ProxyArtifact): MemberExpectation {
  const { name } = member;
  const bound = bindText(member, artifact);
  if (bound.kind === 'constant') {
    const fits = fitsOf(member, bound.text, member.ref === undefined);
    return { name, reference: undefined, isMet: (actual) => fits(actual) };
  }
  const isResolved = (exchange: Exchange): boolean => bound.readValue(exchange) !== undefined;
  return {
    name,
    reference: { name: bound.reference, isResolved },
    isMet: (actual, exchange) => fitsOf(member, bound.readValue(exchange), false)(actual),
  };
}
