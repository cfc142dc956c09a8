import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Fault } from '#libs/policy-runtime';
import { CORRELATION_HEADER } from './gateway-faults.ts';

/** Headers that the gateway itself decides, whatever an answer says. */
const DECIDED_HERE: ReadonlySet<string> = new Set([
  CORRELATION_HEADER.toLowerCase(),
  'connection',
  'content-length',
  'transfer-encoding',
]);

/** A complete answer that was made here: a fault, or what the token service says. */
export type ReadyAnswer = Pick<Fault, 'status' | 'headers' | 'body'>;

function headerList(answer: ReadyAnswer, correlationId: string): string[] {
  const own = answer.headers.filter(([name]) => !DECIDED_HERE.has(name.toLowerCase())).flat();
  own.push(CORRELATION_HEADER, correlationId, 'Content-Length', String(Buffer.byteLength(answer.body)));
  return own;
}

/**
 * Writes a complete answer, unless the client is gone. When the client waits for `100 Continue` in vain, Node ends the
 * connection after it: whether a body follows would be a guess.
 */
export function writeAnswer(response: ServerResponse, answer: ReadyAnswer, correlationId: string): void {
  if (response.destroyed) return;
  // With a text of its own: an attempt that failed may have left one behind that Node refuses.
  response.writeHead(answer.status, STATUS_CODES[answer.status] ?? '', headerList(answer, correlationId));
  response.end(answer.body);
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
  return [`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`, ...lines, '', answer.body].join('\r\n');
}
