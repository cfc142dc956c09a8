import { isUtf8 } from 'node:buffer';
import { type JsonObject, type JsonValue } from './json-value.ts';

/** Deeper documents are refused (RFC 8259 section 9 allows a limit), so that nobody who walks one can run out of stack. */
export const MAX_JSON_DEPTH = 64;

export interface ParsedObject {
  readonly value: JsonObject;
  readonly text: string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
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

/** Counts the members written in the text of a JSON document; undefined when it nests too deep. */
const countWrittenMembers = (text: string): number | undefined => {
  let members = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at + 1);
        break;
      case COLON:
        members += 1;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth += 1;
        if (depth > MAX_JSON_DEPTH) return undefined;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth -= 1;
        break;
    }
  }
  return members;
};

const countParsedMembers = (value: JsonValue): number => {
  if (typeof value !== 'object' || value === null) return 0;
  const values = Object.values<JsonValue>(value);
  let members = Array.isArray(value) ? 0 : values.length;
  for (const inner of values) if (typeof inner === 'object') members += countParsedMembers(inner);
  return members;
};

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Anybody can send what is no JSON, so refusing it must be cheap: an error that looks at no stack costs a third of
 * an ordinary one, and no more when it is thrown from deep below. Nothing else runs while the limit is down.
 */
const parse = (text: string): JsonValue | undefined => {
  const usualLimit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    // The error quotes the text; whoever refuses must not be able to repeat it.
    return undefined;
  } finally {
    Error.stackTraceLimit = usualLimit;
  }
};

/** The text of the bytes, or undefined when they are not UTF-8 (RFC 3629 section 3). A byte order mark stays in the text. */
export const utf8TextOf = (bytes: Buffer): string | undefined => (isUtf8(bytes) ? bytes.toString('utf8') : undefined);

/**
 * Reads the text of one JSON object without repeated member names (RFC 7519 section 4, RFC 8725 section 3.7);
 * undefined for anything else.
 *
 * JSON.parse keeps the last of two equal names, so a document has a repeated one exactly when it writes more
 * members than were parsed. That holds for escaped spellings too, and `__proto__` becomes an ordinary own member.
 */
export const parseJsonText = (text: string): ParsedObject | undefined => {
  const written = countWrittenMembers(text);
  if (written === undefined) return undefined;
  const value = parse(text);
  if (value === undefined || !isObject(value)) return undefined;
  return countParsedMembers(value) === written ? { value, text } : undefined;
};

/** Reads bytes that must be the UTF-8 text of an object as `parseJsonText` wants it. */
export const parseJsonObject = (bytes: Buffer): ParsedObject | undefined => {
  const text = utf8TextOf(bytes);
  return text === undefined ? undefined : parseJsonText(text);
};
