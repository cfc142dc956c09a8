import { once } from 'node:events';
import type { Server } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { jest } from '@jest/globals';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SECURITY_HEADERS } from '../src/http/response-headers.ts';
import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

const MIB = 1024 * 1024;
const BODY_TYPES = ['application/json', 'application/xml', 'text/xml', 'application/x-www-form-urlencoded'];

let plane: RunningControlPlane;
let port: number;
let server: Server;

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
  await plane.app.listen(0, '127.0.0.1');
  server = plane.app.getHttpServer();
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => plane.close());

interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** What the connection has brought when the server has closed it. */
async function answerOn(socket: net.Socket): Promise<Received> {
  let received = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
  // A server that refuses a body may close before all of it is sent.
  socket.on('error', () => undefined);
  if (!socket.closed) await once(socket, 'close');
  const [head = '', ...rest] = received.split('\r\n\r\n');
  const [line = '', ...fields] = head.split('\r\n');
  const headers = fields.map((field) => [
    field.slice(0, field.indexOf(':')).toLowerCase(),
    field.slice(field.indexOf(':') + 1).trim(),
  ]);
  return {
    status: Number(line.split(' ')[1]),
    headers: Object.fromEntries(headers) as Record<string, string>,
    text: rest.join('\r\n\r\n'),
  };
}

async function connected(): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

async function sendBytes(bytes: string | Buffer): Promise<Received> {
  const socket = await connected();
  const answer = answerOn(socket);
  socket.write(bytes);
  return answer;
}

const bearer = () => `authorization: Bearer ${plane.adminToken}\r\n`;
const head = (line: string, ...fields: string[]) =>
  `${line} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${fields.map((field) => `${field}\r\n`).join('')}`;

const eventCount = async (): Promise<number> => (await plane.events()).length;

interface Ask {
  readonly method?: 'GET' | 'POST' | 'OPTIONS' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: string | Buffer;
}
const ask = ({ method = 'GET', url, headers = {}, payload }: Ask) =>
  plane.app.inject({
    ...{ method, url, headers: { authorization: `Bearer ${plane.adminToken}`, ...headers } },
    ...(payload === undefined ? {} : { payload }),
  });

const POLICY = 'content-security-policy';
/** These have a policy of their own, or may be kept. */
const PAGES = /^\/apiops\/(docs|queues)/;

describe('every answer bears the headers that browsers are bound by', () => {
  const expectHeaders = (headers: Readonly<Record<string, unknown>>, url = ''): void => {
    const own = PAGES.test(url) ? [POLICY, 'cache-control'] : [];
    const asked = Object.entries(SECURITY_HEADERS).filter(([name]) => !own.includes(name));
    expect(headers).toMatchObject(Object.fromEntries(asked));
    expect(String(headers[POLICY])).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    for (const name of ['server', 'x-powered-by', 'set-cookie']) expect(headers).not.toHaveProperty(name);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  };

  it.each<[number, Ask]>([
    [200, { url: '/apiops/projects/' }],
    [200, { url: '/apiops/openapi' }],
    [200, { url: '/apiops/docs' }],
    [200, { url: '/apiops/docs/start.js' }],
    [200, { url: '/apiops/docs/assets/swagger-ui.css' }],
    [200, { url: '/apiops/queues/' }],
    [200, { url: '/healthz' }],
    [200, { url: '/metrics' }],
    [401, { url: '/apiops/projects/', headers: { authorization: '' } }],
    [404, { url: '/nothing' }],
    [404, { url: '/apiops/nothing/' }],
    [404, { method: 'DELETE', url: '/healthz' }],
    [400, { url: '/apiops/%zz' }],
    [400, { method: 'POST', url: '/apiops/projects/', headers: { 'content-type': 'application/json' }, payload: '{' }],
    [415, { method: 'POST', url: '/apiops/projects/', headers: { 'content-type': 'text/plain' }, payload: 'a' }],
    [400, { method: 'POST', url: '/apiops/auth/token' }],
  ])('%d %j', async (status, asked) => {
    const { statusCode, headers } = await ask(asked);
    expect(statusCode).toBe(status);
    expectHeaders(headers, asked.url);
  });

  it('400 of a name longer than any may be', async () => {
    const { statusCode, headers } = await ask({ url: `/apiops/projects/${'n'.repeat(1_500)}/apiProxies/` });
    expect(statusCode).toBe(400);
    expectHeaders(headers);
  });

  it.each([
    ['no HTTP', 400, 'hello\r\n\r\n'],
    ['too long an address', 431, head(`GET /apiops/${'a'.repeat(20_000)}`) + '\r\n'],
    ['another expectation', 417, head('GET /healthz', 'expect: coffee') + '\r\n'],
  ])('bytes that are no request: %s is a %d', async (_what, status, bytes) => {
    const received = await sendBytes(bytes);
    expect(received.status).toBe(status);
    expectHeaders(received.headers);
    expect(JSON.parse(received.text)).toMatchObject({ success: false, error: 'bad_request' });
  });
});

