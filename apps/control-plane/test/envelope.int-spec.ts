import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

const PROXY = '/projects/shop/apiProxies/orders';
const POLICY = `/apiops${PROXY}/policies/long/`;

let plane: RunningControlPlane;
let port: number;

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
  await plane.app.listen(0, '127.0.0.1');
  ({ port } = plane.app.getHttpServer().address() as AddressInfo);
});
afterAll(() => plane.close());

interface Received {
  readonly status: number;
  readonly requestId: unknown;
  readonly body: Answer['body'];
}

interface Sent {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';
  readonly url?: string;
  readonly payload?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

async function send({ method = 'POST', url = '/apiops/projects/', payload, headers = {} }: Sent): Promise<Received> {
  const answer = await plane.app.inject({
    ...{ method, url },
    ...(payload === undefined ? {} : { payload }),
    headers: { authorization: `Bearer ${plane.adminToken}`, 'content-type': 'application/json', ...headers },
  });
  return { status: answer.statusCode, requestId: answer.headers['x-request-id'], body: answer.json() };
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
    body: JSON.parse(body) as Answer['body'],
  };
}

const ID = /^[0-9a-f-]{36}$/;
const faultsOf = ({ body }: Received): string[] =>
  (body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`);

/** Refused in the contract's envelope, with an id of the request, and nothing of it recorded. */
async function expectRefusal(ask: () => Promise<Received>, status: number, error: string): Promise<Received> {
  const before = (await plane.events()).length;
  const received = await ask();
  expect({ status: received.status, error: received.body.error }).toEqual({ status, error });
  expect(received.body).toMatchObject({
    ...{ success: false, status: 'FAILURE', error_description: expect.stringMatching(/./) as string },
    resultMessage: received.body.error_description,
  });
  expect(received.requestId).toMatch(ID);
  expect((await plane.events()).length).toBe(before);
  return received;
}

describe('a body that is not JSON', () => {
  it.each([
    ['cut off', '{"name":"a"'],
    ['with a comment', '{"name":"a"} // b'],
    ['with a member __proto__', '{"name":"a","__proto__":{"admin":true}}'],
    ['with an escaped member __proto__', '{"name":"a","x":[{"\\u005f_proto__":1}]}'],
    ['of a hundred thousand brackets', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['of a hundred thousand open brackets', '['.repeat(100_000)],
    ['of a hundred thousand objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ])('is a 400: %s', async (_what, payload) => {
    await expectRefusal(() => send({ payload }), 400, 'bad_request');
  });

  it('is a 400 when its bytes are not UTF-8, and says so', async () => {
    const payload = Buffer.from([...Buffer.from('{"name":"a'), 0xff, 0xfe, ...Buffer.from('"}')]);
    const refused = await expectRefusal(() => send({ payload }), 400, 'bad_request');
    expect(refused.body.error_description).toContain('UTF-8');
  });

  it('is never repeated in the answer', async () => {
    const { body } = await send({ payload: '{"password":"hunter2"' });
    expect(JSON.stringify(body)).not.toContain('hunter2');
  });
});

describe('a body that JSON would let pass', () => {
  it.each([
    ['"refreshTokenCount":9007199254740993', 'policy.refreshTokenCount'],
    ['"tokenExpiresInAmount":9007199254740993', 'policy.tokenExpiresInAmount'],
    ['"refreshTokenExpiresInAmount":1e400', 'policy.refreshTokenExpiresInAmount'],
    ['"tokenExpiresInAmount":1.00000000000000000001', 'policy.tokenExpiresInAmount'],
  ])('is a 400 naming the field when it would lose digits: %s', async (member, field) => {
    const { policy, operationMetadata } = policyBody();
    const payload = `{"operationMetadata":${JSON.stringify(operationMetadata)},"policy":{${member},${JSON.stringify(policy).slice(1)}}`;
    const refused = await expectRefusal(() => send({ url: POLICY, payload }), 400, 'validation_failed');
    expect(faultsOf(refused)).toEqual([`${field} inexact_number`]);
  });

  it('is a 400 naming the field when a member is given twice', async () => {
    const { policy, operationMetadata } = policyBody();
    const twice = `{"type":"policy-auth-jwt","active":false,${JSON.stringify(policy).slice(1)}`.replace(
      /}$/,
      ',"active":true}',
    );
    const payload = `{"operationMetadata":${JSON.stringify(operationMetadata)},"policy":${twice}}`;
    const refused = await expectRefusal(() => send({ url: POLICY, payload }), 400, 'validation_failed');
    expect(faultsOf(refused)).toEqual(['policy.type duplicate_member', 'policy.active duplicate_member']);
  });

  it.each(['a\\u0000b', 'a\\ud800b', '\\udc00\\ud800'])('is a 400 naming the field when a text is %s', async (text) => {
    const payload = `{"name":"unstorable","description":"${text}"}`;
    const refused = await expectRefusal(() => send({ payload }), 400, 'validation_failed');
    expect(faultsOf(refused)).toEqual(['description invalid']);
  });
});

describe('a body of another kind', () => {
  it.each(['text/plain', 'text/html', 'multipart/form-data; boundary=x', 'application/octet-stream', 'nonsense'])(
    'is a 415 that names what is accepted: %s',
    async (type) => {
      const ask = () => send({ payload: '{"name":"a"}', headers: { 'content-type': type } });
      const refused = await expectRefusal(ask, 415, 'unsupported_media_type');
      expect(refused.body.error_description).toContain('application/json');
    },
  );

  it.each(['application/xml', 'text/xml', 'application/x-www-form-urlencoded'])(
    'is a 415 where a call takes JSON alone: %s',
    async (type) => {
      const ask = () => send({ payload: 'name=a', headers: { 'content-type': type } });
      const refused = await expectRefusal(ask, 415, 'unsupported_media_type');
      expect(refused.body.error_description).toContain('application/json');
    },
  );

  it('is a 415 when it is compressed', async () => {
    const ask = () => send({ payload: '{"name":"a"}', headers: { 'content-encoding': 'gzip' } });
    await expectRefusal(ask, 415, 'unsupported_media_type');
  });

  it('is JSON with a charset, too', async () => {
    const { status } = await send({
      ...{ payload: '{"name":"charset"}', headers: { 'content-type': 'application/json; charset=utf-8' } },
    });
    expect(status).toBe(200);
  });

  it('is a 413 when it is larger than 1 MiB, and no larger', async () => {
    const padded = (bytes: number) => `{"name":"${'x'.repeat(bytes - 11)}"}`;
    await expectRefusal(() => send({ payload: padded(1024 * 1024 + 1) }), 413, 'payload_too_large');
    await expectRefusal(() => send({ payload: padded(1024 * 1024) }), 400, 'validation_failed');
  });
});

describe('an address', () => {
  it.each([
    ['/apiops/nothing/', 404, 'not_found'],
    ['/apiops/', 404, 'not_found'],
    ['/apiops/projects/none/apiProxies/url/', 404, 'not_found'],
    ['/apiops/projects/%zz/apiProxies/url/', 400, 'bad_request'],
    ['/apiops/projects/%ff/apiProxies/url/', 400, 'bad_request'],
    [`/apiops/projects/${'n'.repeat(5_000)}/apiProxies/url/`, 400, 'bad_request'],
    [`/apiops${PROXY}/policies/${'n'.repeat(256)}/`, 400, 'validation_failed'],
    [`/apiops${PROXY}/policies/a%2Fb/`, 400, 'validation_failed'],
    [`/apiops${PROXY}/policies/a%00b/`, 400, 'validation_failed'],
    [`/apiops/projects/a%00b/apiProxies/url/`, 400, 'validation_failed'],
  ] as const)('that leads nowhere is refused in the envelope: %.60s', async (url, status, error) => {
    const payload = JSON.stringify(url.includes('policies') ? policyBody() : proxyBody('nowhere'));
    await expectRefusal(() => send({ url, payload }), status, error);
  });

  it.each(['PATCH', 'OPTIONS', 'DELETE'] as const)('does not know the method %s everywhere', async (method) => {
    await expectRefusal(() => send({ method, headers: { 'content-type': 'application/json' } }), 404, 'not_found');
  });
});

describe('bytes that are no request', () => {
  const authorised = (): string => `host: a\r\nauthorization: Bearer ${plane.adminToken}\r\n`;

  const HOSTILE: readonly (readonly [string, () => string, number])[] = [
    ['an unknown method', () => `BREW /apiops/projects/ HTTP/1.1\r\n${authorised()}\r\n`, 400],
    ['no HTTP', () => 'hello\r\n\r\n', 400],
    [
      'two lengths',
      () => `POST /apiops/projects/ HTTP/1.1\r\n${authorised()}content-length: 1\r\ncontent-length: 2\r\n\r\nab`,
      400,
    ],
    [
      'a length together with chunks',
      () =>
        `POST /apiops/projects/ HTTP/1.1\r\n${authorised()}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['a header without end', () => `GET /apiops/ HTTP/1.1\r\n${authorised()}x: ${'y'.repeat(40_000)}\r\n\r\n`, 431],
    [
      'another expectation',
      () => `GET /apiops/projects/ HTTP/1.1\r\n${authorised()}expect: coffee\r\nconnection: close\r\n\r\n`,
      417,
    ],
    [
      'a method of another protocol',
      () => `PROPFIND /apiops/projects/ HTTP/1.1\r\n${authorised()}connection: close\r\n\r\n`,
      404,
    ],
  ];
  it.each(HOSTILE)('are answered in the envelope, with an id that is in the log: %s', async (_what, bytes, status) => {
    const error = status === 404 ? 'not_found' : 'bad_request';
    const refused = await expectRefusal(() => sendBytes(bytes()), status, error);
    const line = await until('the line in the log', () =>
      plane.logLines.find((text) => text.includes(String(refused.requestId)) && text.includes('"msg":"request"')),
    );
    expect(JSON.parse(line)).toMatchObject({ status });
  });
});

