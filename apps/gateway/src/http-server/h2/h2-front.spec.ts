import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import os from 'node:os';
import path from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { selfSignedCertificate } from '#libs/program-shell/testing';
import { CertificateKeeper } from '../listener/certificate-keeper.ts';
import {
  Rig,
  faultCodeOf,
  proxyOf,
  type GatewayWishes,
  type RunningGateway,
  type RunningUpstream,
} from '../testing/rig.ts';
import { FRAME, RawH2 } from './testing/raw-h2.ts';

const rig = new Rig();
const directory = mkdtempSync(path.join(os.tmpdir(), 'h2-'));
const [certFile, keyFile] = [path.join(directory, 'cert.pem'), path.join(directory, 'key.pem')];
const { cert, key } = selfSignedCertificate('gateway.test');
writeFileSync(certFile, cert);
writeFileSync(keyFile, key);
const certificate = new CertificateKeeper(
  { certFile, keyFile, minVersion: 'TLSv1.2' },
  { onReplaced: () => undefined, onRefused: () => undefined },
);
const sessions: ClientHttp2Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await rig.stop();
});
afterAll(() => rmSync(directory, { recursive: true }));

interface Served {
  readonly upstream: RunningUpstream;
  readonly gateway: RunningGateway;
  readonly session: ClientHttp2Session;
}

async function served(listener: RequestListener, wishes: GatewayWishes = {}): Promise<Served> {
  const upstream = await rig.upstream(listener);
  const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url] })], certificate, ...wishes });
  const session = http2.connect(`https://127.0.0.1:${gateway.port}`, { rejectUnauthorized: false });
  session.on('error', () => undefined);
  sessions.push(session);
  await once(session, 'connect');
  return { upstream, gateway, session };
}

async function headOf(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  return headers;
}

async function asked(
  session: ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
): Promise<IncomingHttpHeaders & { readonly body: string }> {
  const stream = session.request({ ':path': '/orders', ...headers });
  const head = await headOf(stream);
  return { ...head, body: await text(stream) };
}

describe('a request over HTTP/2', () => {
  it('reaches the upstream as HTTP/1.1: authority as host, crumbs of a cookie as one, many at a time', async () => {
    const { upstream, gateway, session } = await served((_request, response) =>
      response.writeHead(200, { 'Set-Cookie': ['a=1', 'b=2'], Connection: 'x-hop', 'X-Hop': '1' }).end('served'),
    );
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => asked(session, { cookie: ['a=1', 'b=2'], ':authority': 'shop.example' })),
    );
    for (const answer of answers) {
      expect(answer).toMatchObject({ ':status': 200, 'set-cookie': ['a=1', 'b=2'], body: 'served' });
      expect(answer).not.toHaveProperty('x-hop');
    }
    expect(upstream.seen[0]?.headers).toMatchObject({
      ...{ 'x-forwarded-host': 'shop.example', 'x-forwarded-proto': 'https', 'x-forwarded-for': '127.0.0.1' },
      ...{ cookie: 'a=1; b=2', via: '2.0 gatewarden' },
    });
    expect(await gateway.summary(20)).toMatchObject({ status: 200, isComplete: true });
  });

  it('streams its body and trailers, and those of the answer', async () => {
    const { session } = await served((request, response) => {
      response.writeHead(200, { Trailer: 'x-sum' });
      request.pipe(response, { end: false });
      request.on('end', () => {
        response.addTrailers({ 'x-sum': request.trailers['x-sent'] ?? 'none' });
        response.end();
      });
    });
    const stream = session.request(
      { ':path': '/orders', ':method': 'POST', te: 'trailers', trailer: 'x-sent' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sent': 'seven' }));
    const trailers = once(stream, 'trailers') as Promise<[IncomingHttpHeaders]>;
    const sent = Buffer.alloc(2_000_000, 5);
    stream.end(sent);
    expect(await headOf(stream)).toMatchObject({ ':status': 200 });
    expect((await buffer(stream)).equals(sent)).toBe(true);
    expect((await trailers)[0]).toMatchObject({ 'x-sum': 'seven' });
  });

  it('HEAD, 204, 304 and an early hint', async () => {
    const { session } = await served((request, response) => {
      if (request.url?.endsWith('/hint') === true) response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      const status = Number(/\/(\d{3})$/.exec(request.url ?? '')?.[1] ?? '200');
      response.writeHead(status, status === 200 ? { 'Content-Length': 4 } : {}).end(status === 200 ? 'text' : '');
    });
    expect(await asked(session, { ':method': 'HEAD' })).toMatchObject({
      ':status': 200,
      'content-length': '4',
      body: '',
    });
    for (const status of [204, 304]) {
      expect(await asked(session, { ':path': `/orders/${status}` })).toMatchObject({ ':status': status, body: '' });
    }
    const stream = session.request({ ':path': '/orders/hint' });
    const [hint] = (await once(stream, 'headers')) as [IncomingHttpHeaders];
    expect(hint).toMatchObject({ ':status': 103, link: '</a.css>; rel=preload' });
    expect(await text(stream)).toBe('text');
  });

  it('is asked to go on when it waits for 100', async () => {
    const { session } = await served((request, response) => request.pipe(response));
    const stream = session.request({ ':path': '/orders', ':method': 'POST', expect: '100-continue' });
    await once(stream, 'continue');
    stream.end('body');
    expect(await text(stream)).toBe('body');
  });

  it('whose answer breaks off is reset, never ended', async () => {
    const { gateway, session } = await served((_request, response) => {
      response.writeHead(200).write('part');
      setImmediate(() => response.destroy());
    });
    const stream = session.request({ ':path': '/orders' });
    await expect(text(stream)).rejects.toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' });
    expect(stream.rstCode).toBe(http2.constants.NGHTTP2_INTERNAL_ERROR);
    expect(await gateway.summary()).toMatchObject({ isComplete: false });
  });

  it('that its client takes back ends at the upstream too', async () => {
    const { upstream, session } = await served((request) => void request.socket.once('close', () => ended()));
    let ended: () => void = () => undefined;
    const isEnded = new Promise<void>((resolve) => (ended = resolve));
    const stream = session.request({ ':path': '/orders' });
    stream.on('error', () => undefined);
    while (upstream.seen.length === 0) await new Promise(setImmediate);
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await isEnded;
  });

  it('is held to the limits: too many bytes of headers, too many lines, no proxy', async () => {
    const { session } = await served((_request, response) => response.end());
    const large = await asked(session, { 'x-large': 'a'.repeat(17_000) });
    expect([large[':status'], faultCodeOf(large)]).toEqual([431, 'GWD-006']);
    const many = Object.fromEntries(Array.from({ length: 210 }, (_, at) => [`x-${at}`, '1']));
    expect((await asked(session, many))[':status']).toBe(431);
    expect((await asked(session, { ':path': '/nowhere' }))[':status']).toBe(404);
    expect((await asked(session, { ':path': '/orders/../../x' }))[':status']).toBeGreaterThanOrEqual(400);
  });
});

