import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const PIECE = Buffer.alloc(65_536, 'gatewarden');
const BETWEEN_PIECES_MS = 20;

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
      response.write(`data: ${number}\n\n`);
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

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://upstream');
  const answerer = ANSWERERS[pathname.split('/').at(-1) ?? ''];
  for (const side of [request, response]) side.on('error', () => undefined);
  try {
    if (answerer === undefined) response.writeHead(404).end();
    else await answerer(request, response, Number(searchParams.get('n')));
  } catch {
    response.destroy();
  }
}

/** An upstream that does everything that upstreams do. */
export class SoakUpstream {
  private readonly server: Server = createServer((request, response) => void answer(request, response));

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
