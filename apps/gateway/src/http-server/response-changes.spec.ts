import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { Exchange, LinkedProxy, LinkedRoute } from '#libs/policy-runtime';
import { Rig, ask, askRaw, faultCodeOf, open, proxyOf, type GatewayWishes } from './testing/rig.ts';

const rig = new Rig();
afterEach(() => rig.stop());

type RunResponse = LinkedRoute['runResponse'];

/** A proxy with one step in its RESPONSE pipeline: what a policy could do there, whether one of today's does or not. */
function withResponseStep(proxy: LinkedProxy, runResponse: RunResponse): LinkedProxy {
  return {
    ...proxy,
    matchEndpoint: (method, pathSuffix) => {
      const match = proxy.matchEndpoint(method, pathSuffix);
      if (match.kind !== 'matched') return match;
      return { kind: 'matched', route: { ...match.route, hasResponsePipeline: true, runResponse } };
    },
  };
}

async function gatewayWith(runResponse: RunResponse, listener: RequestListener, limits: GatewayWishes['limits'] = {}) {
  const upstream = await rig.upstream(listener);
  const proxy = withResponseStep(proxyOf({ addresses: [upstream.url] }), runResponse);
  const gateway = await rig.gateway({ proxies: [proxy], limits });
  return { gateway, port: gateway.port };
}

const answersAtOnce: RequestListener = (_request, response) => {
  response.setHeader('Set-Cookie', ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2']);
  response.writeHead(200, 'Fine', { 'X-One': '1', 'X-Inside': 'host-7', 'Content-Length': 13 });
  response.end('made upstream');
};

describe('a step of the RESPONSE pipeline', () => {
  const change = ({ response }: Exchange): undefined => {
    if (response === undefined) throw new Error('no response');
    response.status = 203;
    response.headers.delete('x-inside');
    response.headers.set('x-one', 'uno').set('x-new', 'n').set('content-length', '99').set('connection', 'close');
  };

  it.each([
    ['at once', change],
    ['after waiting', (exchange: Exchange) => Promise.resolve(change(exchange))],
  ] as const)('changes status and headers %s, and neither the body nor how it is framed', async (_when, step) => {
    const { port } = await gatewayWith(step, answersAtOnce);
    const answer = await ask({ port, path: '/orders' });
    expect([answer.status, answer.body, answer.headers['content-length']]).toEqual([203, 'made upstream', '13']);
    expect(answer.headers).toMatchObject({ 'x-one': 'uno', 'x-new': 'n' });
    expect(answer.headers).not.toHaveProperty('x-inside');
  });

  it.each([
    [
      'a 204, which has none',
      204,
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
      /^HTTP\/1\.1 204 [^]*\r\n\r\n$/,
    ],
    [
      'a 200 out of a 304, whose length is that of another answer',
      200,
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
      /^HTTP\/1\.1 200 [^]*\r\n\r\n0\r\n\r\n$/,
    ],
  ])('makes no answer that waits for a body: %s', async (_what, status, answer, expected) => {
    const server = await rig.rawServer((socket) => socket.once('data', () => socket.end(answer)));
    const step = ({ response }: Exchange): undefined => void Object.assign(response ?? {}, { status });
    const proxy = withResponseStep(proxyOf({ addresses: [`http://127.0.0.1:${server.port}`] }), step);
    const { port } = await rig.gateway({ proxies: [proxy] });
    const text = await askRaw(port, 'GET /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(text).toMatch(expected);
    expect(text).not.toMatch(/content-length/i);
  });

  it('cannot give the answer a second correlation id', async () => {
    const step = ({ response }: Exchange): undefined => void response?.headers.set('apinizer-correlation-id', 'mine');
    const { port, gateway } = await gatewayWith(step, answersAtOnce);
    const { headers } = await ask({ port, path: '/orders' });
    expect(headers['apinizer-correlation-id']).toBe((await gateway.summary()).correlationId);
  });

  it('leaves each Set-Cookie a line of its own', async () => {
    const { port } = await gatewayWith(change, answersAtOnce);
    const { headers } = await ask({ port, path: '/orders' });
    expect(headers['set-cookie']).toEqual(['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2']);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('secret detail');
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret detail'))],
  ] as const)('that %s is a 500 of the gateway, and no fault of the upstream', async (_how, step) => {
    const { port, gateway } = await gatewayWith(step, answersAtOnce);
    const answer = await ask({ port, path: '/orders' });
    expect([answer.status, faultCodeOf(answer)]).toEqual([500, 'GWD-007']);
    expect(answer.body).not.toContain('secret detail');
    expect(gateway.errors).toEqual([new Error('secret detail')]);
  });
});

describe('a request whose body is refused while a RESPONSE policy waits', () => {
  it('is answered once', async () => {
    let decide: (() => void) | undefined;
    const step = (exchange: Exchange) =>
      exchange.request.method === 'GET'
        ? undefined
        : new Promise<undefined>((resolve) => (decide = () => resolve(undefined)));
    const { port, gateway } = await gatewayWith(step, answersAtOnce, { maxBodyBytes: 10 });
    const request = open({ port, path: '/orders', method: 'POST' });
    request.on('error', () => undefined);
    request.write('12345');
    while (decide === undefined) await new Promise(setImmediate);
    request.write('678901');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    decide();
    expect(response.statusCode).toBe(413);
    expect((await ask({ port, path: '/orders' })).status).toBe(200);
    expect(gateway.errors).toEqual([]);
    request.destroy();
  });

  it('keeps the fault that came first while the ERROR pipeline waits', async () => {
    let decide: (() => void) | undefined;
    let runs = 0;
    const upstream = await rig.upstream(answersAtOnce);
    const fault = { status: 418, headers: [], body: 'first', name: 'First', policy: 'p', reason: 'r' };
    const refusing = withResponseStep(proxyOf({ addresses: [upstream.url] }), () => fault);
    const proxy: LinkedProxy = {
      ...refusing,
      matchEndpoint: (method, pathSuffix) => {
        const match = refusing.matchEndpoint(method, pathSuffix);
        if (match.kind !== 'matched') return match;
        const runError: LinkedRoute['runError'] = (_exchange, first) => {
          runs += 1;
          return new Promise((resolve) => (decide = () => resolve(first)));
        };
        return { kind: 'matched', route: { ...match.route, runError } };
      },
    };
    const gateway = await rig.gateway({ proxies: [proxy], limits: { maxBodyBytes: 10 } });
    const request = open({ port: gateway.port, path: '/orders', method: 'POST' });
    request.on('error', () => undefined);
    request.write('12345');
    while (decide === undefined) await new Promise(setImmediate);
    const decideFirst: () => void = decide;
    request.write('678901');
    const asked = once(request, 'response');
    // By the time that another request is answered, the gateway has read the rest of the body.
    expect((await ask({ port: gateway.port, path: '/unknown' })).status).toBe(404);
    decideFirst();
    const [response] = (await asked) as [IncomingMessage];
    expect([response.statusCode, runs]).toEqual([418, 1]);
    expect(gateway.errors).toEqual([]);
    request.destroy();
  });
});
