import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { LookupFunction, Socket } from 'node:net';
import { HEALTH_LIMITS, type HealthLimits } from '../upstream/health/health-limits.ts';
import { UPSTREAM_POOL_LIMITS } from '../upstream/upstream-pool.ts';
import {
  Rig,
  ask,
  askRaw,
  faultCodeOf,
  open,
  proxyOf,
  type RunningGateway,
  type RunningUpstream,
} from './testing/rig.ts';

const MIB = 1024 * 1024;
const rig = new Rig();
afterEach(() => rig.stop());

const get = (gateway: RunningGateway) => ask({ port: gateway.port, path: '/orders' });
const post = (gateway: RunningGateway) => ask({ port: gateway.port, path: '/orders', method: 'POST', body: 'b' });

function socketOf(upstream: RunningUpstream): Socket {
  const request = upstream.seen[0];
  if (request === undefined) throw new Error('the upstream saw nothing');
  return request.socket;
}

describe('an upstream that cannot be reached', () => {
  it('is a 502 when the connection is refused', async () => {
    const proxies = [proxyOf({ addresses: [`http://127.0.0.1:${await rig.closedPort()}`] })];
    const gateway = await rig.gateway({ proxies });
    const answer = await get(gateway);
    expect([answer.status, faultCodeOf(answer)]).toEqual([502, 'GWD-009']);
    expect(await gateway.summary()).toMatchObject({ proxy: 'shop/orders', fault: { reason: 'ECONNREFUSED' } });
  });

  it('is a 502 when its name does not resolve', async () => {
    const lookup: LookupFunction = (hostname, _options, callback) =>
      callback(Object.assign(new Error(hostname), { code: 'ENOTFOUND' }), '', 0);
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: ['http://upstream.test'] })], lookup });
    expect((await get(gateway)).status).toBe(502);
  });

  it('is a 502 when the connection is not ready within the connect timeout', async () => {
    const silent = await rig.rawServer(() => undefined);
    const addresses = [`https://127.0.0.1:${silent.port}`];
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses, upstream: { connectTimeoutMs: 60 } })] });
    expect((await get(gateway)).status).toBe(502);
    expect(await gateway.summary()).toMatchObject({ fault: { reason: 'connect-timeout' } });
  });

  it('is passed over for the next address as often as retryCount allows, a body that was not begun included', async () => {
    const closed = `http://127.0.0.1:${await rig.closedPort()}`;
    const upstream = await rig.upstream((request, response) => request.pipe(response));
    const addresses = [closed, upstream.url];
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses, upstream: { retryCount: 1 } })] });
    const put = () => ask({ port: gateway.port, path: '/orders', method: 'PUT', body: 'kept' });
    expect([(await put()).body, (await put()).body]).toEqual(['kept', 'kept']);
    gateway.use([proxyOf({ addresses, upstream: { retryCount: 0 } })]);
    expect([(await put()).status, (await put()).status].sort()).toEqual([200, 502]);
  });

  it('is passed over by PICK_FIRST for that request only, and by LRU with a turn of its own', async () => {
    const closed = `http://127.0.0.1:${await rig.closedPort()}`;
    const named = async (name: string) => (await rig.upstream((_request, response) => response.end(name))).url;
    const addresses = [closed, await named('b'), await named('c')];
    const tried = async (loadBalance: 'PICK_FIRST' | 'LRU') => {
      const gateway = await rig.gateway({
        proxies: [proxyOf({ addresses, upstream: { loadBalance, retryCount: 1 } })],
      });
      return [await get(gateway), await get(gateway), await get(gateway)].map(({ body }) => body);
    };
    expect(await tried('PICK_FIRST')).toEqual(['b', 'b', 'b']);
    expect(await tried('LRU')).toEqual(['b', 'c', 'b']);
  });

  it('is given up after retryCount further attempts', async () => {
    const tried: string[] = [];
    const lookup: LookupFunction = (hostname, _options, callback) => {
      tried.push(hostname);
      callback(Object.assign(new Error(hostname), { code: 'ENOTFOUND' }), '', 0);
    };
    const addresses = ['http://a.test', 'http://b.test'];
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses, upstream: { retryCount: 2 } })], lookup });
    expect((await get(gateway)).status).toBe(502);
    expect(tried).toEqual(['a.test', 'b.test', 'a.test']);
  });

  it('is never passed over for a request that is not idempotent', async () => {
    const upstream = await rig.upstream((_request, response) => response.end());
    const addresses = [`http://127.0.0.1:${await rig.closedPort()}`, upstream.url];
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses, upstream: { retryCount: 5 } })] });
    expect([(await post(gateway)).status, (await post(gateway)).status].sort()).toEqual([200, 502]);
    expect(upstream.seen).toHaveLength(1);
  });
});

