import { HOP_BY_HOP } from './hop-by-hop.ts';

/**
 * A field that must not come late (RFC 9110 section 6.5.1). What the gateway says of the client is among them: there are
 * servers that add trailers to the headers, where a client's own would stand beside or above it.
 */
const NEVER_A_TRAILER: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'authorization',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'forwarded',
  'host',
  'set-cookie',
  'via',
  'x-real-ip',
]);

const isNeverATrailer = (name: string): boolean => NEVER_A_TRAILER.has(name) || name.startsWith('x-forwarded-');

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What Node writes as the value of a header; it throws at anything else. */
const WRITABLE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Trailers that may be passed on, in either direction: name, value, … */
export function forwardableTrailers(raw: readonly string[]): string[] {
  return raw.flatMap((name, at): string[] => {
    const value = raw[at + 1] ?? '';
    const isKept =
      at % 2 === 0 &&
      !isNeverATrailer(name.toLowerCase().replaceAll('_', '-')) &&
      TOKEN.test(name) &&
      WRITABLE.test(value);
    return isKept ? [name, value] : [];
  });
}
