import { once } from 'node:events';
import http2, { type IncomingHttpHeaders } from 'node:http2';
import { Rig, askRaw, proxyOf, type GatewayWishes, type RunningGateway } from './testing/rig.ts';
import { servedCertificate } from './testing/served-certificate.ts';

const rig = new Rig();
const certificate = servedCertificate();
afterEach(() => rig.stop());

/** A gateway before an upstream that sends these bytes as its whole answer. */
async function gatewayBefore(answer: string, wishes: GatewayWishes = {}): Promise<RunningGateway> {
  const server = await rig.rawServer((socket) => socket.once('data', () => socket.end(answer)));
  return rig.gateway({ proxies: [proxyOf({ addresses: [`http://127.0.0.1:${server.port}`] })], ...wishes });
}

type Status = number;
/** `Content-Length` of the answer, `undefined` when it has none. */
type Seen = readonly [Status, string | undefined];

async function overHttp1(start: string, answer: string, method: string): Promise<Seen> {
  const gateway = await gatewayBefore(answer);
  const text = await askRaw(gateway.port, `${start}${method} /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  expect(text).toMatch(/\r\n\r\n$/);
  expect(gateway.errors).toEqual([]);
  return [Number(text.slice(9, 12)), /\r\nContent-Length: ([^\r]*)/i.exec(text)?.[1]];
}

async function overHttp2(answer: string, method: string): Promise<Seen> {
  const gateway = await gatewayBefore(answer, { certificate });
  const session = http2.connect(`https://127.0.0.1:${gateway.port}`, { rejectUnauthorized: false });
  const stream = session.request({ ':method': method, ':path': '/orders' });
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  await once(stream.resume(), 'close');
  session.destroy();
  expect([stream.rstCode, gateway.errors]).toEqual([0, []]);
  return [Number(headers[':status']), headers['content-length']];
}

const FRONTS = {
  'the lane': (answer: string, method: string) => overHttp1('', answer, method),
  // An empty line gives the connection to Node's server.
  'Node’s server': (answer: string, method: string) => overHttp1('\r\n', answer, method),
  'HTTP/2': overHttp2,
};

describe.each(Object.entries(FRONTS))('an answer without a body, through %s', (_front, seen) => {
  it.each(['GET', 'HEAD'])(
    'has no Content-Length when it is a 204 to a %s, whatever the upstream says',
    async (method) => {
      for (const length of [0, 5]) {
        const answer = `HTTP/1.1 204 No Content\r\nX-A: b\r\ncontent-length: ${length}\r\n\r\n`;
        expect(await seen(answer, method)).toEqual([204, undefined]);
      }
    },
  );

  it.each([
    ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 5\r\n\r\n', 304],
    ['200 to a HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 200],
  ])(
    'keeps its Content-Length, which speaks of another answer, when it is a %s',
    async (_what, method, answer, status) => {
      expect(await seen(answer, method)).toEqual([status, '5']);
    },
  );
});

it('a 101 has no Content-Length', async () => {
  const gateway = await gatewayBefore(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: b\r\nContent-Length: 5\r\n\r\n',
  );
  const handshake =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const text = await askRaw(gateway.port, `GET /orders HTTP/1.1\r\nHost: a\r\n${handshake}\r\n`);
  expect(text).toMatch(/^HTTP\/1\.1 101 [^]*\r\nX-A: b\r\n/);
  expect(text).not.toMatch(/content-length/i);
});
