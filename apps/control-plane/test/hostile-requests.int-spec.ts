import { once } from 'node:events';
import type { Server } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { FAILURES_PER_WINDOW } from '../src/http/access/failed-attempts.ts';
import { policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

const PROXY = '/projects/shop/apiProxies/orders';
const JSON_TYPE = 'content-type: application/json\r\n';

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
afterAll(() => plane.close());

interface Received {
  readonly status: number;
  readonly requestId: string | undefined;
  readonly error: string | undefined;
  readonly text: string;
}

/** Bytes as they are, over a connection of their own. */
async function sendBytes(text: string): Promise<Received> {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(text);
  let received = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
  await once(socket, 'close');
  const [head = '', body = ''] = received.split('\r\n\r\n');
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]),
    requestId: /^x-request-id: (.+)$/im.exec(head)?.[1],
    error: (JSON.parse(body) as { error?: string }).error,
    text: body,
  };
}

const bearer = (token = plane.adminToken): string => `authorization: Bearer ${token}\r\n`;
const close = 'connection: close\r\n\r\n';

const eventCount = async (): Promise<number> => (await plane.events()).length;

describe('a request that two readers could understand in two ways', () => {
  it.each<[string, () => string]>([
    ['two bearer tokens', () => `GET /apiops/projects/ HTTP/1.1\r\nhost: a\r\n${bearer()}${bearer('other')}${close}`],
    [
      'two media types',
      () =>
        `POST /apiops/projects/ HTTP/1.1\r\nhost: a\r\n${bearer()}${JSON_TYPE}content-type: text/plain\r\ncontent-length: 13\r\n${close}{"name":"two"}`,
    ],
    ['two hosts', () => `GET /apiops/projects/ HTTP/1.1\r\nhost: a\r\nhost: b\r\n${bearer()}${close}`],
    ['no host', () => `GET /apiops/projects/ HTTP/1.1\r\n${bearer()}${close}`],
  ])('is a 400 in the envelope, with an id that is in the log: %s', async (_what, bytes) => {
    const before = await eventCount();
    const refused = await sendBytes(bytes());
    expect(refused).toMatchObject({ status: 400, error: 'bad_request' });
    await until('the line in the log', () =>
      plane.logLines.some(
        (line) => line.includes(`"requestId":"${refused.requestId}"`) && line.includes('"status":400'),
      ),
    );
    expect(await eventCount()).toBe(before);
  });
});

describe('a step out of the files of /apiops/docs', () => {
  it.each(['/apiops/docs/assets/../../tokens/', '/apiops/docs/assets/%2e%2e/%2e%2e/tokens/'])(
    'is refused in the envelope with its own code: %s',
    async (path) => {
      const refused = await sendBytes(`GET ${path} HTTP/1.1\r\nhost: a\r\n${close}`);
      expect(refused).toMatchObject({ status: 403, error: 'access_denied' });
    },
  );
});

describe('a body of another charset than UTF-8', () => {
  const send = (charset: string, payload: Buffer) =>
    plane.app.inject({
      ...{ method: 'POST', url: '/apiops/projects/', payload },
      headers: { authorization: `Bearer ${plane.adminToken}`, 'content-type': `application/json; charset=${charset}` },
    });

  it.each([
    ['iso-8859-1', Buffer.from('{"name":"a","description":"gr\u00fcn"}')],
    ['"windows-1254"', Buffer.from('{"name":"a","description":"\u011f"}')],
    ['utf-16', Buffer.from('{"name":"a"}', 'utf16le')],
  ])('is a 415 when it would be read as another text: %s', async (charset, payload) => {
    const before = await eventCount();
    const refused = await send(charset, payload);
    expect(refused.statusCode).toBe(415);
    expect(refused.json()).toMatchObject({ success: false, error: 'unsupported_media_type' });
    expect(await eventCount()).toBe(before);
  });

  it.each(['iso-8859-1', 'us-ascii'])('is taken when it is plain ASCII: %s', async (charset) => {
    expect((await send(charset, Buffer.from(`{"name":"in-${charset}"}`))).statusCode).toBe(200);
  });
});

describe('a body made to be slow', () => {
  /** The slow ways that these were found with took minutes, in which nobody else was answered: the test's own limit. */
  const MIB = 1024 * 1024;

  it('is looked at in linear time by the sign-in, which needs no token: a number of a million zeros', async () => {
    const payload = `{"x":0.${'0'.repeat(MIB - 10)}1}`;
    const headers = { 'content-type': 'application/json' };
    const answer = await plane.app.inject({ method: 'POST', url: '/apiops/auth/token', payload, headers });
    expect(answer.statusCode).toBe(400);
  });

  it('is reported in linear time: ninety thousand unknown members', async () => {
    const members = Array.from({ length: 90_000 }, (_, index) => [`k${index}`, 1] as const);
    expect((await plane.call('POST', '/projects/', Object.fromEntries(members))).status).toBe(400);
  });

  it('does not keep its connection for ever: a request has to arrive within a minute', () => {
    expect(server.requestTimeout).toBeGreaterThan(0);
    expect(server.requestTimeout).toBeLessThanOrEqual(60_000);
  });
});

