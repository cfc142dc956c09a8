import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

/** Without anything coming or going. */
export const ANSWER_WITHIN_MS = 30_000;

export interface SoakQuestion {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** The body goes without a length, in pieces of so many bytes. */
  readonly chunkBytes?: number;
  /** Reads for so long and then not for as long, over and over. */
  readonly slowMs?: number;
  /** Goes away as soon as this has come. */
  readonly leaveAt?: 'head';
  /** Over a connection of its own; of no meaning to HTTP/2. */
  readonly isAlone?: boolean;
}

export interface SoakAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** Whether the connection had served a request before. */
  readonly cameByKept?: boolean;
}

/** Requests of one client over HTTP/1.1, one after the other, on one connection. */
export class Http1Connection {
  private readonly agent: http.Agent;

  constructor(
    private readonly origin: string,
    /** Certificate of a gateway that speaks TLS. */
    private readonly trusted?: string,
  ) {
    const options = { keepAlive: true, maxSockets: 1 };
    this.agent = trusted === undefined ? new http.Agent(options) : new https.Agent({ ...options, ca: trusted });
  }

  /** @throws Error when no whole answer comes */
  async ask(question: SoakQuestion): Promise<SoakAnswer> {
    const { body, chunkBytes, slowMs, leaveAt } = question;
    const request = this.opened(question);
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    let response = undefined as IncomingMessage | undefined;
    // Once the head is there, only the reading of the body is told why it ends; and nobody listens to the request.
    request.on('error', () => undefined);
    request.on('timeout', () =>
      (response ?? request).destroy(new Error(`nothing came or went for ${ANSWER_WITHIN_MS} ms`)),
    );
    if (body === undefined) request.end();
    else writeInPieces(request, body, chunkBytes);
    [response] = await answered;
    const { statusCode: status = 0, headers } = response;
    const answer = { status, headers, cameByKept: request.reusedSocket };
    if (leaveAt === 'head') {
      response.on('error', () => undefined);
      response.destroy();
      return { ...answer, body: Buffer.alloc(0) };
    }
    return { ...answer, body: await readAll(response, slowMs) };
  }

  close(): void {
    this.agent.destroy();
  }

  private opened({ path, method = 'GET', headers, body, chunkBytes, isAlone }: SoakQuestion): http.ClientRequest {
    const length = body === undefined || chunkBytes !== undefined ? {} : { 'content-length': body.length };
    const options = {
      ...{ agent: isAlone === true ? (false as const) : this.agent, method, timeout: ANSWER_WITHIN_MS },
      headers: { ...headers, ...(isAlone === true ? { connection: 'close' } : {}), ...length },
    };
    const url = `${this.origin}${path}`;
    return this.trusted === undefined
      ? http.request(url, options)
      : https.request(url, { ...options, ca: this.trusted });
  }
}

export function writeInPieces(to: Writable, body: Buffer, pieceBytes: number | undefined): void {
  if (pieceBytes !== undefined) {
    for (let at = 0; at < body.length; at += pieceBytes) to.write(body.subarray(at, at + pieceBytes));
    to.end();
  } else to.end(body);
}

export async function readAll(from: Readable, slowMs: number | undefined): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of from as AsyncIterable<Buffer>) {
    pieces.push(piece);
    if (slowMs !== undefined) await pause(slowMs);
  }
  return Buffer.concat(pieces);
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
