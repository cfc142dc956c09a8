import { HOP_BY_HOP, namedInConnection } from '../upstream/hop-by-hop.ts';
export { forwardableTrailers } from '../upstream/forwardable-trailers.ts';
import { CORRELATION_HEADER } from './gateway-faults.ts';
import { lowerCaseName } from './known-header-names.ts';

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What Node writes as the value of a header or as a reason phrase; it throws at anything else. */
const WRITABLE = /^[\t\x20-\x7e\x80-\xff]*$/;

const isWritableLine = (name: string, value: string): boolean => TOKEN.test(name) && WRITABLE.test(value);

/** The upstream's reason phrase, or `''` when it cannot be passed on: it carries no meaning (RFC 9112 section 4). */
export const writableReason = (statusText: string): string => (WRITABLE.test(statusText) ? statusText : '');

/** The lines (name, value, …) whose lower-case name is to be kept, in their order. */
function linesWhere(headers: readonly string[], isKept: (name: string) => boolean): string[] {
  return headers.filter((_, at) => isKept((headers[at - (at % 2)] ?? '').toLowerCase()));
}

const REMOVED: ReadonlySet<string> = new Set([...HOP_BY_HOP, CORRELATION_HEADER.toLowerCase()]);

/** The upstream's end-to-end headers, name, value, name, value. A line that cannot be written is left out. */
export function endToEndHeaders(received: readonly string[]): string[] {
  const headers: string[] = [];
  let connection = '';
  for (let at = 0; at < received.length; at += 2) {
    const [line, value] = [received[at] ?? '', received[at + 1] ?? ''];
    const name = lowerCaseName(line);
    if (name === 'connection') connection = `${connection},${value}`;
    else if (!REMOVED.has(name) && isWritableLine(line, value)) headers.push(line, value);
  }
  if (connection === '' || connection === ',keep-alive') return headers;
  const named = namedInConnection(connection);
  // Framing stays what the parser took it for, whatever Connection says.
  return named === undefined ? headers : linesWhere(headers, (name) => name === 'content-length' || !named.has(name));
}

/** The headers of a 1xx or 204: RFC 9110 section 8.6 has no `Content-Length` there, in a 304 it may be. */
export const withoutLength = (headers: readonly string[]): string[] =>
  linesWhere(headers, (name) => name !== 'content-length');

/** Headers by lower-case name for the response policies; lines of one name are joined by a comma. */
export function headerMap(headers: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let at = 0; at < headers.length; at += 2) {
    const name = (headers[at] ?? '').toLowerCase();
    const held = map.get(name);
    const value = headers[at + 1] ?? '';
    map.set(name, held === undefined ? value : `${held}, ${value}`);
  }
  return map;
}

/** What a policy says of these is not heard: they are the connection's, the body's that is passed on, and the gateway's own. */
const NEVER_CHANGED: ReadonlySet<string> = new Set([...REMOVED, 'content-length']);

/** The headers after policies changed the map: lines of untouched names stay as they were (two Set-Cookie stay two). */
export function withChanges(headers: readonly string[], changed: ReadonlyMap<string, string>): string[] {
  const before = headerMap(headers);
  const result = linesWhere(headers, (name) => NEVER_CHANGED.has(name) || changed.get(name) === before.get(name));
  for (const [name, value] of changed) {
    if (before.get(name) !== value && !NEVER_CHANGED.has(name)) result.push(name, value);
  }
  return result;
}
