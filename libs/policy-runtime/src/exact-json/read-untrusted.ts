import { readExactly, type ExactJson } from './exact-json.ts';

/** Deeper documents are not read (RFC 8259 section 9 allows a limit): whoever walks one must not run out of stack. */
const MAX_DEPTH = 64;
const TEXT_OR_BRACKET = /"[^"\\]*(?:\\.[^"\\]*)*"|[[{]|[\]}]/g;

/** Of a text that is JSON: in any other one the search for closing quotes would not be linear. */
function nestsTooDeep(text: string): boolean {
  let depth = 0;
  for (const [part] of text.matchAll(TEXT_OR_BRACKET)) {
    if (part === '[' || part === '{') depth += 1;
    else if (part === ']' || part === '}') depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Reads any text; undefined when it is not JSON, or nests too deep. */
export const readUntrusted = (text: string): ExactJson | undefined =>
  !isJson(text) || nestsTooDeep(text) ? undefined : readExactly(text);
