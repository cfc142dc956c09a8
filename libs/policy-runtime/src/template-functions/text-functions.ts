import { onTexts, type NamedFunctions, type TemplateFunction } from './template-function.ts';

const INDEX = /^-?\d{1,9}$/;

/** `text, first, end`: characters from 0 on, `end` not included; a negative place counts from the end of the text. */
function substring(text: string, first = '', end?: string): string {
  if (!INDEX.test(first) || (end !== undefined && !INDEX.test(end))) return '';
  return text.slice(Number(first), end === undefined ? undefined : Number(end));
}

/** RFC 4648 section 4; the padding may be left out. Its URL alphabet and anything else gives nothing. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;
const decodeBase64 = (text: string): string => (BASE64.test(text) ? Buffer.from(text, 'base64').toString('utf8') : '');

/** The first argument that is set; the empty text is. */
const firstNonNull: TemplateFunction = {
  least: 1,
  most: 100,
  prepare: () => (values) => values.find((value) => value !== undefined) ?? '',
};

export const TEXT_FUNCTIONS: NamedFunctions = [
  ['substring', onTexts(2, 3, (text, first, end) => substring(text ?? '', first, end))],
  ['toLowerCase', onTexts(1, 1, (text) => (text ?? '').toLowerCase())],
  ['toUpperCase', onTexts(1, 1, (text) => (text ?? '').toUpperCase())],
  ['firstnonnull', firstNonNull],
  ['encodeBase64', onTexts(1, 1, (text) => Buffer.from(text ?? '', 'utf8').toString('base64'))],
  ['decodeBase64', onTexts(1, 1, (text) => decodeBase64(text ?? ''))],
];
