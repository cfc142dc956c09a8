import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { HOP_BY_HOP } from '../../upstream/hop-by-hop.ts';

/** The head of a request as HTTP/2 frames carry it. */
export interface H2Head {
  readonly method: string;
  readonly target: string;
  readonly scheme: string;
  /** Name, value, …; the authority is a `host`, crumbs of a cookie are one line. */
  readonly rawHeaders: string[];
  /** Octets of names and values, as a limit counts them. */
  readonly sizeBytes: number;
}

/**
 * Reads the raw headers of a stream. A Host that says the same as the authority is left out; one that differs stays, and the
 * request is refused for having two (RFC 9113 section 8.3.1). Crumbs of a cookie: section 8.2.3.
 */
export function readH2Head(raw: readonly string[]): H2Head {
  const pseudo = { ':method': '', ':path': '', ':scheme': '', ':authority': undefined as string | undefined };
  const rawHeaders: string[] = [];
  const cookies: string[] = [];
  let sizeBytes = 0;
  for (let at = 0; at < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]];
    sizeBytes += name.length + value.length;
    if (name.startsWith(':')) Object.assign(pseudo, { [name]: value });
    else if (name === 'cookie') cookies.push(value);
    else if (name !== 'host' || !isSameText(pseudo[':authority'], value)) rawHeaders.push(name, value);
  }
  const { ':method': method, ':path': target, ':scheme': scheme, ':authority': authority } = pseudo;
  if (authority !== undefined) rawHeaders.unshift('host', authority);
  if (cookies.length > 0) rawHeaders.push('cookie', cookies.join('; '));
  return { method, target, scheme, rawHeaders, sizeBytes };
}

const isSameText = (a: string | undefined, b: string): boolean => a?.toLowerCase() === b.toLowerCase();

/** Their lines mean something each; the others are joined by a comma, which says the same (RFC 9110 section 5.3). */
const KEEPS_ITS_LINES: ReadonlySet<string> = new Set(['set-cookie', 'www-authenticate']);

/** Headers or trailers (name, value, …) as `node:http2` takes them; without those of a connection (RFC 9113 section 8.2.2). */
export function h2Headers(list: readonly string[]): OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (let at = 0; at < list.length; at += 2) {
    const name = (list[at] ?? '').toLowerCase();
    const value = list[at + 1] ?? '';
    if (HOP_BY_HOP.has(name)) continue;
    const held = headers[name];
    if (KEEPS_ITS_LINES.has(name)) headers[name] = [...(held ?? []), value];
    else headers[name] = held === undefined ? value : `${String(held)}, ${value}`;
  }
  return headers;
}

/** Trailers as they came, name, value, … */
export const trailerList = (trailers: IncomingHttpHeaders): string[] =>
  Object.entries(trailers).flatMap(([name, value]) => [value ?? []].flat().flatMap((line) => [name, line]));
