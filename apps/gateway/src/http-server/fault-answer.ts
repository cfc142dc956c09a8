import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Fault } from '#libs/policy-runtime';
import { CORRELATION_HEADER } from './gateway-faults.ts';
import { writableReason } from './response-headers.ts';

/** Headers that the gateway itself decides, whatever an answer says. */
const DECIDED_HERE: ReadonlySet<string> = new Set([
  CORRELATION_HEADER.toLowerCase(),
  'connection',
  'content-length',
  'transfer-encoding',
]);

/** A complete answer that was made here: a fault, or what the token service says. */
export type ReadyAnswer = Pick<Fault, 'status' | 'headers' | 'body' | 'reasonPhrase'>;

/** Statuses whose answers have no body (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);
const bodyOf = ({ status, body }: ReadyAnswer): string => (WITHOUT_BODY.has(status) ? '' : body);

function headerList(answer: ReadyAnswer, correlationId: string): string[] {
  const own = answer.headers.filter(([name]) => !DECIDED_HERE.has(name.toLowerCase())).flat();
  own.push(CORRELATION_HEADER, correlationId);
  // RFC 9110 section 8.6: never in a 204; in a 304 it would speak of another answer.
  if (answer.status === 204 || answer.status === 304) return own;
  own.push('Content-Length', String(Buffer.byteLength(bodyOf(answer))));
  return own;
}

const statusTextOf = ({ status, reasonPhrase = '' }: ReadyAnswer): string =>
  writableReason(reasonPhrase) || (STATUS_CODES[status] ?? '');

/**
 * Writes a complete answer, unless the client is gone. When the client waits for `100 Continue` in vain, Node ends the
 * connection after it: whether a body follows would be a guess.
 */
export function writeAnswer(response: ServerResponse, answer: ReadyAnswer, correlationId: string): void {
  if (response.destroyed) return;
  // With a text of its own: an attempt that failed may have left one behind that Node refuses.
  response.writeHead(answer.status, statusTextOf(answer), headerList(answer, correlationId));
  const body = bodyOf(answer);
  if (body === '') response.end();
  // As bytes: Node would write the head in the encoding of a text that follows it, and the head is bytes already.
  else response.end(Buffer.from(body));
}

/** The answer when nothing else can follow: whatever goes wrong with it, the client does not wait for another. */
export function writeLastAnswer(response: ServerResponse, answer: ReadyAnswer, correlationId: string): void {
  if (response.headersSent) return void response.destroy();
  try {
    writeAnswer(response, answer, correlationId);
  } catch {
    response.destroy();
  }
}

/** An answer as bytes for a connection on which there is no request (yet) that Node would answer. */
export function rawAnswer(answer: ReadyAnswer, correlationId: string): string {
  const headers = [...headerList(answer, correlationId), 'Connection', 'close'];
  const lines = headers.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${headers[index + 1] ?? ''}`] : []));
  return [`HTTP/1.1 ${answer.status} ${statusTextOf(answer)}`, ...lines, '', bodyOf(answer)].join('\r\n');
}
