import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Rig, ask, askRaw, open, proxyOf } from './testing/rig.ts';

const rig = new Rig();
afterEach(() => rig.stop());

const MIB = 1024 * 1024;
const LARGE_BYTES = 64 * MIB;
/** What sockets and streams between the two ends may hold; far below the whole body. */
const IN_BETWEEN_BYTES = 24 * MIB;
const PIECE = Buffer.alloc(64 * 1024, 'gatewarden streams ');

interface Meter {
  sentBytes: number;
  receivedBytes: number;
  mostAheadBytes: number;
}

const meter = (): Meter => ({ sentBytes: 0, receivedBytes: 0, mostAheadBytes: 0 });

async function send(to: NodeJS.WritableStream, counter: Meter): Promise<string> {
  const hash = createHash('sha256');
  while (counter.sentBytes < LARGE_BYTES) {
    hash.update(PIECE);
    counter.sentBytes += PIECE.length;
    if (!to.write(PIECE)) await once(to, 'drain');
  }
  to.end();
  return hash.digest('hex');
}

/** Reads slower than the other side can send: a piece per turn of the event loop. */
async function receive(from: AsyncIterable<Buffer>, counter: Meter): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of from) {
    hash.update(piece);
    counter.receivedBytes += piece.length;
    counter.mostAheadBytes = Math.max(counter.mostAheadBytes, counter.sentBytes - counter.receivedBytes);
    await nextTurn();
  }
  return hash.digest('hex');
}

async function gatewayBefore(listener: (request: IncomingMessage, response: ServerResponse) => void) {
  const upstream = await rig.upstream(listener);
  const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url] })] });
  return { upstream, gateway, port: gateway.port };
}

describe('a body of 64 MiB', () => {
  it('reaches a slow client unchanged, the upstream never far ahead of it', async () => {
    const counter = meter();
    let sentHash: Promise<string> | undefined;
    const { port } = await gatewayBefore((_request, response) => {
      sentHash = send(response, counter);
    });
    const request = open({ port, path: '/orders' });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(await receive(response, counter)).toBe(await sentHash);
    expect(counter.receivedBytes).toBe(LARGE_BYTES);
    expect(counter.mostAheadBytes).toBeLessThan(IN_BETWEEN_BYTES);
  });

  it.each(['chunked', 'of declared length'])('reaches a slow upstream unchanged when it is %s', async (framing) => {
    const counter = meter();
    const { port, upstream } = await gatewayBefore((request, response) => {
      void receive(request, counter).then((hash) => response.end(hash));
    });
    const headers = framing === 'chunked' ? {} : { 'content-length': LARGE_BYTES };
    const request = open({ port, path: '/orders', method: 'POST', headers });
    const [hash, [response]] = await Promise.all([
      send(request, counter),
      once(request, 'response') as Promise<[IncomingMessage]>,
    ]);
    expect(String(await response.toArray())).toBe(hash);
    expect(counter.mostAheadBytes).toBeLessThan(IN_BETWEEN_BYTES);
    expect(upstream.seen[0]?.headers['content-length']).toBe(framing === 'chunked' ? undefined : String(LARGE_BYTES));
  });
});

