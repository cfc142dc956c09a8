import { HOP_BY_HOP, namedInConnection } from '../upstream/hop-by-hop.ts';
import type { ClientFacts } from './client-facts.ts';
import { CORRELATION_HEADER, PSEUDONYM } from './gateway-faults.ts';
import type { RequestHead } from './request-head.ts';

/** Written by the gateway for each request, or by the connection to the upstream; a client's own never get through. */
const WRITTEN_HERE: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  CORRELATION_HEADER.toLowerCase(),
  'expect',
  'forwarded',
  'host',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]);

const NOTHING: ReadonlySet<string> = new Set();

/** Framing and routing, which no policy may set. */
const NEVER_SET_BY_A_POLICY: ReadonlySet<string> = new Set([...HOP_BY_HOP, 'content-length', 'expect', 'host']);

/** Other ways to say who the client is: believed from trusted proxies, else removed. */
const claimsAnEarlierHop = (name: string): boolean => name === 'x-real-ip' || name.startsWith('x-forwarded-');

/** Servers that hand headers on as CGI variables read `x_user` as `x-user`: one spelling decides for both. */
const canonicalName = (name: string): string => (name.includes('_') ? name.replaceAll('_', '-') : name);

export interface UpstreamHeaderInput {
  readonly head: RequestHead;
  readonly httpVersion: string;
  readonly client: ClientFacts;
  /** By lower-case name; `undefined` removes what the client sent. */
  readonly overrides: ReadonlyMap<string, string | undefined>;
  /** True when the body is held in memory: its length is then known better than the client said. */
  readonly isBodyHeld: boolean;
}

function clientHeaders({ head, client, overrides, isBodyHeld }: UpstreamHeaderInput): string[] {
  const { names, raw, connection } = head.headers;
  const named = connection === undefined ? undefined : namedInConnection(connection);
  const overridden = overrides.size === 0 ? NOTHING : new Set(Array.from(overrides.keys(), canonicalName));
  const isKept = (name: string): boolean => {
    // Framing stays what the parser took it for, whatever Connection says.
    if (name === 'content-length') return !isBodyHeld;
    const canonical = canonicalName(name);
    if (WRITTEN_HERE.has(canonical) || overridden.has(canonical) || named?.has(name) === true) return false;
    return client.isPeerTrusted || !claimsAnEarlierHop(canonical);
  };
  const headers: string[] = [];
  for (let index = 0; index < names.length; index += 1) {
    if (isKept(names[index] ?? '')) headers.push(raw[2 * index] ?? '', raw[2 * index + 1] ?? '');
  }
  return headers;
}

/** Headers for the upstream (name, value, name, value …): the client's end-to-end ones, the policies' and our own. */
export function upstreamHeaders(input: UpstreamHeaderInput): string[] {
  const { client, overrides } = input;
  const { te, via } = input.head.headers;
  const headers = clientHeaders(input);
  for (const [name, value] of overrides) {
    if (value !== undefined && !NEVER_SET_BY_A_POLICY.has(name)) headers.push(name, value);
  }
  if (te !== undefined && /(?:^|,)\s*trailers\s*(?:,|$)/i.test(te)) headers.push('TE', 'trailers');
  const ownVia = `${input.httpVersion} ${PSEUDONYM}`;
  headers.push('X-Forwarded-For', client.forwardedFor, 'X-Forwarded-Proto', client.forwardedProto);
  if (client.forwardedHost !== '') headers.push('X-Forwarded-Host', client.forwardedHost);
  if (client.forwarded !== '') headers.push('Forwarded', client.forwarded);
  headers.push('Via', via === undefined ? ownVia : `${via}, ${ownVia}`, CORRELATION_HEADER, client.correlationId);
  return headers;
}

const decodedName = (name: string): string => {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return name;
  }
};

/** The query without the parameters of these names, the rest as it was sent. */
export function visibleQuery(queryString: string, hidden: ReadonlySet<string>): string {
  if (hidden.size === 0 || queryString === '') return queryString;
  return queryString
    .split('&')
    .filter((pair) => !hidden.has(decodedName(pair.split('=', 1)[0] ?? '')))
    .join('&');
}
