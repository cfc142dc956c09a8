import { once } from 'node:events';
import net from 'node:net';
import { proxyBody } from './testing/request-bodies.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';
import { SeverableServer } from './testing/severable-server.ts';
import { testRedisUrl, until } from './testing/test-servers.ts';

const SUITE_MS = 180_000;
const DEPLOY_TIMEOUT_MS = 2_500;

/** Takes connections and never says anything. */
class SilentServer {
  private readonly sockets = new Set<net.Socket>();
  private constructor(private readonly server: net.Server) {}

  static async start(): Promise<SilentServer> {
    const one = new SilentServer(net.createServer());
    one.server.on('connection', (socket) => one.sockets.add(socket.on('error', () => undefined)));
    one.server.listen(0, '127.0.0.1');
    await once(one.server, 'listening');
    return one;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.server.address() as net.AddressInfo).port}`;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

type Results = ReadonlyMap<string, { readonly success: boolean; readonly message: string }>;
const resultsOf = ({ deploymentResult }: Answer['body']): Results =>
  new Map(deploymentResult.deploymentResults.map((one) => [one.environmentName, one]));

describe('a proxy that is deployed where one Redis refuses, one hangs and one has no address', () => {
  it(
    'is deployed, changed and deleted elsewhere in time; who waits is named and follows when it is back',
    async () => {
      const [refusing, hanging] = [await SeverableServer.closed(testRedisUrl()), await SilentServer.start()];
      const plane = await RunningControlPlane.start({ deployTimeoutMs: DEPLOY_TIMEOUT_MS });
      try {
        await plane.done('POST', '/projects/', { name: 'shop' });
        const near = [await plane.environment(), await plane.environment()];
        const away = await plane.environment({ redisUrl: refusing.url });
        const silent = await plane.environment({ redisUrl: hanging.url });
        const nowhere = await plane.environment({ redisUrl: 'redis://redis.invalid:6379' });
        const all = [...near, away, silent, nowhere];
        const order = { deploy: true, deployTargetEnvironmentNameList: all.map(({ name }) => name) };
        const expectNearOnly = (results: Results): void => {
          expect(results.size).toBe(all.length);
          for (const { name } of near) expect([name, results.get(name)?.success]).toEqual([name, true]);
          for (const { name } of [away, silent, nowhere]) {
            const { success, message } = results.get(name) ?? {};
            expect([name, success, message?.split(':')[0]]).toEqual([name, false, 'Deployment pending']);
          }
          const reason = `the Redis of environment ${away.name} cannot be reached`;
          expect(results.get(away.name)?.message).toContain(reason);
        };
        expectNearOnly(
          resultsOf(await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders', order))),
        );
        expectNearOnly(resultsOf(await plane.done('DELETE', '/projects/shop/apiProxies/orders/')));
        const queue = async () => {
          const { resultList } = await plane.done('GET', `/environments/${away.name}/queue/`);
          return resultList[0] as unknown as { jobs: { deployment: number; attempts: number; lastReason: string }[] };
        };
        const tried = await until('it was tried again and again', async () => {
          const view = await queue();
          return (view.jobs[0]?.attempts ?? 0) >= 3 && view;
        });
        expect(tried.jobs).toMatchObject([
          { deployment: 2, lastReason: `the Redis of environment ${away.name} cannot be reached` },
        ]);

        await refusing.open();
        const states = () =>
          plane.pool.query<{ deployment: number; state: string }>(
            'select deployment::int, state from deployments where environment_id = $1 order by deployment',
            [away.id],
          );
        await until('it is done', async () => (await states()).rows.at(-1)?.state === 'succeeded', 30_000);
        expect((await states()).rows).toEqual([
          { deployment: 1, state: 'superseded' },
          { deployment: 2, state: 'succeeded' },
        ]);
        const gateway = await FakeGateway.admitted(plane.redis, away);
        expect(await gateway.channel.recordsAfter(0, 10)).toMatchObject([{ deployment: 2 }]);
      } finally {
        hanging.close();
        await plane.close();
        await refusing.sever();
      }
    },
    SUITE_MS,
  );
});