describe('an upstream whose head Node would not write again', () => {
  it.each([
    ['a reason phrase with a control character', '200 \u0001', 'OK'],
    ['an unknown status and such a phrase', '299 \u0001', 'unknown'],
  ])('is answered for without it: %s', async (_what, statusLine, statusMessage) => {
    const server = await rig.rawServer((socket) =>
      socket.once('data', () => socket.end(`HTTP/1.1 ${statusLine}\r\nContent-Length: 4\r\n\r\ndone`)),
    );
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [`http://127.0.0.1:${server.port}`] })] });
    const request = open({ port: gateway.port, path: '/orders' });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusMessage).toBe(statusMessage);
    expect(Buffer.concat(await response.toArray()).toString()).toBe('done');
    expect(gateway.errors).toEqual([]);
  });

  it('passes a reason phrase beyond ASCII on byte by byte', async () => {
    const bytes = 'HTTP/1.1 200 \u2713 done\r\nContent-Length: 0\r\n\r\n';
    const server = await rig.rawServer((socket) => socket.once('data', () => socket.end(bytes)));
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [`http://127.0.0.1:${server.port}`] })] });
    const answer = await askRaw(gateway.port, 'GET /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(Buffer.from(answer, 'latin1').toString()).toMatch(/^HTTP\/1\.1 200 \u2713 done\r\n/);
  });

  it.each([['\u0001'], ['\u007f']])('never leaves the client waiting over a header value of %j', async (value) => {
    const bytes = Buffer.from(`HTTP/1.1 200 OK\r\nX-A: ${value}\r\nContent-Length: 4\r\n\r\ndone`, 'latin1');
    const server = await rig.rawServer((socket) => socket.once('data', () => socket.end(bytes)));
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [`http://127.0.0.1:${server.port}`] })] });
    const answer = await get(gateway);
    expect([200, 502]).toContain(answer.status);
    expect(answer.headers).not.toHaveProperty('x-a');
    expect(gateway.errors).toEqual([]);
  });

  it('never leaves the client waiting over a trailer', async () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    const bytes = Buffer.from(`${head}4\r\ndone\r\n0\r\nX-A: \u0001\r\n\r\n`, 'latin1');
    const server = await rig.rawServer((socket) => socket.once('data', () => socket.end(bytes)));
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [`http://127.0.0.1:${server.port}`] })] });
    const outcome = await get(gateway).then(
      ({ body }) => body,
      (error: NodeJS.ErrnoException) => error.code,
    );
    expect(['done', 'ECONNRESET']).toContain(outcome);
  });
});

