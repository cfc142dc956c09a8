import { isUtf8 } from 'node:buffer';
import { type JsonObject, type JsonValue } from './json-value.ts';

/** Deeper documents are refused (RFC 8259 section 9 allows a limit), so that nobody who walks one can run out of stack. */
export const MAX_JSON_DEPTH = 64;
/**
 * Most values in a document, counted by commas and brackets. A signed token has no room for so many; 256 KiB that came out of
 * 800 compressed characters have, and every value costs whoever reads it.
 */
export const MAX_JSON_VALUES = 16_384;

export interface ParsedObject {
  readonly value: JsonObject;
  readonly text: string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const endOfEscapedString = (text: string, start: number): number => {
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at += 1;
  }
  return text.length;
};

/** The position of the quote that ends a string, or the text's length. A quote that follows no backslash is the end for certain. */
const endOfString = (text: string, start: number): number => {
  const quote = text.indexOf('"', start);
  return quote >= start && text.charCodeAt(quote - 1) !== BACKSLASH ? quote : endOfEscapedString(text, start);
};

const isBlankFrom = (text: string, at: number): boolean => at === text.length || /^[ \t\r\n]+$/.test(text.slice(at));

/** Whether a document with so many values may end here. */
const isEnd = (text: string, at: number, values: number): boolean => values <= MAX_JSON_VALUES && isBlankFrom(text, at);

/**
 * Counts the members written in the text of a JSON object; undefined when it nests too deep, has too many values, does not
 * end or is not all of the text.
 */
const countWrittenMembers = (text: string): number | undefined => {
  let members = 0;
  let values = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at + 1);
        break;
      case COLON:
        members += 1;
        break;
      case COMMA:
        values += 1;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        values += 1;
        depth += 1;
        if (depth > MAX_JSON_DEPTH) return undefined;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth -= 1;
        if (depth === 0) return isEnd(text, at + 1, values) ? members : undefined;
        break;
    }
  }
  return undefined;
};

type Nested = readonly JsonValue[] | JsonObject;
const isNested = (value: JsonValue | undefined): value is Nested => typeof value === 'object' && value !== null;
const isList = (value: Nested): value is readonly JsonValue[] => Array.isArray(value);

const countMembersInList = (items: readonly JsonValue[]): number => {
  let members = 0;
  for (const item of items) if (isNested(item)) members += countParsedMembers(item);
  return members;
};

/** `for … in` makes no list of a flat object's values; JSON.parse gives own members alone. */
const countParsedMembers = (value: Nested): number => {
  if (isList(value)) return countMembersInList(value);
  let members = 0;
  for (const name in value) {
    const inner = value[name];
    members += 1;
    if (isNested(inner)) members += countParsedMembers(inner);
  }
  return members;
};

/** The names in the text of a sound object, as they are written, quotes and all. */
const writtenNames = (text: string): string[] => {
  const names: string[] = [];
  const colon = /[ \t\r\n]*:/y;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', colon.lastIndex)) {
    const end = endOfString(text, at + 1) + 1;
    colon.lastIndex = end;
    if (colon.test(text)) names.push(text.slice(at, end));
    else colon.lastIndex = end;
  }
  return names;
};

const addParsedNames = (value: Nested, names: string[]): string[] => {
  for (const [name, inner] of Object.entries(value)) {
    if (!isList(value)) names.push(name);
    if (isNested(inner)) addParsedNames(inner, names);
  }
  return names;
};

/**
 * Some engines (V8 of Node 24 and 26, https://github.com/nodejs/node/issues/63785) take an escaped name for another one of
 * an earlier document, which hides a repeated name. Each name is read right by itself, so what was read is compared with that.
 */
const hasNamesMisread = (text: string, value: JsonObject): boolean => {
  const written = text.includes('\\') ? writtenNames(text) : [];
  if (!written.some((name) => name.includes('\\'))) return false;
  const names = written.map((name) => JSON.parse(name) as string).sort();
  const parsed = addParsedNames(value, []).sort();
  return names.some((name, at) => name !== parsed[at]);
};

/** Tells most of what is no object before JSON.parse throws, which costs whoever refuses. */
const beginsAsObject = (text: string): boolean => text.charCodeAt(0) === OPEN_BRACE || /^[ \t\r\n]*\{/.test(text);

/**
 * Anybody can send what is no JSON, so refusing it must be cheap: an error that looks at no stack costs a third of
 * an ordinary one, and no more when it is thrown from deep below. Nothing else runs while the limit is down.
 */
const parse = (text: string): JsonObject | undefined => {
  const usualLimit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    // The error quotes the text; whoever refuses must not be able to repeat it.
    return undefined;
  } finally {
    Error.stackTraceLimit = usualLimit;
  }
};

/**
 * The text of the bytes, or undefined when they are not UTF-8 (RFC 3629 section 3). A byte order mark stays in the text.
 * Whatever is not UTF-8 decodes to U+FFFD, so only texts that hold one need a second look.
 */
export const utf8TextOf = (bytes: Buffer): string | undefined => {
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') && !isUtf8(bytes) ? undefined : text;
};

/**
 * Reads the text of one JSON object without repeated member names (RFC 7519 section 4, RFC 8725 section 3.7);
 * undefined for anything else.
 *
 * JSON.parse keeps the last of two equal names, so a document has a repeated one exactly when it writes more
 * members than were parsed. That holds for escaped spellings too, and `__proto__` becomes an ordinary own member.
 * Where JSON.parse has misread an escaped name, the text is refused.
 */
export const parseJsonText = (text: string): ParsedObject | undefined => {
  const written = beginsAsObject(text) ? countWrittenMembers(text) : undefined;
  const value = written === undefined ? undefined : parse(text);
  if (value === undefined || countParsedMembers(value) !== written) return undefined;
  return hasNamesMisread(text, value) ? undefined : { value, text };
};

/** Reads bytes that must be the UTF-8 text of an object as `parseJsonText` wants it. */
export const parseJsonObject = (bytes: Buffer): ParsedObject | undefined => {
  const text = utf8TextOf(bytes);
  return text === undefined ? undefined : parseJsonText(text);
};
