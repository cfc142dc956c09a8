import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import http2 from 'node:http2';
import { connect, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { selfSignedCertificate } from '#libs/program-shell/testing';
import { HEALTH_LIMITS } from '../upstream/health/health-limits.ts';
import { UPSTREAM_POOL_LIMITS, type UpstreamPoolLimits } from '../upstream/upstream-pool.ts';
import { CertificateKeeper } from './listener/certificate-keeper.ts';
import { Rig, askRaw, proxyOf, type ArtifactWishes, type GatewayWishes, type RunningGateway } from './testing/rig.ts';

const CALLS = 1_000;
const AT_A_TIME = 250;
/** Less than one tick: all that time out do so within two. */
const SHORT_MS = 20;

const rig = new Rig();
/** Of clients, the gateway and upstreams: they are all in this process. */
const sockets = new Set<Socket>();
const CHANNELS = ['net.client.socket', 'net.server.socket'];
const note = (message: unknown): void => void sockets.add((message as { socket: Socket }).socket);
beforeEach(() => CHANNELS.forEach((channel) => subscribe(channel, note)));
afterEach(async () => {
  CHANNELS.forEach((channel) => unsubscribe(channel, note));
  sockets.clear();
  await rig.stop();
});

/** Listeners at all open connections. */
function countListeners(): number {
  let count = 0;
  for (const socket of sockets) {
    if (!socket.destroyed) for (const event of socket.eventNames()) count += socket.listenerCount(event);
  }
  return count;
}

const LINES = 'Host: a\r\nConnection: close\r\n';
const GET = `GET /orders HTTP/1.1\r\n${LINES}\r\n`;
/** More is announced than ever comes. */
const UNFINISHED_POST = `POST /orders HTTP/1.1\r\n${LINES}Content-Length: 100000\r\n\r\n${'x'.repeat(1_000)}`;
const HALF = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf';

/** Leaves when it has read this. */
async function leaveAfter(port: number, bytes: string, until: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.write(bytes);
  let text = '';
  while (!text.includes(until)) text += String((await once(socket, 'data'))[0]);
  socket.resetAndDestroy();
  await once(socket, 'close');
  return text;
}

interface Situation {
  readonly upstream: (socket: Socket) => void;
  /** One call of a client. Default: a GET, and everything that came. */
  readonly call?: (port: number) => Promise<string>;
  readonly answer: RegExp;
  readonly scheme?: 'http' | 'https';
  readonly wishes?: Partial<ArtifactWishes['upstream']>;
  readonly limits?: GatewayWishes['limits'];
  readonly pool?: Partial<UpstreamPoolLimits>;
}

/** Does it once something of the request came. */
const afterRequest =
  (answer: (socket: Socket) => void): Situation['upstream'] =>
  (socket) =>
    void socket.once('data', () => answer(socket));

const SITUATIONS: Readonly<Record<string, Situation>> = {
  'an upstream that resets in the middle of its answer': {
    upstream: afterRequest((socket) => socket.write(HALF, () => socket.resetAndDestroy())),
    answer: /^(?:HTTP\/1\.1 (?:200 OK|502 )|$)/,
  },
  'an upstream that ends in the middle of its answer': {
    upstream: afterRequest((socket) => socket.end(HALF)),
    answer: /^(?:HTTP\/1\.1 200 OK[^]*half)?$/,
  },
  'an upstream that ends before its answer, tried three times': {
    upstream: afterRequest((socket) => socket.end()),
    wishes: { retryCount: 2 },
    pool: { health: { ...HEALTH_LIMITS, ejectAfterFailures: 0, retryBudgetPercent: 100 } },
    answer: /^HTTP\/1\.1 502 /,
  },
  'a client that leaves in the middle of the answer': {
    upstream: afterRequest((socket) => socket.write(HALF)),
    call: (port) => leaveAfter(port, GET, 'half'),
    answer: /half$/,
  },
  'a client that leaves in the middle of its request': {
    upstream: (socket) =>
      void socket.once('data', () => socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')),
    call: (port) => leaveAfter(port, UNFINISHED_POST, ' 103 '),
    answer: /^HTTP\/1\.1 103 /,
  },
  'a connection that is not ready in time': {
    upstream: () => undefined,
    scheme: 'https',
    wishes: { connectTimeoutMs: SHORT_MS },
    answer: /^HTTP\/1\.1 502 /,
  },
  'no connection becoming free in time': {
    upstream: afterRequest((socket) => void socket),
    wishes: { connectTimeoutMs: SHORT_MS, readTimeoutMs: 4 * SHORT_MS },
    pool: { maxConnections: 1 },
    answer: /^HTTP\/1\.1 50[34] /,
  },
  'an answer that does not begin in time': {
    upstream: () => undefined,
    wishes: { readTimeoutMs: SHORT_MS },
    answer: /^HTTP\/1\.1 504 /,
  },
  'an answer that does not go on in time': {
    upstream: afterRequest((socket) => socket.write(HALF)),
    // Long enough for the first half to come in time from a process that has 250 of them to write.
    wishes: { readTimeoutMs: 1_000 },
    answer: /^HTTP\/1\.1 200 OK[^]*half$/,
  },
  'a request that does not go on in time': {
    upstream: () => undefined,
    call: (port) => leaveAfter(port, UNFINISHED_POST, ' 408 '),
    limits: { bodyIdleTimeoutMs: 100 },
    answer: /^HTTP\/1\.1 408 /,
  },
  'an answer with a head that is too large': {
    upstream: afterRequest((socket) => socket.write(`HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(2_000)}\r\n\r\n`)),
    pool: { maxHeaderBytes: 1_024 },
    answer: /^HTTP\/1\.1 502 /,
  },
  'a request with a head that is too large': {
    upstream: () => undefined,
    call: (port) => askRaw(port, `GET /orders HTTP/1.1\r\n${LINES}X-A: ${'a'.repeat(2_000)}\r\n\r\n`),
    limits: { maxHeaderBytes: 1_024 },
    answer: /^HTTP\/1\.1 431 /,
  },
  'an answer before the end of its request': {
    upstream: afterRequest((socket) => socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nearly')),
    call: (port) => leaveAfter(port, UNFINISHED_POST, 'early'),
    answer: /^HTTP\/1\.1 403 [^]*early$/,
  },
};

interface Running {
  readonly gateway: RunningGateway;
  readonly url: string;
  /** Every connection that the upstream took, when it is closed. */
  readonly closed: Promise<unknown>[];
}

async function running({ upstream, scheme = 'http', wishes, limits, pool }: Situation): Promise<Running> {
  const closed: Promise<unknown>[] = [];
  const server = await rig.rawServer((socket) => {
    closed.push(once(socket, 'close'));
    upstream(socket);
    socket.resume();
  });
  const url = `${scheme}://127.0.0.1:${server.port}`;
  const proxies = [proxyOf({ addresses: [url], ...(wishes && { upstream: wishes }) })];
  const poolLimits = { ...UPSTREAM_POOL_LIMITS, ...pool };
  const gateway = await rig.gateway({ proxies, ...(limits && { limits }), pool: { limits: poolLimits } });
  return { gateway, url, closed };
}

/** Nothing is under way any more, here and at the upstream. */
async function expectNothingLeft({ gateway, url, closed }: Running, count: number): Promise<void> {
  await gateway.summary(count);
  await gateway.server.drain(0);
  expect(gateway.server.load).toMatchObject({ inFlight: 0 });
  expect(gateway.pool.health.of(url).inFlight).toBe(0);
  const { waiting, open, idle } = gateway.pool.loads.get(url) ?? { waiting: 0, open: 0, idle: 0 };
  expect([waiting, open]).toEqual([0, idle]);
  await gateway.pool.close();
  await Promise.all(closed);
  expect([gateway.summaries.length, gateway.errors]).toEqual([count, []]);
}

describe(`${CALLS} calls leave nothing behind`, () => {
  it.each(Object.keys(SITUATIONS))('that meet %s', async (name) => {
    const situation = SITUATIONS[name] as Situation;
    const parts = await running(situation);
    const { call = (port: number) => askRaw(port, GET), answer } = situation;
    for (let done = 0; done < CALLS; done += AT_A_TIME) {
      const answers = await Promise.all(Array.from({ length: AT_A_TIME }, () => call(parts.gateway.port)));
      for (const text of answers) expect(text).toMatch(answer);
    }
    await expectNothingLeft(parts, CALLS);
  });
});

/** One POST after the other on one connection, each body behind its head. `start` goes before the first. */
async function postOneByOne(port: number, start: string, answered: (text: string) => void): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.write(start);
  for (let call = 0; call < CALLS; call += 1) {
    socket.write('POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n');
    socket.write('body');
    let text = '';
    while (!/done$|\}$/.test(text)) text += String((await once(socket, 'data'))[0]);
    answered(text);
  }
  socket.destroy();
}

async function postOverHttp2(port: number, answered: (text: string) => void): Promise<void> {
  const session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  for (let call = 0; call < CALLS; call += 1) {
    const stream = session.request({ ':method': 'POST', ':path': '/orders' });
    stream.end('body');
    answered(await textOf(stream));
  }
  session.destroy();
}

describe(`${CALLS} calls on one connection`, () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'nothing-left-'));
  const [certFile, keyFile] = [path.join(directory, 'cert.pem'), path.join(directory, 'key.pem')];
  const { cert, key } = selfSignedCertificate('gateway.test');
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  const certificate = new CertificateKeeper(
    { certFile, keyFile, minVersion: 'TLSv1.2' },
    { onReplaced: () => undefined, onRefused: () => undefined },
  );
  afterAll(() => rmSync(directory, { recursive: true }));

  const FRONTS = {
    'the lane': { calls: (port: number, answered: (text: string) => void) => postOneByOne(port, '', answered) },
    // An empty line gives the connection to Node's server.
    'Node’s server': {
      calls: (port: number, answered: (text: string) => void) => postOneByOne(port, '\r\n', answered),
    },
    'HTTP/2': { calls: postOverHttp2, certificate },
  };
  const UPSTREAMS: Readonly<Record<string, [RegExp, RequestListener]>> = {
    'that are answered': [/done$/, (request, response) => request.resume().once('end', () => response.end('done'))],
    'that are a 502': [/GWD-011/, (request) => request.resume().once('end', () => request.socket.destroy())],
  };

  it.each(
    Object.entries(FRONTS).flatMap(([front, of]) =>
      Object.entries(UPSTREAMS).map(([what, [answer, listener]]) => ({ front, what, answer, listener, ...of })),
    ),
  )('leave nothing at any connection: $front, calls $what', async ({ calls, answer, listener, ...tls }) => {
    const upstream = await rig.upstream(listener);
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url] })], ...tls });
    const listeners: number[] = [];
    await calls(gateway.port, (text) => {
      expect(text).toMatch(answer);
      listeners.push(countListeners());
    });
    await gateway.summary(CALLS);
    expect((listeners.at(-1) ?? NaN) - (listeners[10] ?? NaN)).toBeLessThan(CALLS / 10);
    const { open, idle, waiting } = gateway.pool.loads.get(upstream.url) ?? { open: NaN, idle: 0, waiting: 0 };
    expect([open - idle, waiting, gateway.pool.health.of(upstream.url).inFlight]).toEqual([0, 0, 0]);
    expect([gateway.server.load.inFlight, gateway.errors]).toEqual([0, []]);
  });
});
