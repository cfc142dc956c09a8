import { once } from 'node:events';
import { connect } from 'node:net';
import { Rig, ask, askRaw, proxyOf } from './testing/rig.ts';

const rig = new Rig();
const uncaught: unknown[] = [];
const note = (error: unknown): void => void uncaught.push(error);
beforeEach(() => {
  uncaught.length = 0;
  process.on('uncaughtException', note);
});
afterEach(async () => {
  process.off('uncaughtException', note);
  await rig.stop();
});

/** Sends the bytes and resets the connection, as a client does whose SO_LINGER is 0. */
async function sendAndReset(port: number, bytes: string): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  await new Promise((resolve) => socket.write(bytes, 'latin1', resolve));
  socket.resetAndDestroy();
  await once(socket, 'close');
}

const HOST = 'Host: x\r\n';
const ROUNDS = 100;

describe('a client that resets its connection', () => {
  it.each([
    ['CONNECT', `CONNECT x:1 HTTP/1.1\r\n${HOST}\r\n`],
    ['CONNECT behind a request', `GET /orders HTTP/1.1\r\n${HOST}\r\nCONNECT x:1 HTTP/1.1\r\n${HOST}\r\n`],
    ['a protocol upgrade', `GET /orders HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`],
    ['bytes that are not HTTP', 'gibberish\r\n\r\n'],
    ['a broken chunk', `POST /orders HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nxx\r\n`],
    ['a request that is refused', `GET /orders HTTP/1.1\r\n${HOST}${HOST}\r\n`],
    ['a request that is answered', `GET /orders HTTP/1.1\r\n${HOST}\r\n`],
  ])('after %s ends nothing but its connection', async (_what, bytes) => {
    const upstream = await rig.upstream((_request, response) => response.end('alive'));
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url] })] });
    await Promise.all(Array.from({ length: ROUNDS }, () => sendAndReset(gateway.port, bytes)));
    expect((await ask({ port: gateway.port, path: '/orders' })).body).toBe('alive');
    // Fulfils when every connection is closed: whatever a socket had to say was said by then.
    await gateway.server.drain(10_000);
    expect(uncaught).toEqual([]);
    expect(gateway.errors).toEqual([]);
  });
});

describe('CONNECT', () => {
  it.each([
    [1, 64],
    [20, 16],
  ])('behind %d answers of %d MiB that the client does not read leaves nothing behind', async (count, sizeMib) => {
    const large = Buffer.alloc(sizeMib * 1024 * 1024);
    const upstream = await rig.upstream((_request, response) => response.end(large));
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url] })] });
    const socket = connect(gateway.port, '127.0.0.1').on('error', () => undefined);
    // The empty line gives the connection to Node's server.
    socket.pause().write(`\r\n${`GET /orders HTTP/1.1\r\n${HOST}\r\n`.repeat(count)}`);
    await once(socket, 'readable');
    socket.write(`CONNECT x:1 HTTP/1.1\r\n${HOST}\r\n`);
    // What came later on another connection is answered after the CONNECT was read.
    expect(await askRaw(gateway.port, `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)).toContain(' 404 ');
    await gateway.server.drain(50);
    // What waited in line behind the unread answer never began.
    await gateway.summary(2);
    expect(gateway.summaries.map(({ status, isComplete }) => [status, isComplete])).toEqual([
      [404, true],
      [200, false],
    ]);
    expect([gateway.server.load.inFlight, upstream.seen.length]).toEqual([0, 1]);
    socket.destroy();
  });
});
