import { once } from 'node:events';
import net from 'node:net';
import { ChannelUnavailable } from '#libs/config-distribution';
import { EnvironmentChannels } from '../src/deployments/channel/environment-channels.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { SeverableServer } from './testing/severable-server.ts';
import { testRedisUrl, until } from './testing/test-servers.ts';

/** Timers that would keep a process alive. */
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

describe('a process that deploys nothing', () => {
  it('closes its connection to an environment that another process deletes', async () => {
    // Another keyspace, which no other test connects to.
    const redisUrl = `${testRedisUrl().replace(/\/\d*$/, '')}/8`;
    const plane = await RunningControlPlane.start({ roles: new Set(['api'] as const) });
    try {
      const { name } = await plane.environment({ redisUrl });
      const connected = async () => String(await plane.redis.client('LIST')).includes(' db=8 ');
      expect(await connected()).toBe(true);
      const other = await plane.process();
      const headers = { authorization: `Bearer ${plane.adminToken}` };
      const gone = await other.inject({ method: 'DELETE', url: `/apiops/environments/${name}/`, headers });
      expect(gone.statusCode).toBe(200);
      await until('nobody is connected', async () => !(await connected()));
    } finally {
      await plane.close();
    }
  });
});

describe('a control plane that is stopped', () => {
  it('leaves no timer behind of a Redis that was lost, and opens no connection any more', async () => {
    const before = timers();
    const plane = await RunningControlPlane.start({ deployTimeoutMs: 500 });
    const channels = plane.app.get(EnvironmentChannels);
    const server = await SeverableServer.closed(testRedisUrl());
    await server.open();
    try {
      const { id } = await plane.environment({ redisUrl: server.url });
      const { channel } = await channels.of(id);
      expect(await channel.position()).toBeDefined();
      await server.sever();
      await until('it is lost', async () => {
        const error = await channel.position().catch((reason: unknown) => reason);
        return error instanceof ChannelUnavailable;
      });
      await plane.app.close();
      await expect(channels.of(id)).rejects.toThrow('being stopped');
    } finally {
      await plane.close();
    }
    // ioredis by itself waits 2 seconds for a socket that is gone already.
    await until('its timers are gone', () => timers() <= before, 1_500);
  });

  it('does not wait for gateways that are silent: another process asks them again', async () => {
    const plane = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 50 });
    try {
      await plane.done('POST', '/projects/', { name: 'shop' });
      const environment = await plane.environment();
      const silent = await FakeGateway.admitted(plane.redis, environment);
      await silent.says();
      const order = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
      await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders', order));
      const other = await plane.process({ roles: new Set(['deployer'] as const), deployTimeoutMs: 60_000 });
      await until('it is published', () => silent.channel.position().then((position) => (position?.sequence ?? 0) > 0));
      await other.close();
      expect(await plane.deployments()).toMatchObject([
        { state: 'pending', message: expect.stringMatching(/^0 of 1 gateways applied it/) as string },
      ]);
    } finally {
      await plane.close();
    }
  });

  it('does not wait for connections that nobody asks anything on', async () => {
    const plane = await RunningControlPlane.start();
    try {
      const other = await plane.process();
      await other.listen({ host: '127.0.0.1', port: 0 });
      const client = net.connect(Number(new URL(await other.getUrl()).port), '127.0.0.1');
      await once(client, 'connect');
      const kept = await fetch(`${await other.getUrl()}/healthz`);
      expect([kept.status, await kept.text()]).toEqual([200, expect.anything()]);
      const ended = once(client.resume(), 'end');
      await other.close();
      await ended;
    } finally {
      await plane.close();
    }
  });
});