describe('an upstream that does not answer', () => {
  it('is a 504 after the read timeout, and the upstream sees the request given up', async () => {
    let gone: Promise<unknown> | undefined;
    const upstream = await rig.upstream((_request, response) => {
      gone = once(response, 'close');
    });
    const gateway = await rig.gateway({
      proxies: [proxyOf({ addresses: [upstream.url], upstream: { readTimeoutMs: 60, retryCount: 3 } })],
    });
    const answer = await get(gateway);
    expect([answer.status, faultCodeOf(answer)]).toEqual([504, 'GWD-013']);
    await gone;
    expect(upstream.seen).toHaveLength(1);
  });

  it('breaks the client’s connection when it falls silent in the middle', async () => {
    const upstream = await rig.upstream((_request, response) => void response.write('half'));
    const proxies = [proxyOf({ addresses: [upstream.url], upstream: { readTimeoutMs: 60 } })];
    const gateway = await rig.gateway({ proxies });
    const request = open({ port: gateway.port, path: '/orders' });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await expect(response.toArray()).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it.each([
    ['closes before it answers', ''],
    ['speaks no HTTP', 'SSH-2.0-OpenSSH\r\n'],
    ['answers with two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'],
    ['answers with an impossible status', 'HTTP/1.1 099 What\r\nContent-Length: 0\r\n\r\n'],
  ])('is a 502 when it %s', async (_what, bytes) => {
    const server = await rig.rawServer((socket) => socket.once('data', () => socket.end(bytes)));
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [`http://127.0.0.1:${server.port}`] })] });
    const answer = await get(gateway);
    expect([answer.status, faultCodeOf(answer)]).toEqual([502, 'GWD-011']);
  });

  it('is asked again when it had just closed the kept connection, but only what may be repeated', async () => {
    const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok';
    let connections = 0;
    const server = await rig.rawServer((socket) => {
      connections += 1;
      let requests = 0;
      socket.on('data', () => (++requests === 1 ? socket.write(ANSWER) : socket.destroy()));
    });
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [`http://127.0.0.1:${server.port}`] })] });
    expect([(await get(gateway)).status, (await get(gateway)).status, connections]).toEqual([200, 200, 2]);
    expect((await post(gateway)).status).toBe(502);
    expect((await get(gateway)).status).toBe(200);
    const put = (body: Buffer) => ask({ port: gateway.port, path: '/orders', method: 'PUT', body });
    // More than is held in memory anywhere: part of it is gone with the connection.
    const begun = await put(Buffer.alloc(MIB));
    expect([begun.status, faultCodeOf(begun), connections]).toEqual([502, 'GWD-011', 3]);
  });
});

