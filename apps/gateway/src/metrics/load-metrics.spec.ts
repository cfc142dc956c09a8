import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Registry } from 'prom-client';
import { open, proxyOf, Rig } from '../http-server/testing/rig.ts';
import { observeLoad } from './load-metrics.ts';

describe('observeLoad', () => {
  const rig = new Rig();
  afterEach(() => rig.stop());

  it('tells what is open and under way at the moment when it is asked', async () => {
    let hold: ServerResponse | undefined;
    const upstream = await rig.upstream((_request, response) => {
      hold = response;
    });
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url] })] });
    const registry = new Registry();
    observeLoad(registry, { traffic: () => gateway.server.load, upstreams: () => gateway.pool.loads });
    const valueOf = async (name: string): Promise<number> =>
      (await registry.metrics())
        .split('\n')
        .filter((line) => line.startsWith(name))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    const used = `gatewarden_upstream_connections{origin="${upstream.url}",state="used"}`;
    const idle = `gatewarden_upstream_connections{origin="${upstream.url}",state="idle"}`;
    expect(await valueOf('gatewarden_requests_in_flight')).toBe(0);

    const request = open({ port: gateway.port, path: '/orders' }).end();
    while (hold === undefined) await new Promise(setImmediate);
    expect(await valueOf('gatewarden_requests_in_flight')).toBe(1);
    expect(await valueOf('gatewarden_client_connections{')).toBe(1);
    expect([await valueOf(used), await valueOf(idle)]).toEqual([1, 0]);
    expect(await valueOf('gatewarden_upstream_requests_waiting{')).toBe(0);

    const answered = once(request, 'response');
    hold.end();
    const [response] = (await answered) as [NodeJS.ReadableStream];
    response.resume();
    await gateway.summary();
    expect(await valueOf('gatewarden_requests_in_flight')).toBe(0);
    expect([await valueOf(used), await valueOf(idle)]).toEqual([0, 1]);
  });
});
