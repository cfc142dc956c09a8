import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { DEFAULT_LIMITS } from '../request-limits.ts';
import { readPlainRequest, type LaneRequest } from './lane-request.ts';

const CONNECTION = { peerAddress: '192.0.2.1', isEncrypted: false };

const read = (text: string, at = 0, limits = DEFAULT_LIMITS): LaneRequest | undefined =>
  readPlainRequest(text, at, CONNECTION, limits);

interface Reading {
  readonly method: string | undefined;
  readonly target: string | undefined;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** Everything that the lane would answer, one request after the other. */
function laneReadings(text: string): Reading[] {
  const readings: Reading[] = [];
  for (let at = 0; ;) {
    const request = read(text, at);
    if (request === undefined) return readings;
    const { method, target, rawHeaders, body } = request;
    readings.push({ method, target, rawHeaders, body: body?.toString('latin1') ?? '' });
    at = request.endsAt;
  }
}

/** What Node’s server reads of connections, until the client has said everything. */
class NodeOracle {
  #requests: { readonly request: IncomingMessage; readonly pieces: Buffer[] }[] = [];
  readonly #server = http.createServer({ requireHostHeader: false, maxHeaderSize: 16 * 1024 }, (request, response) => {
    const pieces: Buffer[] = [];
    this.#requests.push({ request, pieces });
    request.on('data', (piece: Buffer) => pieces.push(piece)).on('error', () => undefined);
    response.end();
  });

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }

  async readings(text: string): Promise<Reading[]> {
    this.#requests = [];
    const { port } = this.#server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.resume().end(Buffer.from(text, 'latin1'));
    await once(socket, 'close');
    const whole = this.#requests.filter(({ request }) => request.complete);
    return whole.map(({ request: { method, url: target, rawHeaders }, pieces }) => {
      return { method, target, rawHeaders, body: Buffer.concat(pieces).toString('latin1') };
    });
  }
}

const ODD = [
  '\r',
  '\n',
  '\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '#',
  '?',
  '\x7f',
  '\x80',
  '\xff',
  '+',
  '0',
  'a',
  'HTTP/1.0',
];
const HOST = ['Host', 'a.test'] as const;
const ODD_LINES: readonly (readonly [string, string])[] = [
  ['host', 'b.test'],
  ['Content-Length', '3'],
  ['Content-Length', '03'],
  ['Content-Length', '+3'],
  ['Content-Length', '0'],
  ['Content-Length', '3, 3'],
  ['Transfer-Encoding', 'chunked'],
  ['Connection', 'close'],
  ['connection', 'Keep-Alive'],
  ['Connection', 'x, close'],
  ['Proxy-Connection', 'close'],
  ['Expect', '100-continue'],
  ['Upgrade', 'websocket'],
  ['X-Empty', ''],
  ['X-Blank', ' \t '],
  ['X-High', 'caf\xe9'],
  ['Cookie', 'a=b; c=d'],
];

