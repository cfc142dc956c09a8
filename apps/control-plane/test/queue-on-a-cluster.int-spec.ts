import { randomUUID } from 'node:crypto';
import { createLogger } from '#libs/program-shell';
import { RedisCluster } from '../../../test/support/redis-cluster.ts';
import { DeploymentQueues } from '../src/deployment-requests/deployment-queues.ts';
import { until } from './testing/test-servers.ts';

const START_MS = 120_000;
/** Each is somewhere else in its round of asking, waiting and running when the cluster goes down. */
const ENVIRONMENTS = 20;
const RUNS_BEFORE = 2;
/** In no slot of a queue's keys. */
const ELSEWHERE = 'elsewhere';
/** Each worker asks ten times a second, and gives a connection up after a second or two: all have been through that. */
const REFUSALS = ENVIRONMENTS * 40;

describe('the queue on a Redis Cluster', () => {
  let cluster: RedisCluster;
  let queues: DeploymentQueues;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
    queues = new DeploymentQueues({ redisUrl: cluster.url, redisTls: {} }, createLogger('fatal'));
  }, START_MS);
  afterAll(async () => {
    await queues?.onApplicationShutdown();
    await cluster?.stop();
  });

  it('runs every job again that waited while the cluster was down', async () => {
    const runs = new Map<string, number>();
    const runsOf = (id: string): number => runs.get(id) ?? 0;
    const environmentIds = Array.from({ length: ENVIRONMENTS }, () => randomUUID());
    let isDone = false;
    for (const environmentId of environmentIds) {
      queues.work(environmentId, async () => {
        runs.set(environmentId, runsOf(environmentId) + 1);
        if (!isDone) throw new Error('again');
      });
      await queues.add({ environmentId, deployment: 1 });
    }
    await until('all run', () => environmentIds.every((id) => runsOf(id) >= RUNS_BEFORE));

    const before = await cluster.refusedWhileDown();
    const bringUp = await cluster.takeDown(ELSEWHERE);
    await until('all were refused', async () => (await cluster.refusedWhileDown()) - before > REFUSALS);
    isDone = true;
    await bringUp();
    await until('every job ended', async () => {
      const open = await Promise.all(environmentIds.map((id) => queues.openJobs(id)));
      return open.every(({ active, waiting, delayed }) => active === 0 && waiting === 0 && delayed === 0);
    });
  });
});
