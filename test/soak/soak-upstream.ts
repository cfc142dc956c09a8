import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { EchoConversations } from './echo-conversations.ts';

const PIECE = Buffer.alloc(65_536, 'gatewarden');
const BETWEEN_PIECES_MS = 20;

/** Header of a request and of its answer: one value for each request that is ever made. */
export const REQUEST_ID = 'x-soak-request';
/** Header of requests that the gateway is to refuse. */
export const REFUSED = 'x-soak-refused';

/** What an answer to `bytes?n=<count>` holds. */
export function bytesOf(count: number): Buffer {
  return Buffer.alloc(count, PIECE);
}

/** What an answer to `trickle?n=<count>` holds. */
export const dropsOf = (count: number): string =>
  Array.from({ length: count }, (_none, number) => dropOf(number)).join('');
const dropOf = (number: number): string => `data: ${number}\n\n`;

type Answerer = (request: IncomingMessage, response: ServerResponse, wanted: number) => Promise<void> | void;

/** What it does, by the last segment of a path; `wanted` is the number in the query. */
const ANSWERERS: Readonly<Record<string, Answerer>> = {
  /** Says what came of the body. */
  echo: async (request, response) => {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const piece of request as AsyncIterable<Buffer>) {
      hash.update(piece);
      bytes += piece.length;
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ method: request.method, bytes, sha256: hash.digest('hex') }));
  },
  /** So many bytes, as fast as they are taken. */
  bytes: async (_request, response, wanted) => {
    response.setHeader('content-length', wanted);
    for (let left = wanted; left > 0 && !response.destroyed; left -= PIECE.length) {
      const isTaken = response.write(left < PIECE.length ? PIECE.subarray(0, left) : PIECE);
      if (!isTaken) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
    response.end();
  },
  /** So many short chunks, with a pause before each. */
  trickle: async (_request, response, wanted) => {
    for (let number = 0; number < wanted && !response.destroyed; number += 1) {
      response.write(dropOf(number));
      await pause(BETWEEN_PIECES_MS);
    }
    response.end();
  },
  /** An answer of this status without a body. */
  status: (request, response, wanted) => {
    request.resume();
    response.writeHead(wanted).end();
  },
  /** Never an answer. */
  broken: (request) => {
    request.socket.destroy();
  },
};

/** An upstream that does everything that upstreams do. */
export class SoakUpstream {
  readonly conversations = new EchoConversations();
  private readonly server: Server = createServer((request, response) => void this.answer(request, response));
  private readonly posted = new Set<string>();
  private readonly found: string[] = [];

  constructor() {
    this.server.on('upgrade', (request, socket, head) => this.conversations.accept(request, socket, head));
  }

  /** Requests that should not have come, or not again. */
  get complaints(): readonly string[] {
    return this.found;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Whatever is still open to it afterwards has a request under way. */
  closeIdleConnections(): void {
    this.server.closeIdleConnections();
  }

  async close(): Promise<void> {
    this.conversations.close();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://upstream');
    const answerer = ANSWERERS[pathname.split('/').at(-1) ?? ''];
    for (const side of [request, response]) side.on('error', () => undefined);
    this.note(request, response);
    try {
      if (answerer === undefined) response.writeHead(404).end();
      else await answerer(request, response, Number(searchParams.get('n')));
    } catch {
      response.destroy();
    }
  }

  private note({ url, method, headers }: IncomingMessage, response: ServerResponse): void {
    if (headers[REFUSED] !== undefined) this.found.push(`${method} ${url} came although it had to be refused`);
    const id = headers[REQUEST_ID];
    if (typeof id !== 'string') return;
    response.setHeader(REQUEST_ID, id);
    if (method !== 'POST') return;
    if (this.posted.has(id)) this.found.push(`${method} ${url} came twice`);
    this.posted.add(id);
  }
}
