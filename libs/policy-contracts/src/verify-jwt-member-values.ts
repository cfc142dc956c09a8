import { isFromCaller } from './verify-jwt-caller-variables.ts';
import { UNEXPANDED_TEMPLATE } from './verify-jwt-unexpanded.ts';

export const MEMBER_TYPES = ['string', 'number', 'boolean', 'map'] as const;
export type MemberType = (typeof MEMBER_TYPES)[number];

/** `{variable}` or `{function(…)}`: a brace that a name follows (`verify-jwt.md` 9.1). */
const TEMPLATE = /\{([A-Za-z_][^{}]*)\}/g;
/** Functions whose result cannot end the JSON text that it stands in. */
const HARMLESS = /^(?:escapeJSON|encodeBase64|md5|sha\d+)[A-Za-z0-9]*\(/;

function jsonFrom(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
const templatesIn = (text: string): string[] => [...text.matchAll(TEMPLATE)].map(([, inner = '']) => inner);

/** What each type's text must be for a claim to equal it; a string may be anything (`verify-jwt.md` 3.6). */
const SENSE: Readonly<Record<MemberType, { readonly isMade: (text: string) => boolean; readonly what: string }>> = {
  string: { isMade: () => true, what: 'text' },
  number: { isMade: (text) => typeof jsonFrom(text) === 'number', what: 'number' },
  boolean: { isMade: (text) => /^(?:true|false)$/i.test(text), what: 'boolean' },
  map: { isMade: (text) => templatesIn(text).length > 0 || isObject(jsonFrom(text)), what: 'JSON object' },
};

const commaItems = (text: string): string[] => text.split(',').map((item) => item.trim());

/** Maps have commas inside, so a list of them is a JSON array. */
function itemsOf(text: string, type: MemberType): string[] {
  const list = type === 'map' ? jsonFrom(text) : undefined;
  return Array.isArray(list) ? list.map((item) => JSON.stringify(item)) : commaItems(text);
}

const namesIn = (inner: string): string[] => inner.split(/[(),]/).map((name) => name.trim());
const injects = (inner: string): boolean => !HARMLESS.test(inner) && namesIn(inner).some(isFromCaller);

function mapWarnings(text: string): string[] {
  return [
    ...(templatesIn(text).some(injects)
      ? ['puts what the caller sends into JSON as it is; {escapeJSON(variable)} keeps it from becoming members']
      : []),
    ...(UNEXPANDED_TEMPLATE.test(text)
      ? ['seems to hold a template of another tool (${…}, ##…## or <% … %>) that was to be replaced first']
      : []),
  ];
}

/** What is risky about the text that a claim or header must equal, or keeps every token from passing. */
export function valueWarnings(text: string, type: MemberType, array: boolean): string[] {
  const { isMade, what } = SENSE[type];
  const isWhole = type === 'map' && templatesIn(text).length > 0;
  const items = array && !isWhole ? itemsOf(text, type) : [text];
  const sense = items.every(isMade) ? [] : [`is no ${what}${array ? ' list' : ''}, so nothing can ever equal it`];
  return [...sense, ...(type === 'map' ? mapWarnings(text) : [])];
}
