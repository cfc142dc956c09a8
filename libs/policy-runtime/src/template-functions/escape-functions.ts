import { onTexts, type NamedFunctions } from './template-function.ts';

const XML_ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
]);
const MARKUP = /[&<>"']/g;

const escapeMarkup = (text: string): string => text.replace(MARKUP, (character) => XML_ENTITIES.get(character) ?? '');
/** HTML 4 has no `&apos;`. */
const encodeHtml = (text: string): string => escapeMarkup(text).replaceAll('&apos;', '&#39;');

/* eslint-disable no-control-regex -- control characters are what these are about */
/** What may not stand in XML 1.0 (section 2.2), and what is better written as a number there. */
const NOT_IN_XML_10 = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu;
const NUMBERED_IN_XML_10 = /[\u007f-\u0084\u0086-\u009f]/g;
/** The same for XML 1.1 (section 2.2), which has room for control characters when they are written as numbers. */
const NOT_IN_XML_11 = /[\u0000\ufffe\uffff]|\p{Cs}/gu;
const NUMBERED_IN_XML_11 = /[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f]/g;
/* eslint-enable no-control-regex */

const escapeXml = (text: string, absent: RegExp, numbered: RegExp): string =>
  escapeMarkup(text.replace(absent, '')).replace(numbered, (character) => `&#${character.charCodeAt(0)};`);

export const ESCAPE_FUNCTIONS: NamedFunctions = [
  // A text inside the quotes of a JSON document.
  ['escapeJSON', onTexts(1, 1, (text) => JSON.stringify(text ?? '').slice(1, -1))],
  ['escapeXML', onTexts(1, 1, (text) => escapeXml(text ?? '', NOT_IN_XML_10, NUMBERED_IN_XML_10))],
  ['escapeXML11', onTexts(1, 1, (text) => escapeXml(text ?? '', NOT_IN_XML_11, NUMBERED_IN_XML_11))],
  ['encodeHTML', onTexts(1, 1, (text) => encodeHtml(text ?? ''))],
];
