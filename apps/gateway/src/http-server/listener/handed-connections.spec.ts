import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { Rig, askRaw, proxyOf, type GatewayWishes } from '../testing/rig.ts';
import type { ConnectionAcceptor } from './connection-acceptor.port.ts';
import { HandedConnections } from './handed-connections.ts';

/** Accepts in the place of the gateway, as the first process of several does. */
class OtherAcceptor implements ConnectionAcceptor {
  readonly server: Server;
  readonly isClosed: Promise<void>;
  #close: () => void = () => undefined;
  #take: (socket: Socket) => void = () => undefined;
  constructor() {
    this.isClosed = new Promise((resolve) => (this.#close = resolve));
    this.server = createServer((socket) => this.#take(socket)).listen(0, '127.0.0.1');
  }
  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
  open(take: (socket: Socket) => void): void {
    this.#take = take;
  }
  async close(): Promise<void> {
    this.server.close();
    this.#close();
  }
}

const rig = new Rig();
let acceptor: OtherAcceptor;
let overloads: string[];
beforeEach(async () => {
  [acceptor, overloads] = [new OtherAcceptor(), []];
  await once(acceptor.server, 'listening');
});
afterEach(() => rig.stop());

/** A gateway that answers what comes by the acceptor, `held` when it is told to. */
async function served(limits: GatewayWishes['limits'] = {}) {
  const held: (() => void)[] = [];
  const upstream = await rig.upstream((request, response) => {
    if (request.url === '/held') held.push(() => response.end('released'));
    else response.end('served');
  });
  const gateway = await rig.gatewayBehind(acceptor, {
    ...{ proxies: [proxyOf({ addresses: [upstream.url] })], limits, onOverload: (limit) => overloads.push(limit) },
  });
  const holds = async () => {
    while (held.length === 0) await new Promise(setImmediate);
    return held;
  };
  return { gateway, holds };
}

const asking = (path: string) => `GET /orders${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;

describe('connections that another process accepted', () => {
  it('are answered', async () => {
    await served();
    expect(await askRaw(acceptor.port, asking('/1'))).toMatch(/^HTTP\/1\.1 200 [^]*served$/);
  });

  it('stay open to a client that has said all it has to say', async () => {
    const handed = new HandedConnections(1);
    acceptor.open((socket) => {
      handed.admit(socket);
      socket.once('end', () => setImmediate(() => socket.end('heard'))).resume();
    });
    const client = connect(acceptor.port, '127.0.0.1').end();
    expect(await text(client)).toBe('heard');
    await handed.whenNone();
    acceptor.server.close();
  });

  it('are closed above the limit, and reported', async () => {
    await served({ maxConnections: 1 });
    const first = connect(acceptor.port, '127.0.0.1');
    first.write('GET /orders/1 HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(first, 'data');
    expect(await askRaw(acceptor.port, asking('/1'))).toBe('');
    expect(overloads).toEqual(['connections']);
    first.destroy();
    let answer = '';
    while (answer === '') answer = await askRaw(acceptor.port, asking('/1'));
    expect(answer).toContain('served');
  });

  it('are waited for by a drain', async () => {
    const { gateway, holds } = await served();
    const answer = askRaw(acceptor.port, asking('/held'));
    const [release] = await holds();
    let isOver = false;
    const drained = gateway.server.drain(20_000).then(() => (isOver = true));
    await acceptor.isClosed;
    await new Promise(setImmediate);
    expect(isOver).toBe(false);
    release?.();
    expect(await answer).toContain('released');
    await drained;
  });

  it('end when a request is not there in time that Node itself reads', async () => {
    await served({ headerTimeoutMs: 200 });
    expect(await askRaw(acceptor.port, 'GET /orders/1 HTTP/1.1\r\nHost: a\r\nExpect: 100-con')).toMatch(
      /^HTTP\/1\.1 408 /,
    );
  });
});
