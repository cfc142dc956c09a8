import type { TransportRequest } from '../transport.ts';

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NOT_IN_A_TARGET = /[^\x21-\x7e\x80-\xff]/;
const NOT_IN_A_LINE = /[^\t\x20-\x7e\x80-\xff]/;

/** These usually have a body, so that its absence is to be said (RFC 9110 section 8.6). */
const METHODS_WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** How a request stands on the wire. */
export interface RequestText {
  /** Request line and headers, the empty line included; one character a byte. */
  readonly head: string;
  /** Of the body; -1 when it goes in chunks. */
  readonly lengthBytes: number;
}

function isSendable({ method, target, headers }: TransportRequest): boolean {
  for (let at = 0; at < headers.length; at += 2) {
    if (!TOKEN.test(headers[at] ?? '') || NOT_IN_A_LINE.test(headers[at + 1] ?? '')) return false;
  }
  return TOKEN.test(method) && !NOT_IN_A_TARGET.test(target) && target !== '';
}

/** What the headers declare: -1 nothing, NaN something that is no length. */
function declaredLength(headers: readonly string[]): number {
  let found = -1;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    if (name.length !== 14 || name.toLowerCase() !== 'content-length') continue;
    const value = headers[at + 1] ?? '';
    found = found === -1 && /^[0-9]{1,15}$/.test(value) ? Number(value) : NaN;
  }
  return found;
}

function lineOfLength({ method, body }: TransportRequest, declaredBytes: number): string {
  if (declaredBytes !== -1) return '';
  if (body === undefined) return METHODS_WITH_BODY.has(method) ? 'Content-Length: 0\r\n' : '';
  return Buffer.isBuffer(body) ? `Content-Length: ${body.length}\r\n` : 'Transfer-Encoding: chunked\r\n';
}

/**
 * @param host value of `Host`
 * @returns undefined when something of it must not be sent: a control character, a length that is not the body's
 */
export function requestText(request: TransportRequest, host: string): RequestText | undefined {
  const { method, target, headers, body, upgrade } = request;
  if (!isSendable(request)) return undefined;
  const declaredBytes = declaredLength(headers);
  const isStreamed = body !== undefined && !Buffer.isBuffer(body);
  const heldBytes = Buffer.isBuffer(body) ? body.length : 0;
  if (Number.isNaN(declaredBytes)) return undefined;
  if (!isStreamed && declaredBytes !== -1 && declaredBytes !== heldBytes) return undefined;
  let head = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n`;
  for (let at = 0; at < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`;
  if (upgrade !== undefined) head += `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`;
  head += lineOfLength(request, declaredBytes) + '\r\n';
  return { head, lengthBytes: isStreamed ? declaredBytes : heldBytes };
}