const PSEUDO = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'a'],
  [':path', '/orders'],
] as const;
const PROTOCOL_ERROR = 1;
const withoutCorrelation = (raw: readonly string[]): string[] =>
  raw.filter((_, at) => raw[at - (at % 2)]?.toLowerCase() !== 'apinizer-correlation-id');

describe('a client over HTTP/2 that is slow', () => {
  it('with its body is answered 408', async () => {
    const limits = { bodyIdleTimeoutMs: 1_000 };
    const { gateway, session } = await served((request, response) => request.on('end', () => response.end()).resume(), {
      limits,
    });
    const stream = session.request({ ':path': '/orders', ':method': 'POST' }, { endStream: false });
    stream.on('error', () => undefined).write('half');
    expect((await headOf(stream))[':status']).toBe(408);
    stream.resume();
    expect(await gateway.summary()).toMatchObject({ status: 408 });
    expect(session.destroyed).toBe(false);
  });

  it('to read its answer loses that stream only', async () => {
    const limits = { writeIdleTimeoutMs: 200 };
    const { gateway, session } = await served((_request, response) => response.end(Buffer.alloc(4_000_000)), {
      limits,
    });
    const stream = session.request({ ':path': '/orders' }).pause();
    stream.on('error', () => undefined);
    await once(stream, 'close');
    expect(stream.rstCode).toBe(http2.constants.NGHTTP2_CANCEL);
    expect(await gateway.summary()).toMatchObject({ status: 200, isComplete: false });
    expect(session.destroyed).toBe(false);
    expect(gateway.server.load.connections).toMatchObject({ h2: 1 });
  });

  it('to ask anything is left', async () => {
    const { session } = await served((_request, response) => response.end(), { limits: { clientIdleTimeoutMs: 100 } });
    await once(session, 'close');
  });
});

it('upstreams that break off are not held against the client', async () => {
  const { session } = await served((_request, response) => {
    response.writeHead(200).write('part');
    setImmediate(() => response.destroy());
  });
  for (let at = 0; at < 210; at += 1) {
    await text(session.request({ ':path': '/orders' })).catch(() => undefined);
  }
  expect(session.destroyed).toBe(false);
});