describe('a client that breaks off', () => {
  it('is not reported as a database that is away', async () => {
    const before = plane.logLines.length;
    const socket = net.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `POST /apiops/projects/ HTTP/1.1\r\nhost: a\r\n${bearer()}${JSON_TYPE}x-request-id: garbage\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`,
    );
    socket.resume();
    await once(socket, 'close');
    await until('its line', () => plane.logLines.some((line) => line.includes('"requestId":"garbage"')));
    expect(plane.logLines.slice(before).filter((line) => line.includes('database'))).toEqual([]);
  });
});

describe('If-Match', () => {
  it.each(['', '"', '"1', '1"', 'W/"1"', '"1", "2"', 'one', '-1'])(
    'is a 400 when it names no revision, rather than no condition: %j',
    async (ifMatch) => {
      const before = await eventCount();
      const path = `${PROXY}/policies/unconditional/`;
      const refused = await plane.call('POST', path, policyBody(), { 'if-match': ifMatch });
      expect(refused).toMatchObject({ status: 400, body: { validation_errors: [{ field: 'If-Match' }] } });
      expect(await eventCount()).toBe(before);
    },
  );
});

describe('X-Change-Reason', () => {
  const reasonOf = async (name: string): Promise<string | undefined> =>
    (await plane.events()).find(({ data }) => data['name'] === name)?.metadata['reason'];

  it('is in the event as it was written, in whatever language', async () => {
    const reason = 'g\u00fcvenlik d\u00fczeltmesi \u2013 \u20ac';
    const sent = Buffer.from(reason).toString('latin1');
    await plane.done('POST', '/projects/', { name: 'reasoned' }, { 'x-change-reason': sent });
    expect(await reasonOf('reasoned')).toBe(reason);
    await plane.done('POST', '/projects/', { name: 'latin' }, { 'x-change-reason': 'gr\u00fcn' });
    expect(await reasonOf('latin')).toBe('gr\u00fcn');
  });

  it('is a 400 when it is too long to be kept whole', async () => {
    const sent = (length: number, name: string) =>
      plane.call('POST', '/projects/', { name }, { 'x-change-reason': 'r'.repeat(length) });
    expect(await sent(1_001, 'endless')).toMatchObject({
      status: 400,
      body: { validation_errors: [{ field: 'X-Change-Reason', code: 'out_of_range' }] },
    });
    expect((await sent(1_000, 'long')).status).toBe(200);
  });
});

describe('a name', () => {
  it.each(['.', '..'])('is not %s: clients would take it for a step in the path', async (name) => {
    const refused = await plane.call('POST', '/projects/', { name });
    expect(refused).toMatchObject({ status: 400, body: { validation_errors: [{ field: 'name', code: 'invalid' }] } });
    const path = `${PROXY}/policies/${name === '.' ? '%2e' : '%2e%2e'}/`;
    expect((await plane.call('POST', path, policyBody())).status).not.toBe(200);
    expect((await plane.call('POST', '/projects/', { name: `a${name}` })).status).toBe(200);
  });

  it('of a token is not that of the control plane itself in events', async () => {
    const body = { name: 'deployer', permissions: ['VIEW'], projects: ['*'] };
    expect(await plane.call('POST', '/tokens/', body)).toMatchObject({ status: 409, body: { error: 'conflict' } });
  });
});

describe('POST /apiops/auth/token', () => {
  const signIn = (address: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
    plane.app.inject({
      ...{ method: 'POST', url: '/apiops/auth/token', remoteAddress: address },
      payload: new URLSearchParams({ grant_type: 'client_credentials', ...form }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });

  it('takes one way of naming oneself: Basic is refused, and says so', async () => {
    const basic = { authorization: `Basic ${Buffer.from(`admin:${plane.adminToken}`).toString('base64')}` };
    for (const form of [{}, { client_id: 'admin', client_secret: plane.adminToken }]) {
      const refused = await signIn('192.0.2.1', form, basic);
      expect(refused.statusCode).toBe(400);
      const { error, error_description } = refused.json<{ error: string; error_description: string }>();
      expect([error, error_description.includes('Basic')]).toEqual(['invalid_request', true]);
    }
  });

  it('lets whoever signed in go on, whatever his neighbours behind the same address do', async () => {
    const address = '192.0.2.2';
    const look = (token: string) =>
      plane.app.inject({
        ...{ method: 'GET', url: '/apiops/projects/', remoteAddress: address },
        headers: { authorization: `Bearer ${token}` },
      });
    expect((await look(plane.adminToken)).statusCode).toBe(200);
    for (let count = 0; count < FAILURES_PER_WINDOW; count += 1) await look(`gwt_${count}`);
    expect((await look('gwt_another')).statusCode).toBe(429);
    const signedIn = await signIn(address, { client_id: 'admin', client_secret: plane.adminToken });
    expect(signedIn.statusCode).toBe(200);
    const { access_token: session } = signedIn.json<{ access_token: string }>();
    expect((await look(session)).statusCode).toBe(200);
  });
});
