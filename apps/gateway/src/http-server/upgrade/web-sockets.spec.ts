import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { Rig, askRaw, faultCodeOf, proxyOf, tokenOf, verifyJwt } from '../testing/rig.ts';

const rig = new Rig();
const servers: WebSocketServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    for (const client of server.clients) client.terminate();
    server.close();
  }
  await rig.stop();
});

/** An upstream by a library that nobody here wrote; it sends back what it gets. */
async function echo(options: ConstructorParameters<typeof WebSocketServer>[0] = {}): Promise<{
  readonly url: string;
  readonly server: WebSocketServer;
}> {
  const http = createServer((_request, response) => response.end('plain'));
  const server = new WebSocketServer({ server: http, ...options });
  server.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  servers.push(server);
  server.on('close', () => http.close());
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, server };
}

const CHECKED = { request: [verifyJwt('check')], response: [], error: [] };
const HANDSHAKE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

async function received(socket: WebSocket): Promise<Buffer> {
  const [data] = (await once(socket, 'message')) as [Buffer];
  return data;
}

describe('a WebSocket through the gateway', () => {
  it('carries messages both ways after the policies, with the handshake of the upstream', async () => {
    const { url } = await echo({ handleProtocols: () => 'chat.v2' });
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [url], pipelines: CHECKED })] });
    const headers = { authorization: `Bearer ${tokenOf({})}` };
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/orders/live?x=1`, ['chat.v1', 'chat.v2'], { headers });
    await once(socket, 'open');
    expect(socket.protocol).toBe('chat.v2');
    socket.send('hello');
    expect(String(await received(socket))).toBe('hello');
    const large = Buffer.alloc(3_000_000, 7);
    socket.send(large);
    expect((await received(socket)).equals(large)).toBe(true);
    socket.close(4_001, 'enough');
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    expect([code, String(reason)]).toEqual([4_001, 'enough']);
    expect(await gateway.summary()).toMatchObject({ status: 101, isComplete: true });
    expect(gateway.errors).toEqual([]);
  });

  it('is refused by a policy before the upstream hears of it, as an ordinary answer', async () => {
    const { url, server } = await echo();
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [url], pipelines: CHECKED })] });
    const text = await askRaw(gateway.port, `GET /orders HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    expect(text).toContain('steps.jwt.');
    expect(server.clients.size).toBe(0);
    expect(await gateway.summary()).toMatchObject({ status: 401, isComplete: true });
  });

  it('passes on the answer of an upstream that does not upgrade', async () => {
    const upstream = await rig.upstream((_request, response) => response.writeHead(403).end('not here'));
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url] })] });
    const text = await askRaw(gateway.port, `GET /orders HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 403 /);
    expect(text).toMatch(/not here/);
  });

  it('to an upstream that cannot be reached is a 502', async () => {
    const address = `http://127.0.0.1:${await rig.closedPort()}`;
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [address] })] });
    const text = await askRaw(gateway.port, `GET /orders HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 502 /);
    expect(faultCodeOf({ body: text.slice(text.indexOf('\r\n\r\n')) })).toBe('GWD-009');
  });

  it('behind an unfinished answer waits for it', async () => {
    const { url } = await echo();
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [url] })] });
    const socket = connect(gateway.port, '127.0.0.1');
    socket.write(`GET /orders HTTP/1.1\r\nHost: a\r\n\r\nGET /orders HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\n`);
    const text = await untilMatch(socket, /HTTP\/1\.1 101 [^]*\r\n\r\n/);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK[^]*plain[^]*HTTP\/1\.1 101 /);
    socket.destroy();
  });
});

async function untilMatch(socket: Socket, wanted: RegExp): Promise<string> {
  let text = '';
  while (!wanted.test(text)) text += String((await once(socket, 'data'))[0]);
  return text;
}

const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** An upstream of bytes: takes every upgrade and lets the test speak. */
async function rawUpgrade(): Promise<{ readonly port: number; readonly upgraded: Promise<Socket> }> {
  let found: (socket: Socket) => void = () => undefined;
  const upgraded = new Promise<Socket>((resolve) => (found = resolve));
  const { port } = await rig.rawServer((socket) => {
    socket.once('data', () => {
      socket.write(`${SWITCHED}first`);
      found(socket);
    });
  });
  return { port, upgraded };
}

describe('an upgraded connection', () => {
  it('hands on what came together with the heads, and the end of each direction by itself', async () => {
    const server = await rawUpgrade();
    const address = `http://127.0.0.1:${server.port}`;
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [address] })] });
    const client = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true });
    client.write(`GET /orders HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\nearly`);
    const upstream = await server.upgraded;
    expect(await untilMatch(client, /first/)).toMatch(/^HTTP\/1\.1 101 /);
    expect(await untilMatch(upstream, /early/)).toBe('early');
    upstream.end('last');
    const [last] = (await once(client, 'data')) as [Buffer];
    expect(String(last)).toBe('last');
    await once(client, 'end');
    expect(gateway.summaries).toHaveLength(0);
    client.destroy();
  });

  it.each(['client', 'upstream'] as const)('that the %s cuts off is cut off at the other end', async (side) => {
    const server = await rawUpgrade();
    const address = `http://127.0.0.1:${server.port}`;
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [address] })] });
    const client = connect(gateway.port, '127.0.0.1').on('error', () => undefined);
    client.write(`GET /orders HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\n`);
    const upstream = await server.upgraded;
    await untilMatch(client, /first/);
    const [cut, other] = side === 'client' ? [client, upstream] : [upstream, client];
    const closed = once(other.resume(), 'close');
    cut.resetAndDestroy();
    await closed;
    expect(await gateway.summary()).toMatchObject({ status: 101, isComplete: false });
  });

  it('that is silent for too long is ended', async () => {
    const server = await rawUpgrade();
    const proxies = [proxyOf({ addresses: [`http://127.0.0.1:${server.port}`] })];
    const gateway = await rig.gateway({ proxies, listener: { webSocketIdleTimeoutMs: 50 } });
    const text = await askRaw(gateway.port, `GET /orders HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\n`);
    expect(text).toMatch(/first$/);
  });

  it('is given the time of a drain, then ends', async () => {
    const server = await rawUpgrade();
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [`http://127.0.0.1:${server.port}`] })] });
    const client = connect(gateway.port, '127.0.0.1').on('error', () => undefined);
    client.write(`GET /orders HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\n`);
    const upstream = await server.upgraded;
    await untilMatch(client, /first/);
    const closed = once(client, 'close');
    const drained = gateway.server.drain(1_000);
    upstream.write('still here');
    await untilMatch(client, /still here/);
    await drained;
    await closed;
  });
});
