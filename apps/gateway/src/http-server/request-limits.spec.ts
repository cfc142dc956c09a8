import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import net from 'node:net';
import { Admission } from './admission.ts';
import type { RequestLimits } from './request-limits.ts';
import { Rig, ask, askRaw, faultCodeOf, open, proxyOf } from './testing/rig.ts';

const rig = new Rig();
afterEach(() => rig.stop());

async function start(limits: Partial<RequestLimits>, listener?: http.RequestListener) {
  const upstream = await rig.upstream(
    listener ?? ((request, response) => request.resume().on('end', () => response.end('ok'))),
  );
  const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url] })], limits });
  return { upstream, gateway };
}

const CHUNKED = 'POST /orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const statusOf = (answer: string): string => answer.slice(9, 12);

describe('a request above a limit of its head', () => {
  it('is a 414 when its target is too long', async () => {
    const { gateway, upstream } = await start({ maxUrlBytes: 1_100 });
    const of = (length: number) => ask({ port: gateway.port, path: `/orders?${'x'.repeat(length - 8)}` });
    expect((await of(1_100)).status).toBe(200);
    const refused = await of(1_101);
    expect([refused.status, faultCodeOf(refused)]).toEqual([414, 'GWD-018']);
    expect(upstream.seen).toHaveLength(1);
  });

  it('is a 431 when it has too many lines, and no line is lost when more are allowed', async () => {
    const { gateway, upstream } = await start({ maxHeaderLines: 1_500 });
    const of = (count: number, last: string) => {
      const lines = `Host: a\r\nConnection: close\r\n${'a: b\r\n'.repeat(count - 3)}${last}`;
      return askRaw(gateway.port, `GET /orders HTTP/1.1\r\n${lines}\r\n\r\n`);
    };
    expect(statusOf(await of(1_500, 'X-Last: 1'))).toBe('200');
    expect(statusOf(await of(1_500, 'Host: b'))).toBe('400');
    expect(statusOf(await of(1_501, 'X-Last: 1'))).toBe('431');
    expect(upstream.seen).toHaveLength(1);
  });
});

describe('a body above the limit', () => {
  it('is a 413 before anything of it is sent on, when its length is declared', async () => {
    const { gateway, upstream } = await start({ maxBodyBytes: 10 });
    const of = (body: string) => ask({ port: gateway.port, path: '/orders', method: 'POST', body });
    expect((await of('x'.repeat(10))).status).toBe(200);
    const refused = await of('x'.repeat(11));
    expect([refused.status, faultCodeOf(refused)]).toEqual([413, 'GWD-004']);
    expect(upstream.seen).toHaveLength(1);
  });

  it('is a 413 as soon as it comes, when it is chunked, and never looks complete to the upstream', async () => {
    let arrived: IncomingMessage | undefined;
    const { gateway } = await start({ maxBodyBytes: 10 }, (request) => {
      arrived = request.resume();
    });
    const request = open({ port: gateway.port, path: '/orders', method: 'POST' });
    request.on('error', () => undefined);
    request.write('12345');
    while (arrived === undefined) await new Promise(setImmediate);
    const upstreamSide = arrived.on('error', () => undefined);
    const gone = new Promise<void>((resolve) => upstreamSide.on('close', resolve));
    request.write('678901');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(413);
    await gone;
    expect(upstreamSide.complete).toBe(false);
    request.destroy();
  });

  it('is not read for ever after it was refused', async () => {
    const { gateway } = await start({ maxBodyBytes: 10, bodyIdleTimeoutMs: 100 }, (request) => request.resume());
    const socket = net.connect(gateway.port, '127.0.0.1').on('error', () => undefined);
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    socket.resume();
    const piece = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    socket.write(CHUNKED);
    const send = (): void => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', send);
    send();
    await closed;
    expect(await gateway.summary()).toMatchObject({ status: 413 });
  });
});