const line = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.stringMatching(/^[A-Za-z-]{1,8}$/), fc.stringMatching(/^[ -~]{0,12}$/)) },
  { weight: 1, arbitrary: fc.constantFrom(...ODD_LINES) },
);
const request = fc
  .record({
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'get', 'QUERY'),
    target: fc.stringMatching(/^\/[!-"$-~]{0,12}$/),
    lines: fc.array(line, { maxLength: 4 }),
    blanks: fc.constantFrom('', '', ' ', ' ', '\t', '  \t'),
    body: fc.constantFrom('', '', 'xyz', 'xy'),
  })
  .map(({ method, target, lines, blanks, body }) => {
    const text = [HOST, ...lines].map(([name, value]) => `${name}:${blanks}${value}${blanks}\r\n`).join('');
    return `${method} ${target} HTTP/1.1\r\n${text}\r\n${body}`;
  });
const slip = fc.record({ at: fc.nat(400), removed: fc.nat(2), put: fc.constantFrom('', ...ODD) });
const connectionText = fc
  .record({ requests: fc.array(request, { minLength: 1, maxLength: 3 }), slips: fc.array(slip, { maxLength: 2 }) })
  .map(({ requests, slips }) =>
    slips.reduce((text, { at, removed, put }) => text.slice(0, at) + put + text.slice(at + removed), requests.join('')),
  );

describe('what the lane reads', () => {
  const oracle = new NodeOracle();
  beforeAll(() => oracle.start());
  afterAll(() => oracle.stop());

  it('Node’s server reads in the same way, whatever was done to it', async () => {
    const seen = { taken: 0, left: 0 };
    await fc.assert(
      fc.asyncProperty(connectionText, async (text) => {
        const ours = laneReadings(text);
        seen[ours.length > 0 ? 'taken' : 'left'] += 1;
        if (ours.length > 0) expect((await oracle.readings(text)).slice(0, ours.length)).toEqual(ours);
      }),
      { numRuns: 2_000 },
    );
    expect(seen.taken).toBeGreaterThan(100);
    expect(seen.left).toBeGreaterThan(100);
  });
});

const HEAD = 'Host: a\r\n';
const get = (lines: string, body = ''): string => `GET /x?y=1 HTTP/1.1\r\n${lines}\r\n${body}`;

describe('a plain request', () => {
  it('comes with its lines as they were', () => {
    const text = get(`${HEAD}X-A: b\tc\r\nx-a:\r\nContent-Length: 2\r\n`, 'hi');
    expect(read(text)).toMatchObject({
      method: 'GET',
      target: '/x?y=1',
      rawHeaders: ['Host', 'a', 'X-A', 'b\tc', 'x-a', '', 'Content-Length', '2'],
      headerNames: ['host', 'x-a', 'x-a', 'content-length'],
      body: Buffer.from('hi'),
      isLast: false,
      endsAt: text.length,
    });
  });

  it('may be followed by another, unless it is the last', () => {
    const [first, last] = [get(HEAD), get(`${HEAD}Connection: Close\r\n`)];
    expect(read(first + last)?.endsAt).toBe(first.length);
    expect(read(first + last, first.length)).toMatchObject({ isLast: true });
    expect(read(last + first)).toBeUndefined();
  });
});

describe('a request is left to Node’s server', () => {
  it.each([
    ['without a Host', get('X-A: b\r\n')],
    ['with two Hosts', get(HEAD + HEAD)],
    ['that is not whole', get(HEAD).slice(0, -1)],
    ['whose body is not whole', get(`${HEAD}Content-Length: 3\r\n`, 'ab')],
    ['whose body is large', get(`${HEAD}Content-Length: 16385\r\n`, 'a'.repeat(16_385))],
    ['with two lengths', get(`${HEAD}Content-Length: 1\r\nContent-Length: 1\r\n`, 'a')],
    ['with a signed length', get(`${HEAD}Content-Length: +1\r\n`, 'a')],
    ['with a length and a coding', get(`${HEAD}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n`)],
    ['with a transfer coding', get(`${HEAD}Transfer-Encoding: chunked\r\n`, '0\r\n\r\n')],
    ['with an expectation', get(`${HEAD}Expect: 100-continue\r\n`)],
    ['that asks for another protocol', get(`${HEAD}Upgrade: websocket\r\nConnection: Upgrade\r\n`)],
    ['with a list in Connection', get(`${HEAD}Connection: keep-alive, x-a\r\n`)],
    ['with a Proxy-Connection', get(`${HEAD}Proxy-Connection: close\r\n`)],
    ['with blanks before a value', get(`${HEAD}X-A:  b\r\n`)],
    ['with blanks behind a value', get(`${HEAD}X-A: b\t\r\n`)],
    ['with a folded line', get(`${HEAD}X-A: b\r\n c\r\n`)],
    ['with a bare line feed', get('Host: a\nX-B: c\r\n')],
    ['with a space before a colon', get(`${HEAD}X-A : b\r\n`)],
    ['with a control character', get(`${HEAD}X-A: b\x01\r\n`)],
    ['of another version', get(HEAD).replace('1.1', '1.0')],
    ['of another method', get(HEAD).replace('GET', 'TRACE')],
    ['in absolute form', get(HEAD).replace('/x', 'http://a/x')],
    ['with a fragment', get(HEAD).replace('?', '#')],
    ['behind an empty line', `\r\n${get(HEAD)}`],
    ['with more header lines than may be', get(HEAD + 'a: b\r\n'.repeat(200))],
    ['with a head that is too large', get(`${HEAD}X-A: ${'a'.repeat(16_400)}\r\n`)],
  ])('%s', (_what, text) => {
    expect(read(text)).toBeUndefined();
  });

  it('in a time that grows with its length only', () => {
    const blanks = get(`${HEAD}X-A: ${' '.repeat(16_000)}\x01\r\n`);
    const names = get(HEAD + `${'a'.repeat(60)}: b\r\n`.repeat(240)).slice(0, -2);
    for (let round = 0; round < 2_000; round += 1) expect([read(blanks), read(names)]).toEqual([undefined, undefined]);
  });
});
