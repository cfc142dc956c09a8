import { HOP_BY_HOP, namedInConnection } from '../upstream/hop-by-hop.ts';
import { CORRELATION_HEADER } from './gateway-faults.ts';

/** A field that must not come late (RFC 9110 section 6.5.1). */
const NEVER_A_TRAILER: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'authorization',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'host',
  'set-cookie',
]);

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

/** The upstream's end-to-end headers, name, value, name, value. A line that cannot be written is left out. */
export function endToEndHeaders(received: readonly string[]): string[] {
  const raw = received.filter((_, at) => {
    const start = at - (at % 2);
    return isWritableLine(received[start] ?? '', received[start + 1] ?? '');
  });
  const connection = raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === 'connection');
  const named = namedInConnection(connection.join(','));
  return linesWhere(raw, (name) => {
    // Framing stays what the parser took it for, whatever Connection says.
    if (name === 'content-length') return true;
    return !HOP_BY_HOP.has(name) && name !== CORRELATION_HEADER.toLowerCase() && named?.has(name) !== true;
  });
}

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

/** What a policy says of these is not heard: they belong to the connections and to the body that is passed on. */
const NEVER_CHANGED: ReadonlySet<string> = new Set([...HOP_BY_HOP, 'content-length']);

/** The headers after policies changed the map: lines of untouched names stay as they were (two Set-Cookie stay two). */
export function withChanges(headers: readonly string[], changed: ReadonlyMap<string, string>): string[] {
  const before = headerMap(headers);
  const result = linesWhere(headers, (name) => NEVER_CHANGED.has(name) || changed.get(name) === before.get(name));
  for (const [name, value] of changed) {
    if (before.get(name) !== value && !NEVER_CHANGED.has(name)) result.push(name, value);
  }
  return result;
}

/** Trailers that may be passed on, as pairs. */
export function forwardableTrailers(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, at): [string, string][] => {
    const value = raw[at + 1] ?? '';
    const isKept = at % 2 === 0 && !NEVER_A_TRAILER.has(name.toLowerCase()) && isWritableLine(name, value);
    return isKept ? [[name, value]] : [];
  });
}
