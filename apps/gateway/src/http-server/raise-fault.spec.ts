import { Rig, ask, askRaw, proxyOf, verifyJwt } from './testing/rig.ts';

const rig = new Rig();
afterEach(() => rig.stop());

const raise = (members: object, name = 'raise') => ({ name, policy: { type: 'policy-raise-fault', ...members } });

async function gatewayWith(pipelines: Readonly<Record<string, unknown>>) {
  const upstream = await rig.upstream((_request, response) => response.end('made upstream'));
  const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url], pipelines })] });
  return { upstream, gateway, port: gateway.port };
}

describe('policy-raise-fault', () => {
  it('sends its status, reason, type and payload, and nothing to the upstream', async () => {
    const policy = {
      ...{ statusCode: 422, reasonPhrase: 'No {request.queryparam.what}', contentType: 'application/problem+json' },
      payload: '{"title":"ü","verb":"{request.verb}","nothing":"{unset}"}',
    };
    const { port, upstream, gateway } = await gatewayWith({ request: [raise(policy)] });
    const head = 'GET /orders?what=luck%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const answer = Buffer.from(await askRaw(port, head), 'latin1').toString();
    expect(answer).toMatch(/^HTTP\/1\.1 422 No luck X-Evil: 1\r\nContent-Type: application\/problem\+json\r\n/);
    expect(answer).not.toMatch(/^X-Evil/m);
    expect(answer).toMatch(/\r\n\r\n\{"title":"ü","verb":"GET","nothing":""\}$/);
    expect(upstream.seen).toHaveLength(0);
    expect(await gateway.summary()).toMatchObject({ status: 422, fault: { name: 'RaiseFault', policy: 'raise' } });
  });

  it('sends its reason and type beyond ASCII as UTF-8, once, with a payload or without', async () => {
    for (const payload of ['{"a":"ü"}', '']) {
      const policy = {
        statusCode: 409,
        reasonPhrase: 'Später',
        contentType: 'text/plain; t="{request.verb}ü"',
        payload,
      };
      const { port } = await gatewayWith({ request: [raise(policy)] });
      const answer = await askRaw(port, 'GET /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      const [statusLine, type] = Buffer.from(answer, 'latin1').toString('utf8').split('\r\n');
      expect([statusLine, type]).toEqual(['HTTP/1.1 409 Später', 'Content-Type: text/plain; t="GETü"']);
      expect(Buffer.from(answer, 'latin1').toString('utf8').split('\r\n\r\n')[1]).toBe(payload);
    }
  });

  it('has the usual reason of its status when it names none', async () => {
    const { port } = await gatewayWith({ request: [raise({ statusCode: 404 })] });
    const answer = await askRaw(port, 'GET /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
  });

  it.each([204, 205, 304])('sends no body with status %d', async (statusCode) => {
    const { port } = await gatewayWith({ request: [raise({ statusCode, payload: 'never' })] });
    const answer = await ask({ port, path: '/orders' });
    expect([answer.status, answer.body, answer.headers['content-length'] ?? '0']).toEqual([statusCode, '', '0']);
    const again = await ask({ port, path: '/orders' });
    expect(again.status).toBe(statusCode);
  });

  it('answers in the place of another policy’s fault from the ERROR pipeline', async () => {
    const own = raise({ statusCode: 403, contentType: 'text/plain', payload: '{fault.name}' });
    const { port, gateway } = await gatewayWith({ request: [verifyJwt('check')], error: [own] });
    const answer = await ask({ port, path: '/orders', headers: { authorization: 'Bearer not.a.token' } });
    expect([answer.status, answer.body]).toEqual([403, 'FailedToDecode']);
    expect(await gateway.summary()).toMatchObject({ status: 403, fault: { name: 'FailedToDecode', policy: 'check' } });
  });

  it('answers in the place of a fault of the gateway from the ERROR pipeline, before the policies began too', async () => {
    const own = raise({ statusCode: 400, contentType: 'text/plain', payload: '{fault.name} {request.queryparam.q}' });
    const readsBody = { ...verifyJwt('check', { source: 'request.formparam.jwt' }) };
    const { port, gateway } = await gatewayWith({ request: [readsBody], error: [own] });
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': 2 * 1024 * 1024 };
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const tooLarge = await askRaw(
      port,
      `POST /orders?q=1 HTTP/1.1\r\nHost: a\r\n${head.join('')}Expect: 100-continue\r\n\r\n`,
    );
    expect(tooLarge).toMatch(/^HTTP\/1\.1 400 /);
    expect(tooLarge).toMatch(/\r\n\r\nGWD-004 1$/);
    gateway.use([proxyOf({ addresses: [`http://127.0.0.1:${await rig.closedPort()}`], pipelines: { error: [own] } })]);
    expect((await ask({ port, path: '/orders?q=2' })).body).toBe('GWD-009 2');
  });

  it('answers in the place of the upstream from the RESPONSE pipeline', async () => {
    const { port, upstream } = await gatewayWith({ response: [raise({ statusCode: 410, payload: '{}' })] });
    const answer = await ask({ port, path: '/orders' });
    expect([answer.status, answer.body, upstream.seen.length]).toEqual([410, '{}', 1]);
  });
});
