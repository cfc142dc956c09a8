import { once } from 'node:events';
import http, { type ServerResponse } from 'node:http';
import net from 'node:net';
import { Registry } from 'prom-client';
import { freePortsInARow } from '#libs/program-shell/testing';
import { observeUpstreamHealth } from '../metrics/upstream-metrics.ts';
import { HEALTH_LIMITS, type HealthLimits } from '../upstream/health/health-limits.ts';
import { UPSTREAM_POOL_LIMITS } from '../upstream/upstream-pool.ts';
import { Rig, ask, faultCodeOf, open, proxyOf, type ArtifactWishes, type RunningGateway } from './testing/rig.ts';

const rig = new Rig();
afterEach(() => rig.stop());

/** An upstream that goes away and comes back on its port. */
class Mortal {
  readonly #server = http.createServer((_request, response) => {
    this.served += 1;
    response.end(this.name);
  });
  served = 0;
  port = 0;

  constructor(private readonly name: string) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    if (this.port === 0) [this.port = 0] = await freePortsInARow(1);
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** Finishes what it has begun, as a server that is replaced does. */
  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }
}

const born = async (name: string): Promise<Mortal> => {
  const mortal = new Mortal(name);
  await mortal.start();
  return mortal;
};

interface Wishes {
  readonly upstream?: ArtifactWishes['upstream'];
  readonly health?: Partial<HealthLimits>;
  readonly nowMs?: () => number;
}

const balancing = (addresses: ArtifactWishes['addresses'], upstream: ArtifactWishes['upstream'] = {}) => [
  proxyOf({ addresses, upstream }),
];

const gatewayOf = (addresses: ArtifactWishes['addresses'], { upstream, health, nowMs }: Wishes = {}) =>
  rig.gateway({
    proxies: balancing(addresses, upstream),
    pool: { nowMs, limits: { ...UPSTREAM_POOL_LIMITS, health: { ...HEALTH_LIMITS, ...health } } },
  });

const get = (gateway: RunningGateway) => ask({ port: gateway.port, path: '/orders' });
async function getOften(gateway: RunningGateway, count: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let request = 0; request < count; request += 1) statuses.push((await get(gateway)).status);
  return statuses;
}
const failures = (statuses: readonly number[]): number => statuses.filter((status) => status !== 200).length;

async function metricsOf(gateway: RunningGateway): Promise<string> {
  const registry = new Registry();
  observeUpstreamHealth(registry, gateway.pool.health);
  return registry.metrics();
}

describe('an address that fails', () => {
  it('gets no more requests after five failures, and takes part again after it answered one', async () => {
    let nowMs = 1_000;
    const [a, b] = [await born('a'), await born('b')];
    await a.stop();
    const gateway = await gatewayOf([a.url, b.url], { nowMs: () => nowMs });
    expect(failures(await getOften(gateway, 20))).toBe(5);
    expect(await metricsOf(gateway)).toContain(`gatewarden_upstream_ejected{origin="${a.url}"} 1`);
    nowMs += HEALTH_LIMITS.ejectMs;
    expect(failures(await getOften(gateway, 10))).toBe(1);
    await a.start();
    nowMs += 2 * HEALTH_LIMITS.ejectMs;
    expect(failures(await getOften(gateway, 10))).toBe(0);
    expect(a.served).toBe(5);
    const metrics = await metricsOf(gateway);
    expect(metrics).toContain(`gatewarden_upstream_ejected{origin="${a.url}"} 0`);
    expect(metrics).toContain(`gatewarden_upstream_ejections_total{origin="${a.url}"} 2`);
    await a.stop();
    await b.stop();
  });

  it('is known to fail after a new configuration and to other proxies too, until nobody has it any more', async () => {
    const [gone, b] = [`http://127.0.0.1:${await rig.closedPort()}`, await born('b')];
    const gateway = await gatewayOf([gone, b.url]);
    expect(failures(await getOften(gateway, 20))).toBe(5);
    gateway.use(balancing([b.url, gone], { connectTimeoutMs: 1_234 }));
    expect(failures(await getOften(gateway, 10))).toBe(0);
    expect(await metricsOf(gateway)).toContain(`gatewarden_upstream_ejected{origin="${gone}"} 1`);
    gateway.use(balancing([b.url]));
    expect([...gateway.pool.health.facts.keys()]).toEqual([b.url]);
    gateway.use(balancing([b.url, gone]));
    expect(failures(await getOften(gateway, 20))).toBe(5);
    await b.stop();
  });

  it('is asked all the same when it is the only one, or all others fail too', async () => {
    const [gone, other] = [await rig.closedPort(), await rig.closedPort()].map((port) => `http://127.0.0.1:${port}`);
    if (gone === undefined || other === undefined) throw new Error('no ports');
    const gateway = await gatewayOf([gone]);
    const answers = [];
    for (let request = 0; request < 7; request += 1) answers.push(await get(gateway));
    expect(new Set(answers.map((answer) => faultCodeOf(answer)))).toEqual(new Set(['GWD-009']));
    gateway.use(balancing([gone, other]));
    await getOften(gateway, 9);
    expect((await gateway.summary(16)).fault).toMatchObject({ reason: 'ECONNREFUSED' });
    expect(await metricsOf(gateway)).toContain('gatewarden_upstream_all_ejected_total 4');
  });

  it('loses no idempotent request that may be tried once more, as servers go and come back under load', async () => {
    const [a, b] = [await born('a'), await born('b')];
    const gateway = await gatewayOf([a.url, b.url], { upstream: { retryCount: 1 }, health: { ejectMs: 1 } });
    let isOver = false;
    const statuses: number[] = [];
    const agent = new http.Agent({ keepAlive: true });
    const load = Array.from({ length: 8 }, async () => {
      while (!isOver) statuses.push((await ask({ port: gateway.port, path: '/orders', agent })).status);
    });
    const further = async (count: number): Promise<void> => {
      const until = statuses.length + count;
      while (statuses.length < until) await new Promise(setImmediate);
    };
    for (const mortal of [a, b, a, b]) {
      await further(100);
      await mortal.stop();
      await further(200);
      await mortal.start();
    }
    const [servedByA, servedByB] = [a.served, b.served];
    while (a.served < servedByA + 20 || b.served < servedByB + 20) await further(10);
    isOver = true;
    await Promise.all(load);
    agent.destroy();
    expect(failures(statuses)).toBe(0);
    const ejections = [...gateway.pool.health.facts.values()].map((facts) => facts.ejections);
    expect(Math.min(...ejections)).toBeGreaterThan(0);
    await a.stop();
    await b.stop();
  });

  it('is asked again only as often as the budget allows, and the failure is answered beyond it', async () => {
    const gone = `http://127.0.0.1:${await rig.closedPort()}`;
    const wishes = { upstream: { retryCount: 1 }, health: { retryBudgetPercent: 0 }, nowMs: () => 1_000 };
    const gateway = await gatewayOf([gone], wishes);
    expect(failures(await getOften(gateway, 40))).toBe(40);
    const metrics = await metricsOf(gateway);
    expect(metrics).toContain(`further_attempts_total{origin="${gone}",outcome="done"} 30`);
    expect(metrics).toContain(`further_attempts_total{origin="${gone}",outcome="budget-exhausted"} 10`);
  });

  it('may fail by its answers too, where that is wanted', async () => {
    const bad = await rig.upstream((_request, response) => response.writeHead(503).end());
    const good = await rig.upstream((_request, response) => response.end());
    const tried = async (countsErrorAnswers: boolean) =>
      failures(await getOften(await gatewayOf([bad.url, good.url], { health: { countsErrorAnswers } }), 20));
    expect([await tried(false), await tried(true)]).toEqual([10, 5]);
  });
});

