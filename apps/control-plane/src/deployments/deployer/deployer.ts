import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type pg from 'pg';
import type { ChannelUpkeep } from '../../channel-upkeep/channel-upkeep.port.ts';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { DeploymentQueues } from '../../deployment-requests/deployment-queues.ts';
import { CONTROL_PLANE_CONFIG, DATABASE, LOGGER } from '../../injection-tokens.ts';
import { FailingWork, type Logger } from '#libs/program-shell';
import { DeployJob } from '../job/deploy-job.ts';
import { EnvironmentUpkeep } from './environment-upkeep.ts';

const LOOK_EVERY_MS = 1_000;
const FAILURES_THAT_LAST = 3;
/** How long somebody who changed something waits for it to reach the environments. */
const SOON_WITHIN_MS = 1_500;

/** Works on the queue of every environment and keeps their channels; environments that cannot be reached hold up no other. */
@Injectable()
export class Deployer implements ChannelUpkeep, OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private readonly running = new Map<string, Promise<void>>();
  /** Environments that this process has worked on. */
  private readonly attended = new Set<string>();
  private readonly wanted = new Set<string>();
  /** Upkeeps in a row that failed, by environment. */
  private readonly failures = new Map<string, number>();
  private readonly reading: FailingWork;

  constructor(
    @Inject(CONTROL_PLANE_CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(DATABASE) private readonly database: pg.Pool,
    private readonly queues: DeploymentQueues,
    private readonly job: DeployJob,
    private readonly upkeep: EnvironmentUpkeep,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    const works = 'the environments can be read again';
    this.reading = new FailingWork(logger, { fails: 'the environments cannot be read', works });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.look();
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    this.upkeep.hurry();
    // Jobs and upkeep first: they need the channels.
    await this.queues.stopWorking();
    await Promise.all(this.running.values());
    await this.upkeep.endAll();
  }

  soon(): Promise<void> {
    return forAMoment(this.environmentIds().then((ids) => Promise.all(ids.map((id) => this.attend(id)))));
  }

  end({ environmentId, gatewayKeyIds }: Parameters<ChannelUpkeep['end']>[0]): Promise<void> {
    this.attended.delete(environmentId);
    this.failures.delete(environmentId);
    const closed = [this.upkeep.end(environmentId, gatewayKeyIds), this.queues.remove(environmentId)];
    return forAMoment(Promise.all(closed));
  }

  private async look(): Promise<void> {
    try {
      // Before it is asked which there are: what is known only afterwards may be newer than the answer.
      const known = new Set([...this.attended, ...this.upkeep.connected]);
      const environmentIds = await this.environmentIds();
      this.reading.worked();
      if (this.config.roles.has('deployer')) {
        for (const environmentId of environmentIds) {
          if (this.stopped) return;
          void this.attend(environmentId);
        }
      }
      for (const environmentId of environmentIds) known.delete(environmentId);
      // Others may have deleted what this process has worked on, or asked something of.
      for (const environmentId of known) void this.end({ environmentId, gatewayKeyIds: [] });
    } catch (error) {
      this.reading.failed(error);
    }
  }

  /** An environment that is new to this process is worked on from its first upkeep on. */
  private attend(environmentId: string): Promise<void> {
    this.attended.add(environmentId);
    if (this.config.roles.has('deployer') && !this.stopped) {
      this.queues.work(environmentId, (data) => this.job.run(data.environmentId, data.deployment));
    }
    return this.keep(environmentId);
  }

  /** One upkeep of an environment at a time; asked for while one runs, it runs once more. */
  private keep(environmentId: string): Promise<void> {
    const running = this.running.get(environmentId);
    if (running !== undefined) {
      this.wanted.add(environmentId);
      return running;
    }
    const run = this.keepUntilDone(environmentId).finally(() => this.running.delete(environmentId));
    this.running.set(environmentId, run);
    return run;
  }

  private async keepUntilDone(environmentId: string): Promise<void> {
    do {
      this.wanted.delete(environmentId);
      try {
        await this.upkeep.run(environmentId);
        this.noteSuccess(environmentId);
      } catch (error) {
        this.noteFailure(environmentId, error);
        return;
      }
    } while (this.wanted.has(environmentId) && !this.stopped);
  }

  /** One failure passes by itself; what lasts is said once, and once that it is over. */
  private noteFailure(environmentId: string, error: unknown): void {
    const failures = (this.failures.get(environmentId) ?? 0) + 1;
    this.failures.set(environmentId, failures);
    const level = failures === FAILURES_THAT_LAST ? 'warn' : 'debug';
    this.logger[level]({ environmentId, reason: reasonOf(error) }, 'upkeep of an environment goes on later');
  }

  private noteSuccess(environmentId: string): void {
    const failures = this.failures.get(environmentId) ?? 0;
    this.failures.delete(environmentId);
    if (failures >= FAILURES_THAT_LAST) this.logger.info({ environmentId }, 'upkeep of an environment works again');
  }

  private async environmentIds(): Promise<string[]> {
    const found = await this.database.query<{ entity_id: string }>(
      `select entity_id from names where kind = 'environment' order by name`,
    );
    return found.rows.map((row) => row.entity_id);
  }
}

/** Waits for work, but not for long and not for its success: it goes on by itself, and is tried again. */
async function forAMoment(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, SOON_WITHIN_MS)));
  await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
