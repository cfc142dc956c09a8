import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '#libs/program-shell';
import { failure } from './envelope.ts';
import { SECURITY_HEADERS } from './response-headers.ts';
import { pendingRequestId } from './request-log.ts';

interface Refusal {
  readonly status: number;
  readonly error: string;
  readonly message: string;
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, error: 'bad_request', message: 'the request took too long to arrive' },
  HPE_HEADER_OVERFLOW: { status: 431, error: 'bad_request', message: 'the headers are larger than 16 KiB' },
  HPE_INVALID_METHOD: { status: 400, error: 'bad_request', message: 'the method is not one of HTTP' },
};
const NO_HTTP: Refusal = { status: 400, error: 'bad_request', message: 'this is not a valid HTTP request' };
const EXPECTATION: Refusal = { status: 417, error: 'bad_request', message: 'Expect may only be 100-continue' };

const HEADERS = { ...SECURITY_HEADERS, 'content-type': 'application/json; charset=utf-8', connection: 'close' };

/** What was not even a request is answered in the envelope, too, and bears an id that is in the log. */
export function answerClientErrors(logger: Logger) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    const { status, error: code, message } = REFUSALS[error.code ?? ''] ?? NO_HTTP;
    const begun = pendingRequestId(socket);
    const requestId = begun ?? randomUUID();
    // What breaks off in the middle of a request ends that request: its line is written when the connection closes.
    if (begun === undefined) logger.info({ requestId, status, reason: error.code }, 'request');
    const body = JSON.stringify(failure(code, message));
    const headers = { ...HEADERS, 'x-request-id': requestId, 'content-length': Buffer.byteLength(body) };
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ];
    if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    socket.destroy(error);
  };
}

/** Node answers an `Expect` it does not know by itself, with nothing in it. */
export function answerExpectations(server: Server, logger: Logger): void {
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const requestId = randomUUID();
    const { status, error, message } = EXPECTATION;
    logger.info({ requestId, status }, 'request');
    const body = JSON.stringify(failure(error, message));
    response.writeHead(status, { ...HEADERS, 'x-request-id': requestId, 'content-length': Buffer.byteLength(body) });
    response.end(body);
  });
}
