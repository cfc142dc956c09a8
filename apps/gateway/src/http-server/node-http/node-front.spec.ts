import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { Rig, askRaw, proxyOf } from '../testing/rig.ts';

const rig = new Rig();
afterEach(() => rig.stop());

/** An empty line before a request: the lane leaves such a connection to Node's server. */
const NODES = '\r\n';
const HOST = 'Host: a\r\n';
const get = (path: string, more = ''): string => `GET /orders/${path} HTTP/1.1\r\n${HOST}${more}\r\n`;
const post = (path: string, body = 'x'): string =>
  `POST /orders/${path} HTTP/1.1\r\n${HOST}Content-Length: ${body.length}\r\n\r\n${body}`;
const LAST = 'Connection: close\r\n';
const HANDSHAKE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await nextTurn();
}

/** An upstream that holds the first request until it is told to answer. */
async function held() {
  let answerFirst: () => void = () => undefined;
  const echo = (url: string | undefined, response: ServerResponse): void => void response.end(`[${url}]`);
  const upstream = await rig.upstream((request, response) => {
    request.resume();
    if (upstream.seen.length > 1) return echo(request.url, response);
    answerFirst = () => echo(request.url, response);
  });
  const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url] })] });
  const socket = connect(gateway.port, '127.0.0.1').on('error', () => undefined);
  let text = '';
  socket.on('data', (piece: Buffer) => (text += piece.toString('latin1')));
  const first = async (bytes: string): Promise<void> => {
    socket.write(NODES + bytes, 'latin1');
    await until(() => upstream.seen.length === 1);
  };
  const bodies = (): string[] => text.match(/\[[^\]]*\]|HTTP\/1\.1 [45]\d\d/g) ?? [];
  return { upstream, gateway, socket, first, answer: () => answerFirst(), bodies, text: () => text };
}

/** Answered after everything that other connections had brought was read. */
const others = (port: number): Promise<string> => askRaw(port, `GET /none HTTP/1.1\r\n${HOST}${LAST}\r\n`);

describe('requests behind each other on a connection of Node’s server', () => {
  it('reach the upstream one after the other', async () => {
    const { upstream, gateway, socket, first, answer, bodies } = await held();
    await first(post('1') + get('2') + post('3') + get('4', LAST));
    await others(gateway.port);
    expect(upstream.seen.map(({ url }) => url)).toEqual(['/1']);
    answer();
    await once(socket, 'close');
    expect(upstream.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /1',
      'GET /2',
      'POST /3',
      'GET /4',
    ]);
    expect(bodies()).toEqual(['[/1]', '[/2]', '[/3]', '[/4]']);
    expect(gateway.summaries).toHaveLength(5);
  });

  it('are all answered, however many there are', async () => {
    const { socket, first, answer, bodies } = await held();
    await first(post('1') + post('n', 'x'.repeat(2_000)).repeat(500) + get('last', LAST));
    answer();
    await once(socket, 'close');
    expect(bodies()).toHaveLength(502);
    expect(bodies().at(-1)).toBe('[/last]');
  });

  it('do not start behind one that ends the connection', async () => {
    const { upstream, gateway, socket, bodies } = await held();
    socket.write(`${NODES}GET /orders HTTP/1.1\r\n${HOST}${HOST}\r\n${post('2')}`);
    await once(socket, 'close');
    expect(bodies()).toEqual(['HTTP/1.1 400']);
    expect(upstream.seen).toHaveLength(0);
    expect(gateway.summaries).toHaveLength(1);
  });

  it.each([
    ['bytes that are no request', 'gibberish\r\n\r\n'],
    ['CONNECT', `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`],
    ['a broken body', `POST /orders/2 HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nxx\r\n`],
  ])('are answered before %s is refused', async (_what, bytes) => {
    const { upstream, gateway, socket, first, answer, bodies } = await held();
    await first(post('1') + bytes);
    await others(gateway.port);
    expect(bodies()).toEqual([]);
    answer();
    await once(socket, 'close');
    expect(bodies()).toEqual(['[/1]', 'HTTP/1.1 400']);
    expect(upstream.seen).toHaveLength(1);
  });

  it('are dropped by a drain, whose answer says so', async () => {
    const { upstream, gateway, socket, first, answer, bodies, text } = await held();
    await first(post('1') + post('2'));
    const drained = gateway.server.drain(10_000);
    answer();
    await once(socket, 'close');
    await drained;
    expect(bodies()).toEqual(['[/1]']);
    expect(text()).toMatch(/\r\nConnection: close\r\n/i);
    expect(upstream.seen).toHaveLength(1);
  });

  it('are forgotten when their client is gone', async () => {
    const { upstream, gateway, socket, first } = await held();
    await first(post('1') + post('2'));
    socket.destroy();
    await gateway.summary();
    await gateway.server.drain(10_000);
    expect(upstream.seen).toHaveLength(1);
    expect(gateway.summaries).toMatchObject([{ isComplete: false }]);
  });
});

it('a WebSocket behind a large answer starts when that is out', async () => {
  const large = Buffer.alloc(8_000_000, 'x');
  const upstream = await rig.upstream((_request, response) => response.end(large));
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(sockets, 'listening');
  sockets.on('connection', (socket) => socket.terminate());
  const { port } = sockets.address() as { port: number };
  const gateway = await rig.gateway({
    proxies: [
      proxyOf({ addresses: [upstream.url] }),
      proxyOf({ proxy: 'live', paths: ['/live'], addresses: [`http://127.0.0.1:${port}`] }),
    ],
  });
  const text = await askRaw(gateway.port, `${NODES}${get('1')}GET /live HTTP/1.1\r\n${HOST}${HANDSHAKE}\r\n`);
  sockets.close();
  expect(text.length).toBeGreaterThan(large.length);
  expect(text).toMatch(/xHTTP\/1\.1 101 /);
});

/** Who stops sending has left, on both fronts. */
it.each([
  ['the lane', ''],
  ['Node’s server', NODES],
])('a client of %s that half-closes in the middle of its exchange ends it', async (_who, start) => {
  let gone: Promise<unknown> = Promise.resolve();
  const upstream = await rig.upstream((_request, response) => {
    gone = once(response, 'close');
  });
  const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url] })] });
  const socket: Socket = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined).write(start + get('1'));
  await until(() => upstream.seen.length === 1);
  socket.end();
  await once(socket.resume(), 'close');
  await gone;
  expect(await gateway.summary()).toMatchObject({ isComplete: false, status: undefined });
});
