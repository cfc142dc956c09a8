import { jest } from '@jest/globals';
import net from 'node:net';
import { once } from 'node:events';
import { DeploymentRelay } from '../src/deployment-requests/deployment-relay.ts';
import { DeploymentRows } from '../src/deployment-requests/deployment-rows.ts';
import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { SeverableServer } from './testing/severable-server.ts';
import { testRedisUrl, until } from './testing/test-servers.ts';

const SUITE_MS = 180_000;
const DEPLOY_TIMEOUT_MS = 1_000;

describe('wishes of many environments', () => {
  it(
    'take turns, new ones first: one that cannot be reached, with all that waits there, holds up no other',
    async () => {
      const plane = await RunningControlPlane.start({ roles: new Set(['api'] as const) });
      try {
        const insert = (environmentId: string, count: number, enqueuedAt: string | null, requestedAt: string) =>
          plane.pool.query(
            `insert into deployments (environment_id, deployment, proxy_id, kind, revision, actor, description,
               requested_at, enqueued_at)
             select $1, n, 'p' || n, 'publish', 1, 'a', '', $4::timestamptz, $3::timestamptz
             from generate_series(1, $2::int) n`,
            [environmentId, count, enqueuedAt, requestedAt],
          );
        await plane.app.close(); // its relay would take the wishes away
        await insert('away', 2_000, '2020-01-01', '2020-01-01');
        await insert('away-and-new', 2_000, null, '2020-01-01');
        await insert('healthy', 3, null, '2026-01-01');
        const given = await new DeploymentRows(plane.pool).withoutJob(200);
        expect(given).toHaveLength(200);
        expect(given.slice(0, 6).filter(({ environmentId }) => environmentId === 'healthy')).toHaveLength(3);
        expect(given.filter(({ environmentId }) => environmentId === 'away-and-new')).toHaveLength(100);
      } finally {
        await plane.close();
      }
    },
    SUITE_MS,
  );
});

describe('a request that deploys', () => {
  it(
    'does not take longer than it may wait when the queue takes connections and never answers',
    async () => {
      const silent = net.createServer(() => undefined).listen(0, '127.0.0.1');
      const sockets = new Set<net.Socket>();
      silent.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
      await once(silent, 'listening');
      const { port } = silent.address() as net.AddressInfo;
      const plane = await RunningControlPlane.start({
        ...{ redisUrl: `redis://127.0.0.1:${port}`, roles: new Set(['api'] as const) },
        deployTimeoutMs: DEPLOY_TIMEOUT_MS,
      });
      let answered: () => void = () => undefined;
      const isAnswered = new Promise<void>((resolve) => (answered = resolve));
      try {
        await plane.done('POST', '/projects/', { name: 'shop' });
        const { name } = await plane.environment();
        const order = { deploy: true, deployTargetEnvironmentNameList: [name] };
        // What the queue says is held back until the answer is there: who waits for it waits for ever.
        const relay = plane.app.get(DeploymentRelay);
        const carry = relay.carry.bind(relay);
        const carried = jest.spyOn(relay, 'carry').mockImplementation(async (wishes) => {
          const isQueued = await carry(wishes);
          await isAnswered;
          return isQueued;
        });
        const { deploymentResult } = await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('a', order));
        expect(deploymentResult.success).toBe(false);
        expect(carried).toHaveBeenCalledTimes(1);
      } finally {
        answered();
        await plane.close();
        for (const socket of sockets) socket.destroy();
        silent.close();
      }
    },
    SUITE_MS,
  );

  it(
    'names what is in the way while the Redis of the environment is away; the log says so once, and once that it is over',
    async () => {
      const away = await SeverableServer.closed(testRedisUrl());
      const plane = await RunningControlPlane.start({ deployTimeoutMs: 2_500 });
      try {
        await plane.done('POST', '/projects/', { name: 'shop' });
        const { name, id } = await plane.environment({ redisUrl: away.url });
        const order = { deploy: true, deployTargetEnvironmentNameList: [name] };
        const { deploymentResult } = await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('a', order));
        expect(deploymentResult.deploymentResults[0]?.message).toBe(
          `Deployment pending: the Redis of environment ${name} cannot be reached; the change is recorded and it goes on by itself`,
        );
        const lines = (level: number, text: string) =>
          plane.logLines.filter((line) => [`"level":${level}`, id, text].every((part) => line.includes(part)));
        await until('the outage is said', () => lines(40, 'goes on later').length > 0, 15_000);
        await until('it went on for a while', () => lines(20, 'goes on later').length > 4, 15_000);
        expect(lines(40, 'goes on later')).toHaveLength(1);
        await away.open();
        await until('the end of it is said', () => lines(30, 'works again').length > 0, 15_000);
        await until('it is deployed', async () => (await plane.deployments())[0]?.state === 'succeeded', 20_000);
        expect(lines(30, 'works again')).toHaveLength(1);
      } finally {
        await plane.close();
        await away.sever();
      }
    },
    SUITE_MS,
  );
});

describe('a queue that lost its jobs', () => {
  it(
    'has them again by itself: what is wished for is in the database',
    async () => {
      // Nobody takes the job.
      const plane = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 300 });
      try {
        await plane.done('POST', '/projects/', { name: 'shop' });
        const { id, name } = await plane.environment();
        const order = { deploy: true, deployTargetEnvironmentNameList: [name] };
        await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('a', order));
        const job = `gatewarden:deploy-${id}:${id}-1`;
        await until('the job is there', async () => (await plane.redis.exists(job)) === 1);
        await plane.redis.del(...(await plane.redis.keys(`gatewarden:deploy-${id}:*`)));
        await until('the job is there again', async () => (await plane.redis.exists(job)) === 1);
      } finally {
        await plane.close();
      }
    },
    SUITE_MS,
  );
});