describe('what is no HTTP/2', () => {
  it.each([
    ['connection', [...PSEUDO, ['connection', 'close']]],
    ['transfer-encoding', [...PSEUDO, ['transfer-encoding', 'chunked']]],
    ['upgrade', [...PSEUDO, ['upgrade', 'websocket']]],
    ['te: gzip', [...PSEUDO, ['te', 'gzip']]],
    ['an upper-case name', [...PSEUDO, ['X-Upper', '1']]],
    ['two paths', [...PSEUDO, [':path', '/other']]],
    ['a pseudo-header behind others', [['x-a', '1'], ...PSEUDO]],
    ['a body that is announced and missing', [...PSEUDO, ['content-length', '5']]],
  ] as [string, [string, string][]][])(
    '%s: the stream is reset, nothing reaches the upstream',
    async (_what, headers) => {
      const { upstream, gateway } = await served((_request, response) => response.end());
      const client = await RawH2.connect(gateway.port);
      client.request(1, headers);
      const found = await client.first([FRAME.HEADERS, FRAME.RESET, FRAME.GOAWAY]);
      expect(found).toMatchObject({ type: FRAME.RESET, stream: 1, code: PROTOCOL_ERROR });
      expect(upstream.seen).toHaveLength(0);
      client.close();
    },
  );

  it.each([
    ['a Host that is not the authority', [...PSEUDO, ['host', 'b']]],
    ['an unknown scheme', [...PSEUDO.filter(([name]) => name !== ':scheme'), [':scheme', 'ftp']]],
    ['two Authorization', [...PSEUDO, ['authorization', 'Basic a'], ['authorization', 'Basic b']]],
  ] as [string, [string, string][]][])('%s is answered, and nothing reaches the upstream', async (_what, headers) => {
    const { upstream, gateway } = await served((_request, response) => response.end());
    const client = await RawH2.connect(gateway.port);
    client.request(1, headers);
    expect(await client.first([FRAME.HEADERS, FRAME.RESET, FRAME.GOAWAY])).toMatchObject({ type: FRAME.HEADERS });
    expect(await gateway.summary()).toMatchObject({ status: 400 });
    expect(upstream.seen).toHaveLength(0);
    client.close();
  });

  it.each(['x-bad', 'host', 'authorization', 'content-length', 'transfer-encoding', 'connection'])(
    'CR, LF or NUL in %s, or white space around it: that field is lost, and the upstream sees the request as if it had never been there, or nothing at all',
    async (name) => {
      const { upstream, gateway } = await served((_request, response) => response.end());
      const fields = ['a\nb', 'a\rb', 'a\0b', '\r\nx-smuggled: 1', '1\r\n', ' 1', '1\t'].map(
        (value) => [[name, value]] as const,
      );
      let answered = 0;
      for (const field of [[], ...fields]) {
        const client = await RawH2.connect(gateway.port);
        client.request(1, [...PSEUDO, ...field, ['x-after', '1']]);
        const found = await client.first([FRAME.HEADERS, FRAME.RESET, FRAME.GOAWAY]);
        // As Node's parser has it: from Node 24 on, some of these cost the whole stream (RFC 9113 section 8.2.1).
        const isReset = field.length > 0 && found?.type === FRAME.RESET;
        expect(found).toMatchObject(isReset ? { stream: 1, code: PROTOCOL_ERROR } : { type: FRAME.HEADERS });
        answered += isReset ? 0 : 1;
        client.close();
      }
      const seen = upstream.seen.map(({ method, url, rawHeaders }) => [method, url, ...withoutCorrelation(rawHeaders)]);
      expect(seen).toHaveLength(answered);
      expect(seen[0]).toContain('x-after');
      for (const each of seen) expect(each).toEqual(seen[0]);
    },
  );

  it.each([':path', ':authority', ':method'])('a line feed in %s: the stream is reset', async (name) => {
    const { upstream, gateway } = await served((_request, response) => response.end());
    const client = await RawH2.connect(gateway.port);
    client.request(
      1,
      PSEUDO.map(([each, value]) => [each, each === name ? `${value}\nx` : value] as const),
    );
    expect((await client.first([FRAME.HEADERS, FRAME.RESET, FRAME.GOAWAY]))?.type).toBe(FRAME.RESET);
    expect(upstream.seen).toHaveLength(0);
    client.close();
  });

  it('a client that takes back all it asks for is shown the door', async () => {
    const { gateway } = await served(() => undefined);
    const client = await RawH2.connect(gateway.port);
    for (let at = 0; at < 300; at += 1) {
      client.request(2 * at + 1, PSEUDO);
      client.reset(2 * at + 1);
    }
    // Whether the reason still gets out is not certain.
    const found = await client.first([FRAME.GOAWAY]);
    expect([undefined, http2.constants.NGHTTP2_ENHANCE_YOUR_CALM]).toContain(found?.code);
  });
});

it('a drain announces the end, finishes what is under way and what is on its way', async () => {
  let answer: () => void = () => undefined;
  const { gateway, session } = await served((_request, response) => {
    answer = () => response.end('finished');
    response.flushHeaders();
  });
  const stream = session.request({ ':path': '/orders' });
  await headOf(stream);
  const goaway = once(session, 'goaway');
  const drained = gateway.server.drain(20_000);
  await goaway;
  answer();
  expect(await text(stream)).toBe('finished');
  await drained;
});

it('curl speaks it: one request, one upload', async () => {
  const { gateway } = await served((request, response) => request.pipe(response));
  const body = 'x'.repeat(100_000);
  const file = path.join(directory, 'body');
  writeFileSync(file, body);
  const url = `https://127.0.0.1:${gateway.port}/orders`;
  const args = ['-sk', '--http2', '--data-binary', `@${file}`, '-w', '\n%{http_version} %{http_code}', url];
  const { stdout } = await promisify(execFile)('curl', args);
  expect(stdout).toBe(`${body}\n2 200`);
});
