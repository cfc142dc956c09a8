import { EventEmitter, once } from 'node:events';
import net from 'node:net';
import { credentialBody, policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { testRedisUrl, until } from './testing/test-servers.ts';

/** A Redis that falls silent: what is asked arrives, and is not answered. */
class SilencedServer {
  private readonly hearing = new EventEmitter();
  /** Something came after it fell silent. */
  readonly asked = once(this.hearing, 'asked');
  private isSilent = false;
  private readonly sockets = new Set<net.Socket>();

  private constructor(private readonly server: net.Server) {}

  static async start(): Promise<SilencedServer> {
    const { hostname, port } = new URL(testRedisUrl());
    const one = new SilencedServer(net.createServer());
    one.server.on('connection', (client) => {
      const upstream = net.connect(Number(port), hostname);
      for (const socket of [client, upstream]) one.sockets.add(socket.on('error', () => undefined));
      client.on('data', (bytes) => (one.isSilent ? one.hearing.emit('asked') : upstream.write(bytes)));
      upstream.on('data', (bytes) => client.write(bytes));
    });
    one.server.listen(0, '127.0.0.1');
    await once(one.server, 'listening');
    return one;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.server.address() as net.AddressInfo).port}`;
  }

  fallSilent(): void {
    this.isSilent = true;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

describe('DELETE P/credentials/{username}/tokens/', () => {
  it('holds up no other change while the Redis of its environment does not answer', async () => {
    const server = await SilencedServer.start();
    // Hardly anything happens by itself: what stays in a transaction belongs to the call.
    const plane = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 50 });
    try {
      await plane.done('POST', '/projects/', { name: 'shop' });
      await plane.done('POST', '/projects/shop/credentials/', credentialBody('alice', 'a password'));
      await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
      await plane.done('POST', '/projects/shop/apiProxies/orders/policies/issue/', policyBody({}));
      const { name } = await plane.environment({ redisUrl: server.url });
      server.fallSilent();
      const path = `/projects/shop/credentials/alice/tokens/?environmentName=${name}`;
      const revoked = plane.call('DELETE', path);
      await server.asked;
      // The beat of a process opens one for a moment. One of the call would be open as long as Redis is silent.
      await until('no transaction is open', async () => {
        const open = await plane.pool.query(
          `select 1 from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`,
        );
        return open.rows.length === 0;
      });
      server.close();
      expect((await revoked).status).toBe(503);
    } finally {
      server.close();
      await plane.close();
    }
  });
});
