import { STATUS_CODES } from 'node:http';
import type { HeadText } from '../passed-head.ts';

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** The opposite of what may stand in a value or a reason phrase (RFC 9110 section 5.5); one character is one byte. */
const UNWRITABLE = /[^\t\x20-\x7e\x80-\xff]/;

const MS_PER_SECOND = 1_000;
let dateSecond = -1;
let dateLine = '';

/** For an answer that has none of its own (RFC 9110 section 6.6.1). Made once a second, not for each answer. */
export function currentDateLine(): string {
  const second = Math.floor(Date.now() / MS_PER_SECOND);
  if (second !== dateSecond) {
    dateSecond = second;
    dateLine = `Date: ${new Date(second * MS_PER_SECOND).toUTCString()}\r\n`;
  }
  return dateLine;
}

/** A line as it is written. @throws TypeError when a peer could read it as anything else */
export function headerLine(name: string, value: string): string {
  if (!TOKEN.test(name) || UNWRITABLE.test(value)) throw new TypeError('header line cannot be written');
  return `${name}: ${value}\r\n`;
}

function statusLineOf(status: number, reason: string): string {
  if (!Number.isInteger(status) || status < 200 || status > 999) throw new RangeError('status cannot be written');
  if (UNWRITABLE.test(reason)) throw new TypeError('reason phrase cannot be written');
  return `HTTP/1.1 ${status} ${reason === '' ? (STATUS_CODES[status] ?? 'unknown') : reason}\r\n`;
}

/** Lines (name, value, …) as they are written. @throws TypeError when a peer could read one as anything else */
export function linesText(headers: readonly string[]): string {
  let lines = '';
  for (let at = 0; at < headers.length; at += 2) lines += headerLine(headers[at] ?? '', headers[at + 1] ?? '');
  return lines;
}

/**
 * Status line and headers (name, value, …): what frames the answer is still to come.
 *
 * @throws TypeError, RangeError when they cannot be written
 */
export function headText(status: number, reason: string, headers: readonly string[]): HeadText {
  const statusLine = statusLineOf(status, reason);
  let lines = '';
  let hasLength = false;
  let hasDate = false;
  let areNames = true;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    areNames &&= TOKEN.test(name);
    lines += `${name}: ${headers[at + 1]}\r\n`;
    if (name.length === 4) hasDate ||= name.toLowerCase() === 'date';
    else if (name.length === 14) hasLength ||= name.toLowerCase() === 'content-length';
  }
  // One scan of all texts together is cheaper than one for each.
  if (!areNames || UNWRITABLE.test(headers.join(''))) throw new TypeError('headers cannot be written');
  return { text: statusLine + lines, hasLength, hasDate };
}

/** A whole interim answer; of an early hint only its links (RFC 8297). Undefined: it is none that is passed on. */
export function interimText(status: number, headers: readonly string[]): string | undefined {
  if (status === 102) return 'HTTP/1.1 102 Processing\r\n\r\n';
  const links = headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === 'link');
  if (status !== 103 || links.length === 0) return undefined;
  return `HTTP/1.1 103 Early Hints\r\n${headerLine('Link', links.join(', '))}\r\n`;
}
