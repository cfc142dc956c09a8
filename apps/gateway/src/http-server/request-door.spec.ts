import { Rig, askRaw, faultCodeOf, proxyOf, type RunningGateway, type RunningUpstream } from './testing/rig.ts';

const rig = new Rig();
let upstream: RunningUpstream;
let gateway: RunningGateway;

beforeEach(async () => {
  upstream = await rig.upstream((_request, response) => response.end('reached'));
  gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url], paths: ['/'] })] });
});
afterEach(() => rig.stop());

const HOST = 'Host: a.test\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const post = (headers: string, body = ''): string => `POST / HTTP/1.1\r\n${HOST}${headers}\r\n${body}`;
const get = (target: string, headers = HOST): string => `GET ${target} HTTP/1.1\r\n${headers}\r\n`;

const REFUSED_AT_THE_DOOR: readonly (readonly [string, string])[] = [
  ['Content-Length before Transfer-Encoding', post(`Content-Length: 5\r\n${CHUNKED}`, '0\r\n\r\n')],
  ['Transfer-Encoding before Content-Length', post(`${CHUNKED}Content-Length: 5\r\n`, '0\r\n\r\n')],
  ['two different Content-Lengths', post('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello')],
  ['the same Content-Length twice', post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello')],
  ['a list of Content-Lengths', post('Content-Length: 5, 5\r\n', 'hello')],
  ['a signed Content-Length', post('Content-Length: +5\r\n', 'hello')],
  ['an empty Content-Length', post('Content-Length:\r\n')],
  ['an obsolete line folding', get('/', `${HOST}X-A: b\r\n c\r\n`)],
  ['an obsolete line folding with a tab', get('/', `${HOST}X-A: b\r\n\tc\r\n`)],
  ['a folded empty header', get('/', `${HOST}X-A:\r\n c\r\n`)],
  ['bare line feeds throughout', 'GET / HTTP/1.1\nHost: a.test\n\n'],
  ['a bare line feed after the request line', `GET / HTTP/1.1\n${HOST}\r\n`],
  ['a bare line feed after a header', get('/', 'Host: a.test\nX-B: c\r\n')],
  ['a bare line feed at the end of the head', `GET / HTTP/1.1\r\n${HOST}\n`],
  ['a bare carriage return in a header', get('/', `${HOST}X-B: c\rd\r\n`)],
  ['a header name with a space before the colon', post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n')],
  ['a header before the first name', `GET / HTTP/1.1\r\n ${HOST}\r\n`],
  ['an unknown transfer coding', post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n')],
  ['a transfer coding before chunked', post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n')],
  ['chunked in two lines', post(`${CHUNKED}${CHUNKED}`, '0\r\n\r\n')],
  ['chunked in HTTP/1.0', `POST / HTTP/1.0\r\n${HOST}${CHUNKED}\r\n0\r\n\r\n`],
  ['no Host', get('/', '')],
  ['an empty Host', get('/', 'Host:\r\n')],
  ['two Hosts', get('/', `${HOST}${HOST}`)],
  ['a Host with a path', get('/', 'Host: a.test/x\r\n')],
  ['another Host than in the target', get('http://b.test/', HOST)],
  ['two Authorizations', get('/', `${HOST}Authorization: Bearer a\r\nauthorization: Bearer b\r\n`)],
  ['two bearer tokens in one line', get('/', `${HOST}Authorization: Bearer a, Bearer b\r\n`)],
  ['a bearer token and a rest', get('/', `${HOST}Authorization: bearer a.b.c,\r\n`)],
  ['a bearer token behind other credentials', get('/', `${HOST}Authorization: Basic eDp5,BEARER b\r\n`)],
  ['a fragment in the target', get('/a#b')],
  ['CONNECT', `CONNECT a.test:443 HTTP/1.1\r\n${HOST}\r\n`],
  ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['the asterisk form', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`],
  ['a path above the root', get('/a/../../b')],
  ['encoded dots above the root', get('/%2e%2E/b')],
  ['an encoded NUL', get('/a%00b')],
  ['a backslash', get('/a\\b')],
  ['an encoded backslash', get('/a%5cb')],
  ['an invalid escape', get('/a%zz')],
];

describe('a request refused at the door', () => {
  it.each(REFUSED_AT_THE_DOOR)('with %s is a 400 and ends the connection', async (_what, bytes) => {
    const answer = await askRaw(gateway.port, bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toMatch(/\r\nAPINIZER-CORRELATION-ID: [0-9a-f-]{36}\r\n/);
    expect(faultCodeOf({ body: answer.split('\r\n\r\n')[1] ?? '' })).toMatch(/^GWD-00[12]$/);
    expect(upstream.seen).toHaveLength(0);
    const { status, isComplete, fault, host, path } = await gateway.summary();
    expect({ status, isComplete, fault, host, path }).toEqual({
      ...{ status: 400, isComplete: true, host: '', path: '' },
      fault: {
        name: expect.stringMatching(/^GWD-00[12]$/) as string,
        policy: '',
        reason: expect.any(String) as string,
      },
    });
    await gateway.server.drain(0);
    expect(gateway.summaries).toHaveLength(1);
  });

  it.each(['HTTP/1.2', 'HTTP/2.0', 'HTTP/3.0', 'HTTP/0.9'])('as %s is a 505', async (version) => {
    const answer = await askRaw(gateway.port, `GET / ${version}\r\n${HOST}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 505 /);
    expect(upstream.seen).toHaveLength(0);
  });

  it('with headers above the limit of size or of lines is a 431', async () => {
    const large = await askRaw(gateway.port, get('/', `${HOST}X-A: ${'a'.repeat(17_000)}\r\n`));
    const many = await askRaw(gateway.port, get('/', HOST + 'a: b\r\n'.repeat(250)));
    expect([large, many].map((answer) => answer.slice(0, 12))).toEqual(['HTTP/1.1 431', 'HTTP/1.1 431']);
  });

  it('with an expectation that is not 100-continue is a 417', async () => {
    const answer = await askRaw(gateway.port, post('Expect: miracles\r\nContent-Length: 2\r\n', 'hi'));
    expect(answer).toMatch(/^HTTP\/1\.1 417 /);
  });

  it('never has the rest of its bytes taken for a second request', async () => {
    const smuggled = get('/admin');
    const answer = await askRaw(gateway.port, post(`Content-Length: 3\r\n${CHUNKED}`, `0\r\n\r\n${smuggled}`));
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(upstream.seen).toHaveLength(0);
  });
});

describe('an Authorization with commas in other schemes', () => {
  it.each([
    'Digest username="bearer", realm="x", nonce="y"',
    'AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c',
  ])('passes as it is: %s', async (value) => {
    const answer = await askRaw(gateway.port, get('/', `${HOST}Authorization: ${value}\r\nConnection: close\r\n`));
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(upstream.seen[0]?.headers.authorization).toBe(value);
  });
});

describe('a broken chunked body', () => {
  it.each([
    ['a bare line feed after a chunk size', '5\nhello\r\n0\r\n\r\n'],
    ['a bare line feed after a chunk', '5\r\nhello\n0\r\n\r\n'],
    ['a line feed in a chunk extension', '5;a="\n"\r\nhello\r\n0\r\n\r\n'],
    ['a chunk size that is no number', '5x\r\nhello\r\n0\r\n\r\n'],
    ['a bare line feed in a trailer', '5\r\nhello\r\n0\r\nX: y\n\r\n'],
  ])('with %s never counts as complete', async (_what, body) => {
    const answer = await askRaw(gateway.port, post(CHUNKED, body));
    expect(answer).not.toContain('HTTP/1.1 200');
  });
});

describe('HTTP/1.0', () => {
  it('is answered without chunks and without a Host', async () => {
    const answer = await askRaw(gateway.port, 'GET /x HTTP/1.0\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer.toLowerCase()).not.toContain('transfer-encoding');
    expect(answer.endsWith('reached')).toBe(true);
  });
});