describe('requests in flight', () => {
  it('make LEAST_CONNECTIONS choose the address that has fewer', async () => {
    const held: ServerResponse[] = [];
    const slow = await rig.upstream((_request, response) => held.push(response));
    const fast = await rig.upstream((_request, response) => response.end('fast'));
    const gateway = await gatewayOf([slow.url, fast.url], { upstream: { loadBalance: 'LEAST_CONNECTIONS' } });
    const waiting = get(gateway);
    while (held.length === 0) await new Promise(setImmediate);
    expect(failures(await getOften(gateway, 10))).toBe(0);
    expect(held).toHaveLength(1);
    held[0]?.end();
    expect((await waiting).status).toBe(200);
  });

  it('are over when they are answered, fail, are given up, or their conversation ends', async () => {
    const held: ServerResponse[] = [];
    const server = await rig.upstream((request, response) => {
      if (request.url === '/held') held.push(response);
      else response.end();
    });
    const upgrader = await rig.rawServer((socket) =>
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
      ),
    );
    const inFlight = (gateway: RunningGateway) => [...gateway.pool.health.facts.values()][0]?.inFlight;
    const gateway = await gatewayOf([server.url]);
    await get(gateway);
    expect(inFlight(gateway)).toBe(0);
    const request = open({ port: gateway.port, path: '/orders/held' });
    request.on('error', () => undefined).end();
    while (held.length === 0) await new Promise(setImmediate);
    expect(inFlight(gateway)).toBe(1);
    request.destroy();
    while (inFlight(gateway) !== 0) await new Promise(setImmediate);

    const talking = await gatewayOf([`http://127.0.0.1:${upgrader.port}`]);
    const socket = net.connect(talking.port, '127.0.0.1');
    const asked =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
    socket.write(`GET /orders HTTP/1.1\r\nHost: a\r\n${asked}\r\n\r\n`);
    await once(socket, 'data');
    expect(inFlight(talking)).toBe(1);
    socket.destroy();
    while (inFlight(talking) !== 0) await new Promise(setImmediate);
  });
});

describe('an upstream whose connections are all in use', () => {
  it('is a 503 with Retry-After, and no failure of the address', async () => {
    const held: ServerResponse[] = [];
    const upstream = await rig.upstream((_request, response) => held.push(response));
    const gateway = await rig.gateway({
      proxies: balancing([upstream.url], { connectTimeoutMs: 60, retryCount: 3 }),
      pool: {
        limits: { ...UPSTREAM_POOL_LIMITS, maxConnections: 1, health: { ...HEALTH_LIMITS, ejectAfterFailures: 1 } },
      },
    });
    const first = get(gateway);
    while (held.length === 0) await new Promise(setImmediate);
    const answer = await get(gateway);
    expect([answer.status, faultCodeOf(answer), answer.headers['retry-after']]).toEqual([503, 'GWD-020', '1']);
    const [facts] = gateway.pool.health.facts.values();
    expect(facts).toMatchObject({ isEjected: false, retries: 0 });
    held[0]?.end();
    expect((await first).status).toBe(200);
  });
});
