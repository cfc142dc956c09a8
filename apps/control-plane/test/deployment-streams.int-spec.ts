import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ProgressStreams, MOST_STREAMS } from '../src/http/progress-streams.ts';
import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

/** Nobody deploys: a deployment stays pending, and its streams open. */
let plane: RunningControlPlane;
let listening: NestFastifyApplication;
let path: string;
const clients: AbortController[] = [];

beforeAll(async () => {
  plane = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 50 });
  listening = await plane.process();
  await listening.listen({ host: '127.0.0.1', port: 0 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  const { name } = await plane.environment();
  const order = { deploy: true, deployTargetEnvironmentNameList: [name] };
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders', order));
  path = `/apiops/deployments/${name}:1/stream`;
});
afterEach(() => clients.splice(0).forEach((client) => client.abort()));
afterAll(() => plane.close());

const streams = () => listening.get(ProgressStreams);

/** A stream whose first event has come; undefined when it is refused. */
async function open(token: string): Promise<{ status: number; rest: Promise<string> }> {
  const client = new AbortController();
  clients.push(client);
  const answer = await fetch(`${await listening.getUrl()}${path}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: client.signal,
  });
  return { status: answer.status, rest: answer.text().catch(() => 'broken off') };
}

describe('GET /apiops/deployments/{id}/stream', () => {
  it('ends soon after its token is revoked', async () => {
    const token = { name: 'watcher', permissions: ['VIEW'], projects: ['shop'], expiresAt: null };
    const { resultList } = await plane.done('POST', '/tokens/', token);
    const { status, rest } = await open(String(resultList[0]?.['token']));
    expect([status, streams().count]).toEqual([200, 1]);
    await plane.done('DELETE', '/tokens/watcher/');
    await until('it is over', () => streams().count === 0);
    expect(await rest).toMatch(/^event: progress\n[^\n]+\n\n$/);
  });

  it(`is refused with 429 when ${MOST_STREAMS} are open, and taken again when they are gone`, async () => {
    const opened = await Promise.all(Array.from({ length: MOST_STREAMS }, () => open(plane.adminToken)));
    expect(new Set(opened.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await open(plane.adminToken)).status).toBe(429);
    clients.splice(0).forEach((client) => client.abort());
    await until('nobody reads', () => streams().count === 0);
    expect((await open(plane.adminToken)).status).toBe(200);
  });
});
