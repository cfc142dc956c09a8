import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Queue, Worker, type Job } from 'bullmq';
import { CONTROL_PLANE_CONFIG, LOGGER } from '../injection-tokens.ts';
import type { ControlPlaneConfig } from '../config/control-plane.config.ts';
import type { Logger } from '#libs/program-shell';
import { redisAddress, watchEviction, type RedisClient } from '#libs/redis-clients';
import type { DeploymentKey } from './deployment-rows.ts';
import { connectTo } from './redis-connections.ts';
import { nextRunAfterMs } from './retry-pauses.ts';

/** A job names what is to be done; what it needs it reads when it runs. */
export type DeploymentJobData = DeploymentKey;

/** What the queue of an environment holds. */
export interface QueueState {
  readonly counts: Readonly<Record<(typeof COUNTED)[number], number>>;
  /** That have not ended, oldest first; at most `JOBS_SHOWN`. */
  readonly jobs: readonly {
    readonly deployment: number;
    readonly state: 'waiting' | 'active' | 'delayed';
    /** Runs that were begun. */
    readonly attempts: number;
    /** Why the last run failed. */
    readonly reason: string | null;
  }[];
}

const COUNTED = ['waiting', 'active', 'delayed', 'completed', 'failed'] as const;
const OPEN = ['active', 'waiting', 'delayed'] as const;
const JOBS_SHOWN = 100;

const PREFIX = 'gatewarden';
/** In a cluster the scripts of a queue need all its keys in one slot. */
const CLUSTER_PREFIX = `{${PREFIX}}`;
/**
 * Jobs of an environment that a process has in hand. Nearly all of them only wait for gateways: how many compile and
 * publish at a time, and how many may wait, is the job's own to limit.
 */
const JOBS_IN_HAND = 500;
const ADDED_WITHIN_MS = 2_000;
const CLOSED_WITHIN_MS = 15_000;
/** A job whose deployer was killed is taken up by another after this long; a living one renews its lock by itself. */
const LOCK_MS = 5_000;
const COMMAND_SILENCE_MS = 5_000;
/** Longer than a worker waits for a job in one command. */
const WORKER_SILENCE_MS = 20_000;
const STALLED_LOOK_MS = 2_000;

const queueName = (environmentId: string): string => `deploy-${environmentId}`;

/** Same deployment, same id: the queue drops a second enqueue. */
const deploymentJobId = (job: DeploymentJobData): string => `${job.environmentId}-${job.deployment}`;

/** One BullMQ queue for each environment; a slow environment holds up no other. */
@Injectable()
export class DeploymentQueues implements OnApplicationShutdown {
  private readonly connection: RedisClient;
  private readonly prefix: string;
  private readonly queues = new Map<string, Queue<DeploymentJobData>>();
  private readonly workers = new Map<string, { worker: Worker<DeploymentJobData>; connection: RedisClient }>();
  private stopping: Promise<void> | undefined;

  constructor(
    @Inject(CONTROL_PLANE_CONFIG) private readonly config: Pick<ControlPlaneConfig, 'redisUrl' | 'redisTls'>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.prefix = redisAddress(config.redisUrl).kind === 'cluster' ? CLUSTER_PREFIX : PREFIX;
    this.connection = connectTo(config.redisUrl, config, {
      retriesPerRequest: 1,
      pauseMs: (attempt) => Math.min(attempt * 100, 2_000),
      silenceTimeoutMs: COMMAND_SILENCE_MS,
    });
    this.sayOnceWhenAway();
    watchEviction(this.connection, (policy) =>
      logger.warn(
        { policy },
        'the Redis of the queue throws keys away when it is full: set maxmemory-policy to noeviction',
      ),
    );
  }

  /** One line when the queue goes away and one when it is back, however often the connection is tried in between. */
  private sayOnceWhenAway(): void {
    let isAway = false;
    this.connection.on('error', (error: Error) => {
      if (!isAway) this.logger.warn({ reason: error.message }, 'the queue cannot be reached');
      isAway = true;
    });
    this.connection.on('ready', () => {
      if (isAway) this.logger.info({}, 'the queue can be reached again');
      isAway = false;
    });
  }

  /** @throws Error when Redis does not take it in time. */
  async add(job: DeploymentJobData): Promise<void> {
    const { environmentId, deployment } = job;
    const named: DeploymentJobData = { environmentId, deployment };
    const adding = this.of(environmentId).add('deploy', named, {
      jobId: deploymentJobId(named),
      // A wish stays until its deployment has ended, and so does its job: in the queue it is to be seen why it waits.
      attempts: Number.MAX_SAFE_INTEGER,
      backoff: { type: 'deployment' },
      stackTraceLimit: 1,
      removeOnComplete: true,
      removeOnFail: true,
    });
    await withinTime(adding, ADDED_WITHIN_MS);
  }