describe('an upstream that takes a connection and ends it without a word', () => {
  const ENDINGS: Readonly<Record<string, (socket: Socket) => void>> = {
    'at once': (socket) => socket.end(),
    'after it read the request': (socket) => socket.once('data', () => socket.end()),
    'by a reset': (socket) => socket.once('data', () => socket.resetAndDestroy()),
  };

  /** It, and then one that answers with what was sent. The first is always tried first. */
  async function behindIt(ending: (socket: Socket) => void, health: Partial<HealthLimits> = {}) {
    let connections = 0;
    const dying = await rig.rawServer((socket) => {
      connections += 1;
      ending(socket);
    });
    const other = await rig.upstream((request, response) => request.pipe(response));
    const addresses = [`http://127.0.0.1:${dying.port}`, other.url];
    const limits = { ...UPSTREAM_POOL_LIMITS, health: { ...HEALTH_LIMITS, ejectAfterFailures: 0, ...health } };
    const upstream = { loadBalance: 'PICK_FIRST', retryCount: 1 } as const;
    const gateway = await rig.gateway({
      proxies: [proxyOf({ addresses, upstream })],
      pool: { limits, nowMs: () => 0 },
    });
    return { gateway, other, addresses, connections: () => connections };
  }

  it.each(Object.keys(ENDINGS))('is passed over for an idempotent request: %s', async (when) => {
    const { gateway, connections } = await behindIt(ENDINGS[when] as (socket: Socket) => void);
    const put = await ask({ port: gateway.port, path: '/orders', method: 'PUT', body: 'whole' });
    expect([(await get(gateway)).status, put.body, connections()]).toEqual([200, 'whole', 2]);
    expect((await gateway.summary()).upstream).toMatchObject({ attempts: 2 });
  });

  it('is a 502 for one that is not idempotent, which no other address sees', async () => {
    for (const ending of Object.values(ENDINGS)) {
      const { gateway, other, connections } = await behindIt(ending);
      const answer = await post(gateway);
      expect([answer.status, faultCodeOf(answer), connections(), other.seen.length]).toEqual([502, 'GWD-011', 1, 0]);
    }
  });

  it('is a 502 when a part of a body went to it that is gone here', async () => {
    const { gateway, other } = await behindIt((socket) => socket.once('data', () => socket.end()));
    const body = Buffer.alloc(MIB);
    const answer = await ask({ port: gateway.port, path: '/orders', method: 'PUT', body });
    expect([answer.status, faultCodeOf(answer), other.seen.length]).toEqual([502, 'GWD-011', 0]);
  });

  it.each(['H', 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n'])(
    'is a 502 when it had begun to speak: %j',
    async (said) => {
      const { gateway, other } = await behindIt((socket) => socket.once('data', () => socket.end(said)));
      expect([(await get(gateway)).status, other.seen.length]).toEqual([502, 0]);
    },
  );

  it('is asked no more often than retryCount allows when there is no other', async () => {
    const { gateway, addresses, connections } = await behindIt((socket) => socket.end());
    gateway.use([proxyOf({ addresses: addresses.slice(0, 1), upstream: { retryCount: 2 } })]);
    expect([(await get(gateway)).status, connections()]).toEqual([502, 3]);
  });

  it('is passed over as often as the retry budget allows', async () => {
    const { gateway } = await behindIt((socket) => socket.end(), { retryBudgetPercent: 0 });
    const statuses: number[] = [];
    for (let request = 0; request < 31; request += 1) statuses.push((await get(gateway)).status);
    expect([statuses.slice(0, 30).every((status) => status === 200), statuses[30]]).toEqual([true, 502]);
  });
});

describe('an address that a gateway must not contact', () => {
  const forbidden = [
    'http://169.254.169.254/latest',
    'http://2852039166/',
    'http://[fe80::1]/',
    'http://[::ffff:169.254.1.1]/',
    'http://[fd00:ec2::254]/',
    'http://metadata.google.internal/',
  ];

  it.each(forbidden)('is a 502 as %s', async (url) => {
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [url] })] });
    const answer = await get(gateway);
    expect([answer.status, faultCodeOf(answer)]).toEqual([502, 'GWD-010']);
  });

  it('is a 502 when only its name led there', async () => {
    const lookup: LookupFunction = (_hostname, _options, callback) =>
      callback(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '169.254.169.254', family: 4 },
      ]);
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: ['http://rebound.test:80'] })], lookup });
    const answer = await get(gateway);
    expect([answer.status, faultCodeOf(answer)]).toEqual([502, 'GWD-010']);
  });

  it.each(['127.0.0.1', 'localhost', '0.0.0.0', '[::1]'])('is the own admin address, as %s', async (host) => {
    const admin = await rig.upstream((_request, response) => response.end('secrets'));
    const gateway = await rig.gateway({
      proxies: [proxyOf({ addresses: [`http://${host}:${admin.port}`] })],
      settings: { adminOrigin: { host: '127.0.0.1', port: admin.port } },
    });
    expect((await get(gateway)).status).toBe(502);
    expect(admin.seen).toHaveLength(0);
  });
});

describe('several addresses', () => {
  it('share the requests by weight', async () => {
    const light = await rig.upstream((_request, response) => response.end('l'));
    const heavy = await rig.upstream((_request, response) => response.end('h'));
    const addresses = [
      { url: light.url, weight: 1 },
      { url: heavy.url, weight: 3 },
    ];
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses })] });
    const turns: string[] = [];
    for (let request = 0; request < 8; request += 1) turns.push((await get(gateway)).body);
    expect(turns.join('')).toMatch(/^(?=(?:h*l){2}h*$)h{0,3}lh{3}lh{0,3}$/);
  });
});

describe('the connections of an origin', () => {
  it('are dropped when no proxy uses it any more, and not before', async () => {
    const first = await rig.upstream((_request, response) => response.end());
    const second = await rig.upstream((_request, response) => response.end());
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [first.url] })] });
    await get(gateway);
    gateway.use([proxyOf({ addresses: [first.url, second.url] })]);
    await get(gateway);
    await get(gateway);
    expect(gateway.pool.origins.toSorted()).toEqual([first.url, second.url].sort());
    const closed = once(socketOf(first), 'close');
    const droppedAt = performance.now();
    gateway.use([proxyOf({ addresses: [second.url] })]);
    await closed;
    expect(performance.now() - droppedAt).toBeLessThan(UPSTREAM_POOL_LIMITS.idleTimeoutMs / 2);
    expect(gateway.pool.origins).toEqual([second.url]);
  });
});
