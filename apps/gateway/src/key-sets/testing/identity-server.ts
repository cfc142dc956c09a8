import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type LookupFunction,
  type Server,
  type Socket,
} from 'node:net';

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** Servers on loopback, and the names under which they are reached. */
export class LocalServers {
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  /** Connections that were ever made. */
  connections = 0;

  http(answer: Answer): Promise<number> {
    const listener: RequestListener = (request, response) => answer(response, request);
    return this.#listen(createServer(listener));
  }

  https(certificate: { readonly key: string; readonly cert: string }, answer: Answer): Promise<number> {
    return this.#listen(createTlsServer(certificate, (request, response) => answer(response, request)));
  }

  /** Takes connections and never says a word. */
  silent(): Promise<number> {
    return this.#listen(createTcpServer((socket) => socket.resume()));
  }

  /** Fulfils when the other side has closed all its connections. */
  async allClosed(): Promise<void> {
    await Promise.all([...this.#sockets].map((socket) => new Promise((done) => socket.once('close', done))));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((done) => server.close(done))));
  }

  async #listen(server: Server): Promise<number> {
    this.#servers.push(server);
    server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => undefined);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }
}

/** Resolves the names it knows, and no others. */
export function lookupOf(names: Readonly<Record<string, readonly string[]>>): LookupFunction {
  return (hostname, _options, callback) => {
    const addresses = names[hostname];
    if (addresses === undefined) return callback(Object.assign(new Error(hostname), { code: 'ENOTFOUND' }), '', 0);
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
}