  /** Takes jobs out that nobody works on; what cannot be taken out now finds nothing to do when it runs. */
  async drop(environmentId: string, deployments: readonly number[]): Promise<void> {
    const queue = this.of(environmentId);
    const removed = deployments.map((deployment) => queue.remove(deploymentJobId({ environmentId, deployment })));
    await withinTime(Promise.all(removed), ADDED_WITHIN_MS).catch(() => undefined);
  }

  /** Starts working on an environment's queue; a second call does nothing. */
  work(environmentId: string, run: (job: DeploymentJobData) => Promise<void>): void {
    if (this.workers.has(environmentId)) return;
    const connection = connectTo(this.config.redisUrl, this.config, {
      retriesPerRequest: null,
      isQueueing: true,
      silenceTimeoutMs: WORKER_SILENCE_MS,
    });
    connection.on('error', () => undefined); // said once, by the connection that adds jobs
    const worker = new Worker<DeploymentJobData>(queueName(environmentId), (job) => run(job.data), {
      connection,
      prefix: this.prefix,
      concurrency: JOBS_IN_HAND,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_LOOK_MS,
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      settings: { backoffStrategy: (runs, _type, reason) => nextRunAfterMs(runs, reason) },
    });
    worker.on('error', (error) => this.logger.debug({ environmentId, reason: error.message }, 'queue worker'));
    worker.on('failed', (job, error) =>
      this.logger.info(
        { environmentId, deployment: job?.data.deployment, reason: error.message },
        'deployment goes on later',
      ),
    );
    this.workers.set(environmentId, { worker, connection });
  }

  /** @throws Error when Redis does not answer in time. */
  async stateOf(environmentId: string): Promise<QueueState> {
    const queue = this.of(environmentId);
    const counts = await withinTime(queue.getJobCounts(...COUNTED), ADDED_WITHIN_MS);
    // One look at all states: a job that moves between them is found once.
    const found = await withinTime(queue.getJobs([...OPEN], 0, JOBS_SHOWN - 1, true), ADDED_WITHIN_MS);
    const jobs = (await withinTime(Promise.all(found.map(openJob)), ADDED_WITHIN_MS)).filter(
      (one) => one !== undefined,
    );
    return {
      counts: Object.fromEntries(COUNTED.map((state) => [state, counts[state] ?? 0])) as QueueState['counts'],
      jobs: jobs.sort((left, right) => left.deployment - right.deployment).slice(0, JOBS_SHOWN),
    };
  }

  /** How many jobs have not ended. @throws Error when Redis does not answer in time. */
  openJobs(environmentId: string): Promise<Readonly<Record<string, number>>> {
    return withinTime(this.of(environmentId).getJobCounts(...OPEN), ADDED_WITHIN_MS);
  }

  /** Of an environment that is gone. @throws Error when Redis does not do it in time; then its keys stay behind. */
  async remove(environmentId: string): Promise<void> {
    const worker = this.workers.get(environmentId);
    this.workers.delete(environmentId);
    if (worker !== undefined) await closeWorker(worker);
    const queue = this.of(environmentId);
    this.queues.delete(environmentId);
    await withinTime(queue.obliterate({ force: true }), ADDED_WITHIN_MS);
    await queue.close();
  }

  /** Ends once the jobs in hand have: what they need is closed after them. A second call waits for the same end. */
  stopWorking(): Promise<void> {
    this.stopping ??= Promise.all([...this.workers.values()].map((one) => closeWorker(one))).then(() => undefined);
    return this.stopping;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.stopWorking();
    for (const queue of this.queues.values()) await queue.close().catch(() => undefined);
    this.connection.disconnect();
  }

  /** The queue of an environment; opened once. */
  of(environmentId: string): Queue<DeploymentJobData> {
    const known = this.queues.get(environmentId);
    if (known !== undefined) return known;
    const queue = new Queue<DeploymentJobData>(queueName(environmentId), {
      connection: this.connection,
      prefix: this.prefix,
    });
    queue.on('error', () => undefined); // said once, by the connection itself
    this.queues.set(environmentId, queue);
    return queue;
  }
}

/** @returns undefined when it has ended meanwhile; a job that ended between the list and its reading is undefined */
async function openJob(job: Job<DeploymentJobData> | undefined): Promise<QueueState['jobs'][number] | undefined> {
  const now = await job?.getState();
  const state = OPEN.find((one) => one === now);
  if (job === undefined || state === undefined) return undefined;
  const { attemptsStarted: attempts, failedReason, data } = job;
  return { deployment: data.deployment, state, attempts, reason: failedReason ?? null };
}

/** Ends after the jobs in hand. Without Redis there is nobody to say goodbye to: BullMQ would wait for it for ever. */
async function closeWorker({ worker, connection }: { worker: Worker; connection: RedisClient }): Promise<void> {
  const isAlone = connection.status !== 'ready';
  await withinTime(worker.close(isAlone), CLOSED_WITHIN_MS).catch(() => undefined);
  connection.disconnect();
}

async function withinTime<Value>(work: Promise<Value>, timeoutMs: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
