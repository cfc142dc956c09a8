/**
 * Headers that concern one connection only (RFC 9110 section 7.6.1, RFC 9112 section 9), never passed on in either
 * direction. `trailer` is among them: trailers that may be passed on are, but nothing promises them, since not every connection
 * has a place for them and not each of them may pass (RFC 9110 section 6.6.2 leaves the announcement to the sender).
 */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The header names (lower case) that a Connection header declares to be hop-by-hop; `undefined` when none. */
export function namedInConnection(connection: string): ReadonlySet<string> | undefined {
  const names = connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'close' && name !== 'keep-alive');
  return names.length === 0 ? undefined : new Set(names);
}
