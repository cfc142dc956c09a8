import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { Rig, ask, askRaw, open, proxyOf } from './testing/rig.ts';

const rig = new Rig();
afterEach(() => rig.stop());

/** An upstream that answers only when it is told to. */
async function heldUpstream() {
  let arrived: (response: ServerResponse) => void = () => undefined;
  const request = new Promise<ServerResponse>((resolve) => (arrived = resolve));
  const upstream = await rig.upstream((_request, response) => arrived(response));
  const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url] })] });
  return { gateway, request };
}

/** Connects and hangs up again until nobody listens. */
async function untilRefused(port: number): Promise<string> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      socket.once('connect', () => resolve(undefined)).once('error', resolve);
    });
    socket.destroy();
    if (error?.code === 'ECONNREFUSED') return error.code;
  }
}

describe('drain', () => {
  it('finishes the request in flight, says close to its client, and accepts no other', async () => {
    const { gateway, request } = await heldUpstream();
    const agent = new http.Agent({ keepAlive: true });
    const answer = ask({ port: gateway.port, path: '/orders', agent });
    const response = await request;
    const drained = gateway.server.drain(10_000);
    expect(await untilRefused(gateway.port)).toBe('ECONNREFUSED');
    response.end('done');
    expect(await answer).toMatchObject({ status: 200, body: 'done', headers: { connection: 'close' } });
    await drained;
    agent.destroy();
  });

  it('closes idle connections after a moment', async () => {
    const gateway = await rig.gateway({ proxies: [] });
    const socket = connect(gateway.port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    const closed = once(socket, 'close');
    await gateway.server.drain(10_000);
    await closed;
  });

  it('fails no request of clients that had connected before', async () => {
    const upstream = await rig.upstream((_request, response) => response.end('done'));
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url] })] });
    const answers = Array.from({ length: 50 }, () => ask({ port: gateway.port, path: '/orders' }));
    await Promise.race(answers);
    const drained = gateway.server.drain(10_000);
    expect((await Promise.all(answers)).map((answer) => answer.status)).toEqual(answers.map(() => 200));
    await drained;
  });

  it('ends what is left when its time is over', async () => {
    const { gateway, request } = await heldUpstream();
    const answer = ask({ port: gateway.port, path: '/orders' });
    const outcome = answer.catch((error: NodeJS.ErrnoException) => error.code);
    const gone = once(await request, 'close');
    await gateway.server.drain(30);
    expect(await outcome).toBe('ECONNRESET');
    await gone;
    expect(await gateway.summary()).toMatchObject({ status: undefined, isComplete: false });
  });
});

describe('a configuration swap', () => {
  it('fails no request, however often it happens under load', async () => {
    const upstreams = await Promise.all(
      ['a', 'b'].map((name) => rig.upstream((_request, response) => response.end(name))),
    );
    const configurations = upstreams.map((upstream) => [proxyOf({ addresses: [upstream.url] })]);
    const gateway = await rig.gateway({ proxies: configurations[0] ?? [] });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 20 });
    let swaps = 0;
    const client = async (): Promise<number[]> => {
      const statuses: number[] = [];
      for (let round = 0; round < 40; round += 1) {
        statuses.push((await ask({ port: gateway.port, path: '/orders', agent })).status);
        gateway.use(configurations[++swaps % 2] ?? []);
      }
      return statuses;
    };
    const statuses = (await Promise.all(Array.from({ length: 20 }, client))).flat();
    agent.destroy();
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(upstreams.every((upstream) => upstream.seen.length > 100)).toBe(true);
    expect(gateway.errors).toEqual([]);
  });

  it('leaves a request in flight on the configuration that it came with', async () => {
    const { gateway, request } = await heldUpstream();
    const answer = ask({ port: gateway.port, path: '/orders' });
    const response = await request;
    gateway.use([]);
    expect((await ask({ port: gateway.port, path: '/orders' })).status).toBe(404);
    response.end('old');
    expect(await answer).toMatchObject({ status: 200, body: 'old' });
  });
});

describe('a client connection', () => {
  it('serves pipelined requests in their order', async () => {
    const upstream = await rig.upstream((request, response) => response.end(request.url));
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url] })] });
    const line = (path: string, more = ''): string => `GET /orders/${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
    const answers = await askRaw(gateway.port, line('1') + line('2') + line('3', 'Connection: close\r\n'));
    expect(answers.match(/\/[123](?=HTTP|$)/g)).toEqual(['/1', '/2', '/3']);
  });

  it('that closes before its request is complete leaves nothing behind', async () => {
    const upstream = await rig.upstream((_request, response) => response.end());
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url] })] });
    const request = open({ port: gateway.port, path: '/orders', method: 'POST', headers: { 'content-length': 9 } });
    const failed: Promise<IncomingMessage | Error> = new Promise((resolve) => request.on('error', resolve));
    request.flushHeaders();
    await once(request, 'socket');
    await once(request.socket ?? request, 'connect');
    request.destroy(new Error('gone'));
    expect(await failed).toMatchObject({ message: 'gone' });
    await gateway.server.drain(10_000);
  });
});
