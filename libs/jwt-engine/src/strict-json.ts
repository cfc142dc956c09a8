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

const endOfString = (text: string, start: number): number => {
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at += 1;
  }
  return text.length;
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

const parse = (text: string): JsonValue | undefined => {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    // The error quotes the text; whoever refuses must not be able to repeat it.
    return undefined;
  }
};

/**
 * Reads bytes that must be the UTF-8 text of one JSON object without repeated member names (RFC 7519 section 4,
 * RFC 8725 section 3.7); undefined for anything else.
 *
 * JSON.parse keeps the last of two equal names, so a document has a repeated one exactly when it writes more
 * members than were parsed. That holds for escaped spellings too, and `__proto__` becomes an ordinary own member.
 */
export const parseJsonObject = (bytes: Buffer): ParsedObject | undefined => {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  const written = countWrittenMembers(text);
  if (written === undefined) return undefined;
  const value = parse(text);
  if (value === undefined || !isObject(value)) return undefined;
  return countParsedMembers(value) === written ? { value, text } : undefined;
};
