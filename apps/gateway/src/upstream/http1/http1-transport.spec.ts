import { jest } from '@jest/globals';
import { once } from 'node:events';
import { Readable, type Duplex } from 'node:stream';
import type { StreamedBody, TransportRequest } from '../transport.ts';
import { UpstreamCredentials } from '../upstream-credentials.ts';
import { AddressGuard } from '../address-guard.ts';
import { Http1Transport, type Http1TransportOptions } from './http1-transport.ts';
import { socketOpener } from './socket-opener.ts';
import { Outcome, received, ScriptedServer, settled } from './testing/scripted-server.ts';
import { Ticks } from './ticks.ts';

const LONG_MS = 60_000;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('HTTP/1.1 to an origin', () => {
  let server: ScriptedServer;
  let port: number;
  let ticks: Ticks;
  const transports: Http1Transport[] = [];

  beforeEach(async () => {
    server = new ScriptedServer();
    port = await server.listen();
    ticks = new Ticks();
  });
  afterEach(async () => {
    await server.close();
    for (const transport of transports.splice(0)) await transport.close();
  });

  function transportOf(wishes: Partial<Http1TransportOptions> = {}): Http1Transport {
    const lookup = new AddressGuard(undefined).lookupFor(port);
    const origin = `http://127.0.0.1:${port}`;
    const transport = new Http1Transport({
      opener: socketOpener({ origin, port, lookup, credentials: new UpstreamCredentials() }),
      ...{ ticks, host: `127.0.0.1:${port}`, maxHeadBytes: 4096, maxConnections: 8 },
      ...{ connectTimeoutMs: LONG_MS, idleTimeoutMs: LONG_MS, ...wishes },
    });
    transports.push(transport);
    return transport;
  }

  async function begun(transport: Http1Transport, request: Partial<TransportRequest> = {}, pausesAtHead = false) {
    const connected = server.connection();
    const outcome = new Outcome(transport, request, pausesAtHead);
    return { outcome, socket: await connected };
  }

  async function answered(transport: Http1Transport, answer: string, request: Partial<TransportRequest> = {}) {
    const { outcome, socket } = await begun(transport, request);
    await received(socket, '\r\n\r\n');
    socket.write(Buffer.from(answer, 'latin1'));
    await outcome.over;
    await settled();
    return { outcome, socket };
  }

  describe('a request', () => {
    it('leaves as its head says, with a body that is held', async () => {
      const headers = ['X-A', '1', 'X-B', 'd\xe9'];
      const { socket } = await begun(transportOf(), {
        method: 'POST',
        target: '/a?b',
        headers,
        body: Buffer.from('x\xffy', 'latin1'),
      });
      expect(await received(socket, '\xffy')).toBe(
        `POST /a?b HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-A: 1\r\nX-B: d\xe9\r\nContent-Length: 3\r\n\r\nx\xffy`,
      );
    });

    it.each([
      ['a line feed in a value', { headers: ['X', 'a\nb'] }],
      ['a carriage return in a name', { headers: ['X\r', 'a'] }],
      ['a NUL', { headers: ['X', '\0'] }],
      ['a blank behind a name', { headers: ['Content-Length ', '5'] }],
      ['a colon in a name', { headers: ['Transfer-Encoding: chunked\tX', '5'] }],
      ['a character that is no byte', { headers: ['X', '\u0100'] }],
      ['a blank in its target', { target: '/a b' }],
      ['a line feed in its method', { method: 'GET\n' }],
      ['a length without a body', { headers: ['Content-Length', '3'] }],
      ['another length than its body', { headers: ['content-length', '3'], body: Buffer.from('abcd') }],
      ['two lengths', { headers: ['Content-Length', '1', 'Content-Length', '1'], body: Buffer.from('a') }],
    ])('is never sent with %s', async (_what, request) => {
      const outcome = new Outcome(transportOf(), request);
      expect(outcome.failure).toBeUndefined();
      await outcome.over;
      expect([outcome.failure?.kind, server.sockets.length]).toEqual(['unsendable', 0]);
    });

    /** A body as a client's is. */
    const streamed = (source: Readable, trailers: readonly string[] = []): StreamedBody =>
      Object.assign(source, { isStarted: true, trailers });

    it('sends a body of unknown length in chunks, with trailers that neither frame it nor say who sent it', async () => {
      const trailers = [
        'X-Sum',
        '7',
        'Content-Length',
        '9',
        'Transfer-Encoding',
        'x',
        'X-Bad',
        'a\r\nb',
        'X-Forwarded-For',
        '::1',
        'x_real_ip',
        '::1',
      ];
      const body = streamed(Readable.from([Buffer.from('one'), Buffer.from('two')]), trailers);
      const { socket } = await begun(transportOf(), { method: 'PUT', body });
      const text = await received(socket, '\r\n0\r\n');
      expect(text.slice(text.indexOf('Transfer'))).toBe(
        'Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nX-Sum: 7\r\n\r\n',
      );
    });

    it('sends its head before there is anything of the body', async () => {
      const { socket } = await begun(transportOf(), {
        method: 'POST',
        body: streamed(new Readable({ read: () => undefined })),
      });
      expect(await received(socket, '\r\n\r\n')).toMatch(/^POST /);
    });

    it.each([
      ['longer', '123456'],
      ['shorter', '1234'],
    ])('is cut off when its body is %s than declared', async (_what, text) => {
      const body = streamed(Readable.from([Buffer.from(text)]));
      const { outcome, socket } = await begun(transportOf(), {
        method: 'POST',
        headers: ['Content-Length', '5'],
        body,
      });
      socket.resume();
      await Promise.all([
        once(socket, 'close'),
        once(
          socket.on('end', () => socket.end()),
          'end',
        ),
        outcome.over,
      ]);
      expect(outcome.failure?.kind).toBe('broken');
    });

    it('may be answered before its end: the answer passes on, the connection is not used again', async () => {
      const body = streamed(new Readable({ read: () => undefined }));
      const transport = transportOf();
      const { outcome } = await answered(transport, OK, { method: 'POST', body });
      expect([outcome.status, outcome.body, body.destroyed, transport.load.open]).toEqual([200, 'ok', true, 0]);
    });
  });

  describe('an answer', () => {
    it('tells of interim answers but for 100, of headers as they stand, and of trailers', async () => {
      const interim = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\n';
      const chunked =
        'HTTP/1.1 203 Yes\r\nX-A: \xe9\r\nx-a: 2\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nSum: 1\r\n\r\n';
      const { outcome } = await answered(transportOf(), interim + chunked);
      expect(outcome).toMatchObject({ interim: [103], status: 203, trailers: ['Sum', '1'] });
      expect(outcome.body).toBe('x');
      expect(outcome.headers).toEqual(['X-A', '\xe9', 'x-a', '2', 'Transfer-Encoding', 'chunked']);
    });

    it('comes in pieces that stay as they came, small and large, whatever is read later', async () => {
      const transport = transportOf();
      const [one, other] = [await begun(transport), await begun(transport)];
      const parts = ['a'.repeat(10), 'b'.repeat(200_000), 'c'.repeat(20_000), 'd'.repeat(10)];
      const lengthBytes = parts.join('').length;
      const head = `HTTP/1.1 200 OK\r\nContent-Length: ${lengthBytes}\r\n\r\n`;
      for (const { socket } of [one, other]) await received(socket, '\r\n\r\n');
      for (const text of [head, ...parts]) {
        one.socket.write(text);
        other.socket.write(text.toUpperCase().replace('CONTENT', 'Content'));
        const behind = (): boolean =>
          !one.outcome.body.endsWith(text) || !other.outcome.body.endsWith(text.toUpperCase());
        while (text !== head && behind()) await settled();
      }
      await Promise.all([one.outcome.over, other.outcome.over]);
      expect(one.outcome.body === parts.join('')).toBe(true);
      expect(other.outcome.body === parts.join('').toUpperCase()).toBe(true);
    });

    it('holds back everything behind its head while the receiver wants a pause', async () => {
      const { outcome, socket } = await begun(transportOf(), {}, true);
      await received(socket, '\r\n\r\n');
      socket.write(OK);
      await outcome.begun;
      await settled();
      expect(outcome.body).toBe('');
      outcome.call?.resume();
      await outcome.over;
      expect(outcome.body).toBe('ok');
    });

    it.each([
      ['is not there at all', '', 'broken'],
      ['ends in the middle of its head', 'HTTP/1.1 200', 'broken'],
      ['is no HTTP', 'hello\r\n\r\n', 'broken'],
      ['ends in the middle of its body', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', 'truncated'],
      ['breaks its framing', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz', 'truncated'],
    ])('fails when it %s', async (_what, text, kind) => {
      const { outcome, socket } = await begun(transportOf());
      await received(socket, '\r\n\r\n');
      socket.end(text);
      await outcome.over;
      expect(outcome.failure).toMatchObject({ kind, isStale: false, isUnanswered: text === '' });
    });

    it('ends with its connection where nothing else ends it', async () => {
      const { outcome, socket } = await begun(transportOf());
      await received(socket, '\r\n\r\n');
      socket.end('HTTP/1.1 200 OK\r\n\r\nall');
      await outcome.over;
      expect([outcome.failure, outcome.body]).toEqual([undefined, 'all']);
    });

    it('of 101 hands the connection over, each direction by itself', async () => {
      const { outcome, socket } = await begun(transportOf(), { upgrade: 'websocket' });
      expect(await received(socket, '\r\n\r\n')).toContain('Connection: Upgrade\r\nUpgrade: websocket\r\n');
      socket.write('HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst');
      await outcome.over;
      expect(outcome.rest).toBe('first');
      const joined = outcome.socket as Duplex;
      socket.end('second');
      expect(String(await once(joined, 'data'))).toBe('second');
      await once(joined, 'end');
      joined.end('last');
      expect(await received(socket, 'last')).toBe('last');
      await once(socket, 'end');
    });
  });

  describe('a connection', () => {
    it('serves the next request, the one used last first', async () => {
      const transport = transportOf();
      const [first, second] = [await begun(transport), await begun(transport)];
      for (const { socket, outcome } of [second, first]) {
        socket.write(OK);
        await outcome.over;
        await settled();
      }
      expect(transport.load).toEqual({ open: 2, idle: 2, waiting: 0 });
      const next = new Outcome(transport, { target: '/next' });
      expect(await received(first.socket, '/next')).toContain('GET /next');
      first.socket.write(OK);
      await next.over;
      expect(server.sockets).toHaveLength(2);
    });

    it.each([
      ['the upstream says so', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'],
      ['it is HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
      ['there is more than the answer', `${OK}HTTP/1.1 200 OK`],
      ['it is about to be closed', 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok'],
    ])('is not used again when %s', async (_what, text) => {
      const transport = transportOf();
      const { outcome } = await answered(transport, text);
      expect([outcome.body, transport.load.open]).toEqual(['ok', 0]);
    });

    it('is closed when the upstream speaks unasked', async () => {
      const transport = transportOf();
      const { socket } = await answered(transport, OK);
      expect(transport.load.idle).toBe(1);
      socket.write(OK);
      await once(socket.resume(), 'end');
      expect(transport.load.open).toBe(0);
    });

    it('says that it was stale when it ended before anything of a later answer', async () => {
      const transport = transportOf();
      const { socket } = await answered(transport, OK);
      const late = new Outcome(transport, {});
      socket.destroy();
      await late.over;
      expect(late.failure).toMatchObject({ kind: 'broken', isStale: true, isUnanswered: true });
    });

    it('was not stale when a later answer had begun', async () => {
      const transport = transportOf();
      const { socket } = await answered(transport, OK);
      const late = new Outcome(transport, { target: '/late' });
      await received(socket, '/late');
      socket.end('HTTP/1.1 2');
      await late.over;
      expect(late.failure).toMatchObject({ kind: 'broken', isStale: false, isUnanswered: false });
    });

    it('is given up with its request', async () => {
      const transport = transportOf();
      const { outcome, socket } = await begun(transport);
      await received(socket, '\r\n\r\n');
      outcome.call?.abort();
      await once(socket.resume(), 'end');
      expect([outcome.failure, transport.load.open]).toEqual([undefined, 0]);
    });
  });

  describe('time', () => {
    it.each([
      ['nothing of an answer', '', 'timeout'],
      ['nothing more of an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', 'truncated'],
    ])('is up when %s comes', async (_what, text, kind) => {
      const { outcome, socket } = await begun(transportOf(), { headTimeoutMs: 60, idleTimeoutMs: 60 });
      await received(socket, '\r\n\r\n');
      socket.write(text);
      await outcome.over;
      expect(outcome.failure?.kind).toBe(kind);
    });

    it('is never up while the receiver wants a pause', async () => {
      const { outcome, socket } = await begun(transportOf(), { idleTimeoutMs: 1 }, true);
      await received(socket, '\r\n\r\n');
      socket.write(OK);
      await outcome.begun;
      const before = ticks.now;
      while (ticks.now < before + 4) await settled();
      expect(outcome.failure).toBeUndefined();
      outcome.call?.abort();
    });

    it('ends idle connections', async () => {
      const transport = transportOf({ idleTimeoutMs: 60 });
      const { socket } = await answered(transport, OK);
      await once(socket.resume(), 'end');
      expect(transport.load.open).toBe(0);
    });

    it('of a kept connection is the clock, however late the ticks come', async () => {
      let nowMs = 1_000_000;
      const clock = jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
      const kept = 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok';
      const transport = transportOf();
      try {
        const { socket } = await answered(transport, kept, { method: 'POST' });
        nowMs += 3_999;
        const inTime = new Outcome(transport, { method: 'POST', target: '/in-time' });
        expect(await received(socket, '/in-time')).toContain('POST /in-time');
        socket.write(kept);
        await inTime.over;
        await settled();
        nowMs += 4_000;
        const { outcome: late, socket: fresh } = await begun(transport, { method: 'POST', target: '/late' });
        expect(await received(fresh, '/late')).toContain('POST /late');
        fresh.write(kept);
        await late.over;
        expect([late.status, server.sockets.length, transport.load.open]).toEqual([200, 2, 1]);
      } finally {
        clock.mockRestore();
      }
    });

    it('is up for a request that finds no connection, and for none that waits for less', async () => {
      const transport = transportOf({ maxConnections: 1, connectTimeoutMs: 60 });
      const { socket } = await begun(transport);
      await received(socket, '\r\n\r\n');
      const late = new Outcome(transport, {});
      expect(transport.load.waiting).toBe(1);
      await late.over;
      expect(late.failure).toMatchObject({ kind: 'exhausted', reason: 'pool-exhausted', isStale: false });
      const served = new Outcome(transport, { target: '/served' });
      socket.write(OK);
      expect(await received(socket, '/served')).toContain('GET /served');
      socket.write(OK);
      await served.over;
      expect([served.status, server.sockets.length]).toEqual([200, 1]);
    });
  });

  it('fails one waiting request for each connection that is refused', async () => {
    await server.close();
    const transport = transportOf();
    const outcomes = [new Outcome(transport, {}), new Outcome(transport, {})];
    for (const { over } of outcomes) await over;
    expect(outcomes.map(({ failure }) => failure?.reason)).toEqual(['ECONNREFUSED', 'ECONNREFUSED']);
    expect(transport.load).toEqual({ open: 0, idle: 0, waiting: 0 });
    server = new ScriptedServer();
    await server.listen();
  });

  it('closes after what is under way', async () => {
    const transport = transportOf();
    const { outcome, socket } = await begun(transport);
    let isClosed = false;
    const closed = transport.close().then(() => (isClosed = true));
    await received(socket, '\r\n\r\n');
    await settled();
    expect(isClosed).toBe(false);
    socket.write(OK);
    await Promise.all([closed, once(socket.resume(), 'end')]);
    expect(outcome.body).toBe('ok');
  });
});