describe('a page of another site', () => {
  const origin = { origin: 'https://elsewhere.example' };

  it.each<Ask>([
    { url: '/apiops/projects/', headers: origin },
    { url: '/apiops/openapi', headers: origin },
    {
      ...{ method: 'OPTIONS', url: '/apiops/projects/' },
      headers: {
        ...origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    },
  ])('is never given leave to read an answer: %j', async (asked) => {
    const { statusCode, headers } = await ask(asked);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    if (asked.method === 'OPTIONS') expect(statusCode).toBe(404);
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ['cookies', { cookie: 'TOKEN; access_token=TOKEN; authorization=Bearer TOKEN' }],
    ['Basic, which browsers keep', { authorization: `Basic ${Buffer.from('admin:TOKEN').toString('base64')}` }],
    ['a header of its own', { 'x-access-token': 'TOKEN', 'proxy-authorization': 'Bearer TOKEN' }],
  ])('cannot act for somebody by %s', async (_way, sent) => {
    const before = await eventCount();
    const headers = Object.fromEntries(
      Object.entries(sent).map(([name, value]) => [
        name,
        name === 'authorization'
          ? `Basic ${Buffer.from(`admin:${plane.adminToken}`).toString('base64')}`
          : value.replaceAll('TOKEN', plane.adminToken),
      ]),
    );
    const payload = new URLSearchParams({ name: 'forged', access_token: plane.adminToken }).toString();
    const { statusCode } = await plane.app.inject({
      ...{ method: 'POST', url: `/apiops/projects/?access_token=${plane.adminToken}`, payload },
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });
    expect(statusCode).toBe(401);
    expect(await eventCount()).toBe(before);
  });
});

describe('a body of more than 1 MiB is a 413, and nothing of it is recorded', () => {
  const large = 'a'.repeat(MIB + 1);

  it.each(BODY_TYPES)('%s, by its length', async (type) => {
    const before = await eventCount();
    const answer = await ask({
      ...{ method: 'POST', url: '/apiops/projects/', payload: large },
      headers: { 'content-type': type },
    });
    expect(answer.statusCode).toBe(413);
    expect(answer.json()).toMatchObject({ success: false, error: 'payload_too_large' });
    expect(await eventCount()).toBe(before);
  });

  it.each(BODY_TYPES)('%s, in chunks of unknown length', async (type) => {
    const fields = [`authorization: Bearer ${plane.adminToken}`, `content-type: ${type}`, 'transfer-encoding: chunked'];
    const chunk = `${(64 * 1024).toString(16)}\r\n${'a'.repeat(64 * 1024)}\r\n`;
    const received = await sendBytes(`${head('POST /apiops/projects/', ...fields)}\r\n${chunk.repeat(17)}0\r\n\r\n`);
    expect(received.status).toBe(413);
    expect(received.text).toContain('payload_too_large');
  });

  it('asked of the sign-in, which needs no token', async () => {
    const { statusCode } = await plane.app.inject({
      ...{ method: 'POST', url: '/apiops/auth/token', payload: large },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(statusCode).toBe(413);
  });
});

describe('a compressed body', () => {
  const bomb = gzipSync(Buffer.alloc(64 * MIB));

  it.each(['gzip', 'deflate', 'br', 'gzip, identity'])('is never unpacked: %s is a 415', async (encoding) => {
    const answer = await ask({
      ...{ method: 'POST', url: '/apiops/projects/', payload: bomb },
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
    });
    expect(answer.statusCode).toBe(415);
    expect(answer.json()).toMatchObject({ error: 'unsupported_media_type' });
  });
});

describe('a client that is slow', () => {
  it('is answered 408 and left, whether headers or a body do not arrive; others are served meanwhile', async () => {
    // The limits themselves are a quarter and a whole minute: their size is looked at in the next test.
    const { headersTimeout, requestTimeout } = server;
    Object.assign(server, { headersTimeout: 100, requestTimeout: 200 });
    try {
      const [headers, body] = [await connected(), await connected()];
      const answers = [answerOn(headers), answerOn(body)];
      headers.write('GET /apiops/projects/ HTTP/1.1\r\nhost: a\r\nx-slow: ');
      body.write(
        `POST /apiops/projects/ HTTP/1.1\r\nhost: a\r\n${bearer()}content-type: application/json\r\ncontent-length: 9\r\n\r\n{`,
      );
      expect((await ask({ url: '/apiops/projects/' })).statusCode).toBe(200);
      for (const { status, text } of await Promise.all(answers)) {
        expect(status).toBe(408);
        expect(JSON.parse(text)).toMatchObject({ success: false, error: 'bad_request' });
      }
    } finally {
      Object.assign(server, { headersTimeout, requestTimeout });
    }
  });

  it('has a limit for headers, for the whole request and for a quiet connection', () => {
    expect(server.headersTimeout).toBe(15_000);
    expect(server.requestTimeout).toBe(60_000);
    expect(server.keepAliveTimeout).toBeGreaterThan(0);
    expect(server.keepAliveTimeout).toBeLessThanOrEqual(120_000);
  });
});

describe('a token that asks more often than API_REQUESTS_PER_MINUTE', () => {
  const LIMIT = 3;
  const SIGN_IN = '/apiops/auth/token';
  let limited: NestFastifyApplication;
  beforeAll(async () => {
    limited = await plane.process({ apiRequestsPerMinute: LIMIT });
  });

  const newToken = async (name: string): Promise<string> => {
    const made = await plane.done('POST', '/tokens/', { name, permissions: ['ADMIN'], projects: ['*'] });
    return String(made.resultList[0]?.['token']);
  };
  const list = (token: string, app = limited) =>
    app.inject({ method: 'GET', url: '/apiops/projects/', headers: { authorization: `Bearer ${token}` } });
  const signIn = (name: string, token: string) =>
    limited.inject({
      ...{ method: 'POST', url: SIGN_IN, headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      payload: `grant_type=client_credentials&client_id=${name}&client_secret=${token}`,
    });

  const expectTooMany = (answer: Awaited<ReturnType<typeof list>>): void => {
    expect(answer.statusCode).toBe(429);
    expect(answer.json()).toMatchObject({ success: false, status: 'FAILURE', error: 'too_many_requests' });
    expect(answer.headers).toMatchObject({ 'ratelimit-limit': String(LIMIT), 'ratelimit-remaining': '0' });
    for (const name of ['retry-after', 'ratelimit-reset']) {
      expect(Number(answer.headers[name])).toBeGreaterThan(0);
      expect(Number(answer.headers[name])).toBeLessThanOrEqual(60);
    }
  };

  it('hears with each answer what is left, and then 429; another one goes on', async () => {
    const [one, other] = [await newToken('busy'), await newToken('quiet')];
    for (let left = LIMIT - 1; left >= 0; left -= 1) {
      const answer = await list(one);
      expect(answer.statusCode).toBe(200);
      expect(answer.headers['ratelimit-remaining']).toBe(String(left));
    }
    const before = await eventCount();
    const write = await limited.inject({
      ...{ method: 'POST', url: '/apiops/projects/', payload: { name: 'too-many' } },
      headers: { authorization: `Bearer ${one}` },
    });
    expectTooMany(write);
    expect(await eventCount()).toBe(before);
    expect((await list(other)).statusCode).toBe(200);
  });

  it('gets no more by sessions: they share its minute, and none is opened when it is used up', async () => {
    const token = await newToken('signs-in');
    const session = (await signIn('signs-in', token)).json<{ access_token: string }>().access_token;
    for (let count = 1; count < LIMIT; count += 1) expect((await list(session)).statusCode).toBe(200);
    expectTooMany(await list(session));
    expectTooMany(await list(token));
    const sessions = 'select count(*)::integer as count from access_token_sessions';
    const before = await plane.pool.query(sessions);
    expectTooMany(await signIn('signs-in', token));
    expect((await plane.pool.query(sessions)).rows).toEqual(before.rows);
  });

  it('is counted only when it is a token: nobody can use up the minute of another', async () => {
    await newToken('victim');
    for (let count = 0; count <= LIMIT; count += 1) {
      expect((await signIn('victim', `gwt_wrong${count}`)).statusCode).toBe(401);
      const refused = await list(`gwt_wrong${count}`);
      expect(refused.statusCode).toBe(401);
      expect(refused.headers).not.toHaveProperty('ratelimit-limit');
    }
    for (let count = 0; count <= LIMIT; count += 1) {
      expect((await limited.inject({ method: 'GET', url: '/healthz' })).statusCode).toBe(200);
    }
  });

  it('is not counted at all with 0', async () => {
    const token = await newToken('uncounted');
    for (let count = 0; count <= LIMIT; count += 1) {
      const { statusCode, headers } = await list(token, plane.app);
      expect(statusCode).toBe(200);
      expect(headers).not.toHaveProperty('ratelimit-limit');
    }
  });
});

describe('headers beyond what Node counts', () => {
  it('are looked at like the first ones: a second token behind 2,500 others is a 400', async () => {
    const many = Array.from({ length: 2_500 }, () => 'a:');
    const fields = [`authorization: Bearer ${plane.adminToken}`, ...many, 'authorization: Bearer other'];
    const received = await sendBytes(`${head('GET /healthz', ...fields)}\r\n`);
    expect(received.status).toBe(400);
    expect(received.text).toContain('authorization is given more than once');
  });
});

describe('connections beyond the limit', () => {
  it('are closed at once and reported once; those that are open go on', async () => {
    const limit = server.maxConnections;
    expect(limit).toBe(2_000);
    const open = await connected();
    await until('the connection is counted', async () => {
      const count = await new Promise<number>((resolve) => server.getConnections((_error, value) => resolve(value)));
      return count >= 1;
    });
    server.maxConnections = 1;
    try {
      for (let count = 0; count < 3; count += 1) {
        const dropped = net.connect(port, '127.0.0.1');
        dropped.on('error', () => undefined);
        await once(dropped, 'close');
      }
      const lines = plane.logLines.filter((line) => line.includes('connections are refused'));
      expect(lines).toHaveLength(1);
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 40 });
      const answer = answerOn(open);
      open.write(`${head('GET /healthz')}\r\n`);
      expect((await answer).status).toBe(200);
    } finally {
      server.maxConnections = limit;
    }
  });
});

describe('what nobody foresaw', () => {
  const SECRET = 'hunter2-hunter2';
  /** With everything that must stay inside: a text, a stack, what the database said. */
  const broken = () =>
    Object.assign(new Error(`syntax error near ${SECRET}`), {
      ...{ code: '42601', detail: SECRET, table: 'secrets', query: `select ${SECRET}`, internalQuery: SECRET },
    });

  const expectNothingTold = (answer: Awaited<ReturnType<typeof ask>>): void => {
    expect(answer.statusCode).toBe(500);
    const envelope = answer.json<Record<string, unknown>>();
    expect(Object.keys(envelope).sort()).toEqual(
      ['error', 'error_description', 'resultMessage', 'status', 'success'].sort(),
    );
    expect(envelope).toMatchObject({ success: false, status: 'FAILURE', error: 'server_error' });
    const all = JSON.stringify(answer.headers) + answer.payload;
    for (const inner of [SECRET, 'syntax error', '    at ', '.ts:', '.js:', 'node_modules', '42601', 'select']) {
      expect(all).not.toContain(inner);
    }
    expect(answer.headers).toMatchObject(SECURITY_HEADERS);
  };

  it.each<[string, () => void, Ask]>([
    [
      'a handler of a query that throws',
      () => void jest.spyOn(plane.app.get(QueryBus), 'execute').mockRejectedValue(broken()),
      { url: '/apiops/projects/' },
    ],
    [
      'a handler of a command that throws what is no error',
      () => void jest.spyOn(plane.app.get(CommandBus), 'execute').mockRejectedValue({ stack: SECRET, message: SECRET }),
      {
        ...{ method: 'POST', url: '/apiops/projects/', payload: '{"name":"broken"}' },
        headers: { 'content-type': 'application/json' },
      },
    ],
    [
      'an answer that cannot be written as JSON',
      () => void jest.spyOn(plane.app.get(QueryBus), 'execute').mockResolvedValue([{ [SECRET]: 1n }]),
      { url: '/apiops/projects/' },
    ],
    [
      'a database whose answer to the look-up of a token is an error',
      () => void jest.spyOn(plane.pool, 'query').mockImplementation(() => Promise.reject(broken()) as never),
      { url: '/apiops/projects/', headers: { authorization: 'Bearer gwt_unknown' } },
    ],
    [
      'a database that answers nonsense',
      () => void jest.spyOn(plane.pool, 'query').mockImplementation(() => Promise.resolve({ rows: null }) as never),
      { url: '/apiops/tokens/' },
    ],
  ])('is a 500 that tells nothing: %s', async (_what, breakIt, asked) => {
    breakIt();
    const answer = await ask(asked);
    jest.restoreAllMocks();
    expectNothingTold(answer);
    const requestId = String(answer.headers['x-request-id']);
    expect(plane.logLines.some((line) => line.includes(requestId) && line.includes('unforeseen error'))).toBe(true);
  });
});