describe('a client that is slow', () => {
  it('with its body is a 408 on a connection that ends', async () => {
    const { gateway } = await start({ bodyIdleTimeoutMs: 100 });
    const answer = await askRaw(gateway.port, `${CHUNKED}5\r\nhel`);
    expect(statusOf(answer)).toBe('408');
    expect(await gateway.summary()).toMatchObject({ status: 408, fault: { reason: 'silent body' } });
  });

  it('with its body as a whole is a 408 however steadily it comes', async () => {
    const { gateway } = await start({ bodyTimeoutMs: 1_000 });
    const socket = net.connect(gateway.port, '127.0.0.1').on('error', () => undefined);
    const dripping = setInterval(() => socket.write('1\r\nx\r\n'), 20);
    socket.write(CHUNKED);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    clearInterval(dripping);
    socket.destroy();
    expect(statusOf(answer.toString())).toBe('408');
  });

  it('with reading its answer loses its connection, and the upstream its request', async () => {
    let response: ServerResponse | undefined;
    const { gateway } = await start({ writeIdleTimeoutMs: 200 }, (request, answer) => {
      request.resume();
      response = answer;
      answer.end(Buffer.alloc(64 * 1024 * 1024));
    });
    // In two pieces, so that it is Node's front that answers.
    const socket = net.connect(gateway.port, '127.0.0.1').on('error', () => undefined);
    socket.pause().write(`${CHUNKED}0\r\n`);
    while (response === undefined) {
      socket.write('');
      await new Promise(setImmediate);
      if (socket.bytesWritten === CHUNKED.length + 3) socket.write('\r\n');
    }
    const gone = once(response, 'close');
    expect((await gateway.summary()).isComplete).toBe(false);
    await gone;
    socket.destroy();
  });
});

describe('too much at once', () => {
  it('is a 503 with Retry-After, and its connection serves the next request', async () => {
    const waiting: ServerResponse[] = [];
    const { gateway, upstream } = await start({ maxRequestsInFlight: 1 }, (_request, response) =>
      waiting.push(response),
    );
    const agent = new http.Agent({ keepAlive: true });
    const first = ask({ port: gateway.port, path: '/orders' });
    while (waiting.length === 0) await new Promise(setImmediate);
    const refused = await ask({ port: gateway.port, path: '/orders', agent });
    expect([refused.status, faultCodeOf(refused), refused.headers['retry-after']]).toEqual([503, 'GWD-019', '1']);
    expect(refused.headers.connection).toBe('keep-alive');
    waiting[0]?.end('ok');
    expect((await first).status).toBe(200);
    const next = ask({ port: gateway.port, path: '/orders', agent });
    while (waiting.length === 1) await new Promise(setImmediate);
    waiting[1]?.end('ok');
    expect((await next).status).toBe(200);
    expect(upstream.seen).toHaveLength(2);
    agent.destroy();
  });

  it('in connections is a connection closed without a word', async () => {
    const { gateway } = await start({ maxConnections: 1 });
    const held = net.connect(gateway.port, '127.0.0.1');
    held.write('GET /orders HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(held, 'data');
    expect(await askRaw(gateway.port, 'GET /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toBe('');
    held.destroy();
  });
});

describe('the memory of a worker', () => {
  it('is its part of the memory of the machine', async () => {
    const waiting: ServerResponse[] = [];
    const upstream = await rig.upstream((_request, response) => waiting.push(response));
    const proxies = [proxyOf({ addresses: [upstream.url] })];
    const gateway = await rig.gateway({ proxies, settings: { processes: 1_000_000 } });
    const held = Array.from({ length: 16 }, () => ask({ port: gateway.port, path: '/orders' }));
    while (waiting.length < held.length) await new Promise(setImmediate);
    expect((await ask({ port: gateway.port, path: '/orders' })).status).toBe(503);
    expect(await gateway.summary()).toMatchObject({ fault: { reason: 'memory' } });
    for (const response of waiting) response.end();
    await Promise.all(held);
  });
});

describe('the admission of requests', () => {
  it('serves a few at a time while memory is short, and all again afterwards', () => {
    let percent = 95;
    const admission = new Admission({ maxRequestsInFlight: 1_000, maxHeapPercent: 90 }, () => percent);
    const enter = (count: number, now: number) => Array.from({ length: count }, () => admission.enter(now));
    expect(enter(16, 0).every((refusal) => refusal === undefined)).toBe(true);
    expect(enter(1, 0)).toEqual(['memory']);
    admission.left();
    expect(enter(1, 1)).toEqual([undefined]);
    percent = 50;
    expect(enter(1, 999)).toEqual(['memory']);
    expect(enter(1, 1_000)).toEqual([undefined]);
  });
});
