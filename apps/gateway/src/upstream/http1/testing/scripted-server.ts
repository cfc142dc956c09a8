import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TransportCall, TransportFailure, TransportRequest, UpstreamTransport } from '../../transport.ts';

const LONG_MS = 60_000;

/** A server whose connections the test speaks for. */
export class ScriptedServer {
  readonly sockets: Socket[] = [];
  readonly #server: Server;
  readonly #came: ((socket: Socket) => void)[] = [];

  constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      this.sockets.push(socket);
      this.#came.shift()?.(socket);
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  connection(): Promise<Socket> {
    return new Promise((resolve) => this.#came.push(resolve));
  }

  close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

/** What became of one request. */
export class Outcome {
  readonly interim: number[] = [];
  status: number | undefined;
  headers: readonly string[] = [];
  readonly pieces: Buffer[] = [];
  trailers: readonly string[] = [];
  failure: TransportFailure | undefined;
  socket: Duplex | undefined;
  rest = '';
  call: TransportCall | undefined;
  readonly over: Promise<void>;
  readonly begun: Promise<void>;

  /** Made of the pieces as they are now, not as they came. */
  get body(): string {
    return Buffer.concat(this.pieces).toString('latin1');
  }

  constructor(transport: UpstreamTransport, request: Partial<TransportRequest>, pausesAtHead = false) {
    let [isOver, hasBegun] = [(): void => undefined, (): void => undefined];
    this.over = new Promise((resolve) => (isOver = resolve));
    this.begun = new Promise((resolve) => (hasBegun = resolve));
    const whole: TransportRequest = {
      ...{ method: 'GET', target: '/', headers: [], body: undefined, upgrade: undefined },
      ...{ headTimeoutMs: LONG_MS, idleTimeoutMs: LONG_MS, ...request },
    };
    this.call = transport.send(whole, {
      interim: (status) => void this.interim.push(status),
      head: (status, _text, headers) => {
        [this.status, this.headers] = [status, headers];
        if (pausesAtHead) this.call?.pause();
        hasBegun();
      },
      piece: (chunk) => {
        this.pieces.push(chunk);
        return true;
      },
      ended: (trailers) => {
        this.trailers = trailers;
        isOver();
      },
      upgraded: (_text, headers, socket, rest) => {
        [this.headers, this.socket, this.rest] = [headers, socket, rest.toString()];
        isOver();
      },
      failed: (failure) => {
        this.failure = failure;
        isOver();
      },
    });
  }
}

/** What was to happen at once has happened. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** Reads until the text has come. */
export async function received(socket: Socket, until: string): Promise<string> {
  let text = '';
  socket.setEncoding('latin1');
  while (!text.includes(until)) text += String((await once(socket, 'data'))[0]);
  return text;
}
