import type { RequestListener } from 'node:http';
import { Rig, askRaw, proxyOf, type RunningGateway } from '../testing/rig.ts';

const rig = new Rig();
let gateway: RunningGateway;
afterAll(() => rig.stop());

const LARGE = 'large '.repeat(50_000);

/** Bytes of an upstream that does not use Node's way to say it. */
const raw =
  (...lines: string[]): RequestListener =>
  (request) =>
    void request.socket.end(Buffer.from([lines[0], 'Connection: close', ...lines.slice(1)].join('\r\n'), 'latin1'));

const UPSTREAM: Readonly<Record<string, RequestListener>> = {
  '/length': (request, response) => {
    response.writeHead(200, { 'content-length': '5', date: 'Mon, 01 Jan 2024 00:00:00 GMT' });
    response.end(request.method === 'HEAD' ? '' : 'hello');
  },
  '/chunked': (_request, response) => {
    response.write('one');
    response.end('two');
  },
  '/trailers': (_request, response) => {
    response.writeHead(200, { trailer: 'x-sum' }).write('body');
    response.addTrailers({ 'x-sum': '42' });
    response.end();
  },
  '/echo': (request, response) => {
    response.setHeader('x-method', request.method ?? '');
    request.pipe(response);
  },
  '/seen': (request, response) => {
    // What differs by connection and request.
    const { host: _host, 'apinizer-correlation-id': _id, ...headers } = request.headers;
    response.end(JSON.stringify([request.method, request.url, headers]));
  },
  '/empty': (_request, response) => void response.end(),
  '/204': (_request, response) => void response.writeHead(204, { 'x-a': 'b' }).end(),
  '/205': (_request, response) => void response.writeHead(205).end(),
  '/304': (_request, response) => void response.writeHead(304, { etag: '"1"' }).end(),
  '/cookies': (_request, response) =>
    void response
      .writeHead(
        201,
        [
          ['Set-Cookie', 'a'],
          ['Set-Cookie', 'b'],
        ].flat(),
      )
      .end(),
  '/large': (_request, response) => void response.writeHead(200, { 'content-length': LARGE.length }).end(LARGE),
  '/large-chunked': (_request, response) => {
    response.write(LARGE);
    response.end(LARGE);
  },
  '/hints': (_request, response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    response.writeProcessing();
    response.end('after hints');
  },
  '/more-hints': raw(
    ...['HTTP/1.1 103 Early Hints', 'Link: </a.css>; rel=preload', 'Link: </b.css>; rel=preload, </c.css>', ''],
    ...['HTTP/1.1 103 Early Hints', 'Link: odd', '', 'HTTP/1.1 103 Early Hints', '', 'HTTP/1.1 200 OK'],
    ...['Content-Length: 1', 'Connection: close', '', 'x'],
  ),
  '/reason': raw('HTTP/1.1 299 Caf\xe9 au lait', 'X-High: \xe9\xff', 'Content-Length: 1', '', 'x'),
  '/no-reason': raw('HTTP/1.1 404 ', 'Content-Length: 0', '', ''),
  '/odd-status': raw('HTTP/1.1 799 ', 'Content-Length: 0', '', ''),
  '/until-close': raw('HTTP/1.1 200 OK', '', 'until the end'),
  '/cut-length': raw('HTTP/1.1 200 OK', 'Content-Length: 100', '', 'half'),
  '/cut-chunk': raw('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', '4', 'half', ''),
  '/nonsense': raw('nonsense', '', ''),
};

const HOST = 'Host: a.test\r\n';
const LAST = 'Connection: close\r\n';
const ask = (method: string, path: string, more = '', body = ''): string =>
  `${method} ${path} HTTP/1.1\r\n${HOST}${more}\r\n${body}`;
const post = (body: string): string => ask('POST', '/echo', `Content-Length: ${body.length}\r\n`, body);