describe('a request in the log', () => {
  const linesOf = (requestId: string) =>
    plane.logLines
      .map((text) => JSON.parse(text) as Record<string, unknown>)
      .filter((line) => line['msg'] === 'request' && line['requestId'] === requestId);
  const lineOf = async (requestId: string) => {
    await until(`the line of ${requestId}`, () => linesOf(requestId).length > 0);
    expect(linesOf(requestId)).toHaveLength(1);
    return linesOf(requestId)[0];
  };

  it('is one line, whose id is that of the answer and of the event', async () => {
    const { requestId, status } = await send({ payload: '{"name":"logged"}' });
    expect(status).toBe(200);
    expect(await lineOf(String(requestId))).toMatchObject({
      ...{ level: 30, actor: 'admin', method: 'POST', path: '/apiops/projects/', status: 200 },
      durationMs: expect.any(Number) as number,
    });
    const event = (await plane.events()).find(({ metadata }) => metadata['requestId'] === requestId);
    expect(event).toMatchObject({ type: 'ProjectCreated', metadata: { actor: 'admin' } });
  });

  it('holds neither query nor token nor secret, whatever became of it', async () => {
    const secret = 's3cret-s3cret-s3cret';
    const asked = [
      { url: `/apiops/projects/?password=${secret}`, payload: `{"name":"${secret}/"}` },
      { url: `/apiops/%zz?x=${secret}`, payload: `{"name":"${secret}/"}` },
      { payload: `{"name":"${secret}/"}`, headers: { authorization: `Bearer ${secret}`, 'idempotency-key': secret } },
    ];
    for (const one of asked) await lineOf(String((await send(one)).requestId));
    expect(plane.logLines.join('\n')).not.toContain(secret);
    expect(plane.logLines.join('\n')).not.toContain(plane.adminToken);
  });

  it.each([
    ['nobody', { url: '/apiops/projects/', headers: { authorization: 'Bearer wrong' } }, 401],
    ['a bad address', { url: '/apiops/%zz' }, 400],
    ['no such call', { url: '/apiops/nothing' }, 404],
    ['a bad body', { payload: '{' }, 400],
  ] as const)('is there for what was refused, too: %s', async (_what, sent, status) => {
    const { requestId } = await send(sent);
    expect(await lineOf(String(requestId))).toMatchObject({ status });
  });

  it('is one line when the client breaks off in the middle of its body, too', async () => {
    const socket = net.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const head = `host: a\r\nauthorization: Bearer ${plane.adminToken}\r\nx-request-id: broken-off\r\n`;
    socket.end(
      `POST /apiops/projects/ HTTP/1.1\r\n${head}content-type: application/json\r\ncontent-length: 9\r\n\r\n{`,
    );
    socket.resume();
    await once(socket, 'close');
    expect(await lineOf('broken-off')).toMatchObject({ actor: 'admin', path: '/apiops/projects/' });
  });

  it('is not at level info for health, which somebody asks for all day', async () => {
    const answer = await plane.app.inject({ method: 'GET', url: '/healthz' });
    const requestId = String(answer.headers['x-request-id']);
    expect(await lineOf(requestId)).toMatchObject({ level: 20, path: '/healthz', status: 200 });
  });
});
