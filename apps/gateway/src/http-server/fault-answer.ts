import { STATUS_CODES } from 'node:http';
import type { Fault } from '#libs/policy-runtime';
import type { ClientAnswer } from './client-exchange.ts';
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
  const own: string[] = [];
  for (const [name, value] of answer.headers) {
    if (!DECIDED_HERE.has(name.toLowerCase())) own.push(name, value);
  }
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
export function writeAnswer(to: ClientAnswer, answer: ReadyAnswer, correlationId: string): void {
  if (to.isGone) return;
  to.whole(answer.status, statusTextOf(answer), headerList(answer, correlationId), bodyOf(answer));
}

/** The answer when nothing else can follow: whatever goes wrong with it, the client does not wait for another. */
export function writeLastAnswer(to: ClientAnswer, answer: ReadyAnswer, correlationId: string): void {
  if (to.isBegun) return to.breakOff();
  try {
    writeAnswer(to, answer, correlationId);
  } catch {
    to.breakOff();
  }
}

/** An answer as bytes for a connection on which there is no request (yet) that Node would answer. */
export function rawAnswer(answer: ReadyAnswer, correlationId: string): string {
  const headers = [...headerList(answer, correlationId), 'Connection', 'close'];
  const lines = headers.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${headers[index + 1] ?? ''}`] : []));
  return [`HTTP/1.1 ${answer.status} ${statusTextOf(answer)}`, ...lines, '', bodyOf(answer)].join('\r\n');
}
