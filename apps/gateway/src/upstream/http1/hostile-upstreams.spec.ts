import { once } from 'node:events';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type LookupFunction,
  type Server,
  type Socket,
} from 'node:net';
import { Readable } from 'node:stream';
import { createSecureContext, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { selfSignedCertificate } from '#libs/program-shell/testing';
import { AddressGuard } from '../address-guard.ts';
import type { StreamedBody } from '../transport.ts';
import { UpstreamCredentials } from '../upstream-credentials.ts';
import { Http1Transport, type Http1TransportOptions } from './http1-transport.ts';
import { socketOpener } from './socket-opener.ts';
import { Outcome, received, ScriptedServer, settled } from './testing/scripted-server.ts';
import { Ticks } from './ticks.ts';

const LONG_MS = 60_000;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const OWN = selfSignedCertificate('upstream.test');
const trusting = createSecureContext({ ca: OWN.cert, minVersion: 'TLSv1.2' });
const loopback: LookupFunction = (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]);

describe('an upstream that does not do as it should', () => {
  let server: ScriptedServer;
  let port: number;
  let ticks: Ticks;
  const transports: Http1Transport[] = [];
  const others: Server[] = [];

  beforeEach(async () => {
    server = new ScriptedServer();
    port = await server.listen();
    ticks = new Ticks();
  });
  afterEach(async () => {
    await server.close();
    for (const other of others.splice(0)) await new Promise((resolve) => other.close(resolve));
    for (const transport of transports.splice(0)) await transport.close();
  });

  function transportTo(
    origin: string,
    wishes: Partial<Http1TransportOptions> = {},
    resolve = loopback,
  ): Http1Transport {
    const { port: named, host } = new URL(origin);
    const lookup = new AddressGuard(undefined, resolve).lookupFor(Number(named));
    const credentials = new UpstreamCredentials();
    const transport = new Http1Transport({
      opener: socketOpener({ origin, port: Number(named), lookup, credentials }),
      ...{ ticks, host, maxHeadBytes: 64 * 1024, maxConnections: 8 },
      ...{ connectTimeoutMs: LONG_MS, idleTimeoutMs: LONG_MS, ...wishes },
    });
    transports.push(transport);
    return transport;
  }
  const transportOf = (wishes: Partial<Http1TransportOptions> = {}): Http1Transport =>
    transportTo(`http://127.0.0.1:${port}`, wishes);

  async function listening(other: Server, host = '127.0.0.1'): Promise<number> {
    others.push(other);
    other.listen(0, host);
    await once(other, 'listening');
    return (other.address() as AddressInfo).port;
  }

  async function begun(transport: Http1Transport, request = {}): Promise<{ outcome: Outcome; socket: Socket }> {
    const connected = server.connection();
    const outcome = new Outcome(transport, request);
    return { outcome, socket: await connected };
  }

  it('is asked again by later requests when it ended before its TLS handshake', async () => {
    const ending = createTcpServer(
      (socket) =>
        void socket
          .on('error', () => undefined)
          .resume()
          .end(),
    );
    const transport = transportTo(`https://upstream.test:${await listening(ending)}`);
    for (let asked = 0; asked < 3; asked += 1) {
      const outcome = new Outcome(transport, {});
      await outcome.over;
      expect(outcome.failure?.kind).toBe('unreachable');
      expect(transport.load).toEqual({ open: 0, idle: 0, waiting: 0 });
    }
  });

  it('never has trailers of one answer told with another', async () => {
    const transport = transportOf();
    const { outcome, socket } = await begun(transport);
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nSum: 1\r\n\r\n');
    await outcome.over;
    expect(outcome.trailers).toEqual(['Sum', '1']);
    const head = new Outcome(transport, { method: 'HEAD' });
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    await head.over;
    expect([head.status, head.trailers, server.sockets.length]).toEqual([200, [], 1]);
  });

  it('has no more time for the head of its answer because it sends it byte by byte', async () => {
    const { outcome, socket } = await begun(transportOf(), { headTimeoutMs: 200 });
    const trickle = setInterval(() => socket.write('H'.repeat(1)), 20);
    socket.write('HTTP/1.1 200 OK\r\nX: ');
    await Promise.race([outcome.over, new Promise((resolve) => setTimeout(resolve, 2_000))]);
    clearInterval(trickle);
    expect(outcome.failure?.kind).toBe('timeout');
  });

  it.each([
    ['a length', 'Content-Length: 5\r\n'],
    ['chunks', 'Transfer-Encoding: chunked\r\n'],
  ])('is not trusted with another request after a 204 that announces %s', async (_what, line) => {
    const transport = transportOf();
    const { outcome, socket } = await begun(transport);
    socket.write(`HTTP/1.1 204 No Content\r\n${line}\r\n`);
    await outcome.over;
    await settled();
    expect([outcome.status, transport.load.open]).toEqual([204, 0]);
  });

  it('may refuse a body that still flows and close at once: its answer is heard', async () => {
    const REFUSED = 'HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno';
    const refusing = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.pause();
        socket.write(REFUSED, () => socket.resetAndDestroy());
      });
    });
    const transport = transportTo(`http://127.0.0.1:${await listening(refusing)}`);
    const statuses = new Map<string, number>();
    for (let round = 0; round < 50; round += 1) {
      const body: StreamedBody = Object.assign(
        new Readable({
          read() {
            setImmediate(() => this.push(Buffer.alloc(1024)));
          },
        }),
        { isStarted: true, trailers: [] },
      );
      const outcome = new Outcome(transport, { method: 'POST', body });
      await outcome.over;
      const said = `${outcome.status} ${outcome.body} ${outcome.failure?.kind} ${outcome.failure?.reason}`;
      statuses.set(said, (statuses.get(said) ?? 0) + 1);
    }
    expect([...statuses]).toEqual([['413 no undefined undefined', 50]]);
  });

  it('that answers before it was asked answers nobody: the request counts as not sent', async () => {
    const transport = transportOf();
    const { outcome: first, socket } = await begun(transport, {});
    socket.write(OK);
    await first.over;
    await nextTurn();
    // Between the next request and the end of its turn, in which it is written, the connection is read.
    socket.write(OK.replace('ok', 'no'));
    const outcome = new Outcome(transport, {});
    await outcome.over;
    expect([outcome.body, outcome.failure]).toEqual([
      '',
      { kind: 'broken', reason: 'answer-unasked', isStale: true, isUnanswered: true },
    ]);
  });

  it('gets no second request while the first was not taken by its connection', async () => {
    const transport = transportOf();
    const { outcome, socket } = await begun(transport, { method: 'POST', body: Buffer.alloc(16 * 1024 * 1024) });
    socket.pause();
    socket.write(OK);
    await outcome.over;
    await settled();
    expect([outcome.status, transport.load.open]).toEqual([200, 0]);
  });

  it('is not taken for alive when it ended while its answer was held back (TLS)', async () => {
    const closing = createTlsServer({ key: OWN.key, cert: OWN.cert }, (socket: TLSSocket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(OK));
    });
    const tlsPort = await listening(closing);
    const transport = transportTo(`https://upstream.test:${tlsPort}`, {
      opener: socketOpener({
        origin: `https://upstream.test:${tlsPort}`,
        port: tlsPort,
        lookup: new AddressGuard(undefined, loopback).lookupFor(tlsPort),
        credentials: { context: () => trusting } as unknown as UpstreamCredentials,
      }),
    });
    const outcome = new Outcome(transport, {}, true);
    await outcome.begun;
    for (let turn = 0; turn < 200; turn += 1) await nextTurn();
    outcome.call?.resume();
    await outcome.over;
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    expect([outcome.failure, outcome.body, transport.load.open]).toEqual([undefined, 'ok', 0]);
  });

  it('sends no more than its receiver takes, of what was held back either', async () => {
    const [transport, connected] = [transportOf(), server.connection()];
    const pieces: string[] = [];
    let isHeld = false;
    const request = { method: 'GET', target: '/', headers: [], body: undefined, upgrade: undefined };
    const call = transport.send(
      { ...request, headTimeoutMs: LONG_MS, idleTimeoutMs: LONG_MS },
      {
        interim: () => undefined,
        head: () => {
          call.pause();
          isHeld = true;
        },
        piece: (chunk) => pieces.push(chunk.toString()) < 0,
        ended: () => pieces.push('end'),
        upgraded: () => undefined,
        failed: () => undefined,
      },
    );
    const socket = await connected;
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab');
    while (!isHeld) await settled();
    call.resume();
    socket.write('c');
    for (let turn = 0; turn < 20; turn += 1) await settled();
    expect(pieces).toEqual(['ab']);
    call.resume();
    socket.write('d');
    for (let turn = 0; turn < 100 && pieces.length < 2; turn += 1) await settled();
    expect(pieces[1]).toMatch(/^cd?$/);
    call.abort();
  });

  it.each(['http', 'https'])('is reached at another of its addresses when one refuses (%s)', async (scheme) => {
    const two: LookupFunction = (_name, _options, callback) =>
      callback(null, [
        { address: '127.0.0.77', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]);
    const answer = (socket: Socket): void =>
      void socket.on('error', () => undefined).once('data', () => socket.end(OK));
    const other =
      scheme === 'http' ? createTcpServer(answer) : createTlsServer({ key: OWN.key, cert: OWN.cert }, answer);
    const otherPort = await listening(other);
    const origin = `${scheme}://upstream.test:${otherPort}`;
    const lookup = new AddressGuard(undefined, two).lookupFor(otherPort);
    const credentials = { context: () => trusting } as unknown as UpstreamCredentials;
    const transport = transportTo(origin, { opener: socketOpener({ origin, port: otherPort, lookup, credentials }) });
    const outcome = new Outcome(transport, {});
    await outcome.over;
    expect([outcome.failure, outcome.body]).toEqual([undefined, 'ok']);
  });

  it('is reached at an IPv6 address, which Host has in brackets', async () => {
    let text = '';
    const other = createTcpServer((socket) => {
      socket.once('data', (piece) => {
        text = piece.toString();
        socket.end(OK);
      });
    });
    const otherPort = await listening(other, '::1');
    const outcome = new Outcome(transportTo(`http://[::1]:${otherPort}`), {});
    await outcome.over;
    expect(outcome.failure).toBeUndefined();
    expect(text).toContain(`\r\nHost: [::1]:${otherPort}\r\n`);
  });

  it('may close connections thousands of times: nothing of them is kept', async () => {
    const answering = createTcpServer((socket) => {
      socket.on('error', () => undefined).once('data', () => socket.end(OK));
    });
    const transport = transportTo(`http://127.0.0.1:${await listening(answering)}`);
    for (let round = 0; round < 250; round += 1) {
      const asked = Array.from({ length: 8 }, () => new Outcome(transport, {}));
      for (const { over } of asked) await over;
    }
    await settled();
    await settled();
    expect(transport.load.waiting).toBe(0);
  });

  it('leaves no listeners behind on a connection that serves many requests with bodies', async () => {
    const transport = transportOf();
    const { outcome, socket } = await begun(transport);
    socket.write(OK);
    await outcome.over;
    const warnings: Error[] = [];
    const warn = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warn);
    for (let round = 0; round < 30; round += 1) {
      const body: StreamedBody = Object.assign(Readable.from([Buffer.from('x')]), { isStarted: true, trailers: [] });
      const next = new Outcome(transport, { method: 'PUT', body });
      await received(socket, '0\r\n\r\n');
      socket.write(OK);
      await next.over;
    }
    await settled();
    process.off('warning', warn);
    expect([warnings, server.sockets.length]).toEqual([[], 1]);
  });
});