describe('streaming', () => {
  it('passes the head of a stream of events on before there is an event', async () => {
    let stream: ServerResponse | undefined;
    const { port } = await gatewayBefore((_request, response) => {
      stream = response;
      response.flushHeaders();
    });
    const request = open({ port, path: '/orders' });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    stream?.end('data: 1\n\n');
    expect(String(await response.toArray())).toBe('data: 1\n\n');
  });

  it('passes each piece on before the next exists, both ways at once', async () => {
    const { port } = await gatewayBefore((request, response) => {
      response.flushHeaders();
      request.pipe(response);
    });
    const request = open({ port, path: '/orders', method: 'POST' });
    request.flushHeaders();
    request.write('one');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(String((await once(response, 'data'))[0])).toBe('one');
    request.write('two');
    expect(String((await once(response, 'data'))[0])).toBe('two');
    request.end();
    await once(response, 'end');
  });

  it('gives a client that leaves no further work to the upstream', async () => {
    let left: Promise<unknown> | undefined;
    const { gateway, port } = await gatewayBefore((_request, response) => {
      left = once(response, 'close');
      response.write('first');
    });
    const request = open({ port, path: '/orders' });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await once(response, 'data');
    response.destroy();
    await left;
    expect(await gateway.summary()).toMatchObject({ status: 200, isComplete: false });
  });

  it('ends the upstream’s request when a client leaves in the middle of its body', async () => {
    let reached = (): void => undefined;
    const arrival = new Promise<void>((resolve) => (reached = resolve));
    let broken: Promise<unknown> | undefined;
    const { port } = await gatewayBefore((request) => {
      broken = new Promise((resolve) => request.on('error', resolve));
      request.on('data', () => reached());
    });
    const request = open({ port, path: '/orders', method: 'POST', headers: { 'content-length': 1000 } });
    request.on('error', () => undefined);
    request.write('half');
    await arrival;
    request.destroy();
    expect(await broken).toMatchObject({ code: 'ECONNRESET' });
  });

  it.each([{}, { 'content-length': '100' }])('never passes a cut-off answer on as complete (%o)', async (headers) => {
    const { gateway, port } = await gatewayBefore((_request, response) => {
      response.writeHead(200, headers);
      response.write('half', () => response.destroy());
    });
    const answer = await askRaw(port, 'GET /orders HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 200/);
    expect(answer).not.toMatch(/\r\n0\r\n\r\n$/);
    expect(await gateway.summary()).toMatchObject({ isComplete: false });
  });

  it('tells an HTTP/1.0 client by a reset that its answer was cut off', async () => {
    const { port } = await gatewayBefore((_request, response) => {
      response.write('half', () => response.destroy());
    });
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /orders HTTP/1.0\r\n\r\n');
    await expect(socket.toArray()).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('keeps a connection usable after a refusal that left a body unread', async () => {
    const gateway = await rig.gateway({ proxies: [] });
    const socket = connect(gateway.port, '127.0.0.1');
    const body = 'x'.repeat(4 * MIB);
    socket.write(`POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    socket.write('GET /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const answers = String(Buffer.concat((await socket.toArray()) as Buffer[]));
    expect(answers.match(/HTTP\/1\.1 404 /g)).toHaveLength(2);
  });

  it('lets an upstream answer before it has read the body, and the client’s connection goes on', async () => {
    const { port } = await gatewayBefore((request, response) => {
      if (request.method === 'GET') return void response.end('next');
      response.writeHead(403).end('no');
    });
    const socket = connect(port, '127.0.0.1');
    const body = 'x'.repeat(4 * MIB);
    socket.write(`POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    socket.write('GET /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const answers = String(Buffer.concat((await socket.toArray()) as Buffer[]));
    expect(answers).toMatch(/^HTTP\/1\.1 403 [^]*HTTP\/1\.1 200 [^]*next/);
  });

  it('passes trailers of the client on, but for those that frame or route', async () => {
    const { port, upstream } = await gatewayBefore((request, response) => {
      request.on('end', () => response.end(JSON.stringify(request.rawTrailers))).resume();
    });
    const request = open({ port, path: '/orders', method: 'POST', headers: { 'transfer-encoding': 'chunked' } });
    request.write('body');
    request.addTrailers([
      ['X-Sum', '42'],
      ['Authorization', 'Bearer x'],
    ]);
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(String(await response.toArray())).toBe('["X-Sum","42"]');
    expect(upstream.seen[0]?.headers['transfer-encoding']).toBe('chunked');
  });

  it('passes trailers and early hints of the upstream on', async () => {
    const { port } = await gatewayBefore((_request, response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      response.writeHead(200, { trailer: 'x-sum' });
      response.write('body');
      response.addTrailers({ 'x-sum': '42' });
      response.end();
    });
    const request = open({ port, path: '/orders' });
    const hints: unknown[] = [];
    request.on('information', (information: { statusCode: number }) => hints.push(information.statusCode));
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await response.toArray();
    expect(response.trailers).toEqual({ 'x-sum': '42' });
    expect(hints).toEqual([103]);
  });
});

describe('an answer without a body', () => {
  it('to HEAD keeps the length of the body that GET would have', async () => {
    const { port } = await gatewayBefore((_request, response) => {
      response.writeHead(200, { 'content-length': '1234' }).end();
    });
    const answer = await askRaw(port, 'HEAD /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/content-length: 1234\r\n/i);
    expect(answer.endsWith('\r\n\r\n')).toBe(true);
  });

  it.each([204, 304])('of status %d ends with its head', async (status) => {
    const { port } = await gatewayBefore((_request, response) => {
      response.writeHead(status, { etag: '"1"' }).end();
    });
    const answer = await ask({ port, path: '/orders' });
    expect([answer.status, answer.headers.etag, answer.body]).toEqual([status, '"1"', '']);
    expect(answer.headers).not.toHaveProperty('transfer-encoding');
  });
});

describe('Expect: 100-continue', () => {
  it('is answered when the upstream is ready to take the body', async () => {
    const { port, upstream } = await gatewayBefore((request, response) => request.pipe(response));
    const headers = { expect: '100-continue', 'content-length': 5 };
    const request = open({ port, path: '/orders', method: 'POST', headers });
    request.flushHeaders();
    await once(request, 'continue');
    request.end('hello');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(String(await response.toArray())).toBe('hello');
    expect(upstream.seen[0]?.headers).not.toHaveProperty('expect');
  });
});