/** The requests of one connection each. Others follow, so that it shows where each answer ends. */
const CONNECTIONS: readonly (readonly string[])[] = [
  ...Object.keys(UPSTREAM).map((path) => [ask('GET', path)]),
  ...['/length', '/chunked', '/204', '/304', '/empty', '/missing/here'].map((path) => [ask('HEAD', path)]),
  ...['PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method) => [ask(method, '/echo', 'Content-Length: 2\r\n', 'hi')]),
  [post('hello'), post('x'.repeat(16_000))],
  [post('caf\xe9 \0 \r\n\r\n GET / HTTP/1.1')],
  [ask('GET', '/seen?a=b&c=%20', 'X-A: one\r\nx-a: two\r\nCookie: a=b\r\nConnection: keep-alive\r\nX-High: \xe9\r\n')],
  [ask('GET', '/seen', `TE: trailers\r\nKeep-Alive: 5\r\nX-Forwarded-For: 1.2.3.4\r\nExpires: 0\r\nUser-Agent:\r\n`)],
  [ask('GET', '/length', 'Authorization: Bearer a\r\nAuthorization: Bearer b\r\n')],
  [ask('GET', '/%zz')],
  [ask('GET', '/other').replace('a.test', 'a.test/x')],
  [ask('GET', `/${'a'.repeat(9_000)}`)],
  [ask('GET', '/length'), ask('HEAD', '/length'), ask('GET', '/chunked'), ask('GET', '/304'), ask('GET', '/other')],
];

interface SeenAnswer {
  readonly head: string;
  readonly body: string;
  readonly trailers: string;
}

const VARYING: readonly (readonly [RegExp, string])[] = [
  [/(\r\nDate: ).{29}(?=\r\n)/, '$1now'],
  [/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'some-id'],
];
const settled = (text: string): string => VARYING.reduce((held, [what, put]) => held.replace(what, put), text);

/** RFC 9112 section 7.1, as far as servers here use it. A chunked body that breaks off is told apart from a whole one. */
function readChunks(text: string): { readonly body: string; readonly trailers: string; readonly rest: string } {
  let body = '';
  for (let rest = text; ;) {
    const [size = ''] = /^[0-9a-f]+(?=\r\n)/.exec(rest) ?? [];
    const start = size.length + 2;
    const length = parseInt(size, 16);
    if (length === 0) {
      const end = rest.indexOf('\r\n\r\n') + 4;
      return { body, trailers: rest.slice(start, end), rest: rest.slice(end) };
    }
    if (size === '') return { body, trailers: 'broken off', rest: '' };
    body += rest.slice(start, start + length);
    rest = rest.slice(start + length + 2);
  }
}

/** Everything that a connection said, as a client understands it. */
function readAnswers(text: string, methods: readonly string[]): SeenAnswer[] {
  const answers: SeenAnswer[] = [];
  const left = [...methods];
  for (let rest = text; rest !== '';) {
    const end = rest.indexOf('\r\n\r\n') + 4;
    const head = settled(rest.slice(0, end));
    rest = rest.slice(end);
    const isInterim = head.startsWith('HTTP/1.1 1');
    const method = isInterim ? '' : left.shift();
    const isBodyless = isInterim || method === 'HEAD' || /^HTTP\/1\.1 [23]04/.test(head);
    const length = Number(/\r\nContent-Length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (!isBodyless && /\r\nTransfer-Encoding: chunked/i.test(head)) {
      const { body, trailers, rest: behind } = readChunks(rest);
      answers.push({ head, body, trailers });
      rest = behind;
    } else {
      const size = isBodyless ? 0 : length;
      answers.push({ head, body: settled(rest.slice(0, size)), trailers: '' });
      rest = rest.slice(size);
    }
  }
  return answers;
}

const title = (requests: readonly string[]): string =>
  requests.map((request) => request.slice(0, 60).split('\r\n', 1)[0]).join(', ');

describe('both fronts give a client the same', () => {
  beforeAll(async () => {
    const upstream = await rig.upstream((request, response) => {
      const listener = UPSTREAM[request.url?.split('?')[0] ?? ''];
      if (listener === undefined) response.writeHead(410).end('gone');
      else listener(request, response);
    });
    gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url], paths: ['/'] })] });
  });

  it.each(CONNECTIONS.map((requests) => [title(requests), requests] as const))('for %s', async (_title, requests) => {
    const all = [...requests, ask('GET', '/length', LAST)];
    const methods = all.map((request) => request.split(' ', 1)[0] ?? '');
    // Node's parser overlooks an empty line before a request, the lane does not: it leaves the connection to Node.
    const [ours, nodes] = await Promise.all(['', '\r\n'].map((start) => askRaw(gateway.port, start + all.join(''))));
    expect(readAnswers(ours ?? '', methods)).toEqual(readAnswers(nodes ?? '', methods));
    expect(ours).toMatch(/^HTTP\/1\.1 /);
    expect(gateway.errors).toEqual([]);
  });
});
