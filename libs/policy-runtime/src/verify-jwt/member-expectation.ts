import type { JsonValue } from '#libs/jwt-engine';
import type { ExpectedMember, MemberType, ProxyArtifact, VerifyJwtContract } from '#libs/policy-contracts';
import {
  areExactlyEqual,
  compactText,
  exactItems,
  numberText,
  stringText,
  type ExactJson,
} from '../exact-json/exact-json.ts';
import { readUntrusted } from '../exact-json/read-untrusted.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { VariableValue } from '../exchange/variable-source.ts';
import { variableText } from '../exchange/variable-text.ts';
import { bindText } from '../linking/bound-text.ts';
import { compileMessageTemplate } from '../linking/message-template.ts';
import { rememberRecent } from '../linking/recent-results.ts';

/** Whether a claim or header is what the policy expects; an expected text that makes no sense fits nothing. */
type Fits = (actual: JsonValue, exact: ReadExact) => boolean;
/** The same value with the digits of its numbers, read when they are asked for. */
export type ReadExact = () => ExactJson;

const never: Fits = () => false;
const isObject = (value: JsonValue): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

function fitsNumber(text: string): Fits {
  const expected = readUntrusted(text.trim()) ?? null;
  const digits = numberText(expected);
  if (digits === undefined) return never;
  const double = Number(digits);
  return (actual, exact) => actual === double && areExactlyEqual(exact(), expected);
}

function fitsBoolean(text: string): Fits {
  const expected = text.trim().toLowerCase();
  return (actual) => typeof actual === 'boolean' && String(actual) === expected;
}

function fitsMap(text: string): Fits {
  const expected = readUntrusted(text);
  if (expected === undefined || !isObject(expected)) return never;
  return (actual, exact) => isObject(actual) && areExactlyEqual(exact(), expected);
}

/** One comparison per type (`verify-jwt.md` 3.6). A claim that is no string is compared by its compact JSON text. */
const BY_TYPE: Readonly<Record<MemberType, (text: string) => Fits>> = {
  string: (expected) => (actual, exact) => (typeof actual === 'string' ? actual : compactText(exact())) === expected,
  number: fitsNumber,
  boolean: fitsBoolean,
  map: fitsMap,
};

const itemText = (item: ExactJson): string => stringText(item) ?? compactText(item);
const commaItems = (text: string): readonly string[] => text.split(',').map((item) => item.trim());

/** Items of an array: a literal is a comma list (maps have commas inside, so a JSON array), a variable may be either. */
function itemsOf(value: VariableValue, type: MemberType, isLiteral: boolean): readonly string[] {
  if (typeof value === 'object' && !('text' in value)) return value;
  const text = variableText(value) ?? '';
  if (isLiteral && type !== 'map') return commaItems(text);
  return exactItems(readUntrusted(text) ?? null)?.map(itemText) ?? commaItems(text);
}

function fitsList(items: readonly string[], type: MemberType): Fits {
  const fits = items.map(BY_TYPE[type]);
  return (actual, exact) =>
    Array.isArray(actual) &&
    actual.length === fits.length &&
    fits.every((fitsItem, index) => {
      const exactItem: ReadExact = () => (exact() as readonly ExactJson[])[index] ?? null;
      return fitsItem((actual as readonly JsonValue[])[index] ?? null, exactItem);
    });
}

function fitsOf({ type, array }: ExpectedMember, value: VariableValue, isLiteral: boolean): Fits {
  if (array) return fitsList(itemsOf(value, type, isLiteral), type);
  return BY_TYPE[type](variableText(value) ?? '');
}

export interface MemberExpectation {
  readonly name: string;
  /** A variable that must be set, unless unresolved variables are ignored. */
  readonly reference: { readonly name: string; readonly isResolved: (exchange: Exchange) => boolean } | undefined;
  readonly isMet: (actual: JsonValue, exact: ReadExact, exchange: Exchange) => boolean;
}

/** The text of a map is a message template (`verify-jwt.md` 2.5), of the other types it is plain. */
const isTemplate = ({ type, value }: ExpectedMember): boolean => type === 'map' && value !== undefined;

/** The message templates among the texts of a policy's expected claims and headers. */
export const mapTemplatesOf = ({ additionalClaims, additionalHeaders }: VerifyJwtContract): string[] =>
  [additionalClaims, additionalHeaders]
    .flatMap((members) => members?.claims ?? [])
    .flatMap((member) => (isTemplate(member) ? [member.value ?? ''] : []));

/** How many different texts of one template are kept parsed. */
const KEPT_TEXTS = 16;

/** The variable, if there is one, else the template filled in; so it is never unresolved. */
function linkMap(member: ExpectedMember, template: string, artifact: ProxyArtifact): MemberExpectation {
  const bound = member.ref === undefined ? undefined : bindText({ ref: member.ref }, artifact);
  const fill = compileMessageTemplate(template);
  const fitsFilled = rememberRecent(KEPT_TEXTS, (text) => fitsOf(member, text, true));
  const expectedIn = (exchange: Exchange): Fits => {
    const value = bound?.kind === 'constant' ? bound.text : bound?.readValue(exchange);
    return value === undefined || value === '' ? fitsFilled(fill(exchange)) : fitsOf(member, value, false);
  };
  return {
    name: member.name,
    reference: undefined,
    isMet: (actual, exact, exchange) => expectedIn(exchange)(actual, exact),
  };
}

/** Prepares one expected claim or header; without value and ref only the empty text fits (13.7). */
export function linkExpectation(member: ExpectedMember, artifact: ProxyArtifact): MemberExpectation {
  const { name } = member;
  if (isTemplate(member)) return linkMap(member, member.value ?? '', artifact);
  const bound = bindText(member, artifact);
  if (bound.kind === 'constant') {
    const fits = fitsOf(member, bound.text, member.ref === undefined);
    return { name, reference: undefined, isMet: fits };
  }
  const isResolved = (exchange: Exchange): boolean => bound.readValue(exchange) !== undefined;
  return {
    name,
    reference: { name: bound.reference, isResolved },
    isMet: (actual, exact, exchange) => fitsOf(member, bound.readValue(exchange), false)(actual, exact),
  };
}
