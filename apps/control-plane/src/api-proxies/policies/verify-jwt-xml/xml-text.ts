import { isDocumentText } from '#libs/policy-contracts';

const NAMED = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['apos', "'"],
  ['quot', '"'],
]);
/** A reference, or an ampersand that begins none. */
const REFERENCE = /&(?:#x([0-9A-Fa-f]{1,6});|#([0-9]{1,7});|([A-Za-z][A-Za-z0-9]{0,31});)?/g;

/** XML 1.0 section 4.1: a reference leads to a character that could stand there itself. */
function characterOf(codePoint: number): string | undefined {
  const character = codePoint <= 0x10_ff_ff ? String.fromCodePoint(codePoint) : '';
  return character !== '' && isDocumentText(character) ? character : undefined;
}

function replacementOf(hex: string | undefined, decimal: string | undefined, name: string | undefined) {
  if (hex !== undefined) return characterOf(Number.parseInt(hex, 16));
  if (decimal !== undefined) return characterOf(Number.parseInt(decimal, 10));
  return name === undefined ? undefined : NAMED.get(name);
}

/**
 * Text with its references replaced, once each: the five names that XML itself has, and character references. Undefined
 * when it holds any other (XML 1.0 sections 4.1 and 4.6). What a document declares itself is never looked at.
 */
export function decodeReferences(raw: string): string | undefined {
  let isKnown = true;
  const decoded = raw.replace(REFERENCE, (_whole, hex?: string, decimal?: string, name?: string) => {
    const replacement = replacementOf(hex, decimal, name);
    if (replacement === undefined) isKnown = false;
    return replacement ?? '';
  });
  return isKnown ? decoded : undefined;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};
const escaped = (text: string, characters: RegExp): string =>
  text.replace(characters, (character) => ESCAPES[character] ?? character);

/** Text between tags. A carriage return would be read as a line feed (XML 1.0 section 2.11). */
export const encodeText = (text: string): string => escaped(text, /[&<>\r]/g);

/** Text of an attribute in double quotes, where every blank would be read as a space (XML 1.0 section 3.3.3). */
export const encodeAttribute = (text: string): string => escaped(text, /[&<>"\t\n\r]/g);
