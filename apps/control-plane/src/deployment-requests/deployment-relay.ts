import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { LOGGER } from '../injection-tokens.ts';
import type { Logger } from '#libs/program-shell';
import { DeploymentRows } from './deployment-rows.ts';
import { DeploymentQueues } from './deployment-queues.ts';

const LOOK_EVERY_MS = 500;
const WISHES_PER_LOOK = 200;

/**
 * Makes a job of every recorded wish to deploy. The wish stays until its deployment has ended, so a crash between the
 * two, or a queue that lost its data, only means that the job is made again under the same id.
 */
@Injectable()
export class DeploymentRelay implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<boolean> | undefined;
  private again = false;
  private stopped = false;

  constructor(
    private readonly rows: DeploymentRows,
    private readonly queues: DeploymentQueues,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.flush(), LOOK_EVERY_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  /** Makes jobs of all open wishes now; false when the queue or the database could not be reached. */
  async flush(): Promise<boolean> {
    if (this.running !== undefined) {
      this.again = true;
      return this.running;
    }
    this.running = this.run().finally(() => (this.running = undefined));
    return this.running;
  }

  private async run(): Promise<boolean> {
    do {
      this.again = false;
      try {
        if (await this.enqueueOpen()) this.again = true;
      } catch (error) {
        this.logger.warn({ reason: reasonOf(error) }, 'deployments wait: no job could be made');
        return false;
      }
    } while (this.again && !this.stopped);
    return true;
  }

  /** Whether there may be more. */
  private async enqueueOpen(): Promise<boolean> {
    const wishes = await this.rows.withoutJob(WISHES_PER_LOOK);
    if (wishes.length === 0) return false;
    await Promise.all(wishes.map((wish) => this.queues.add(wish)));
    await this.rows.noteEnqueued(wishes);
    return !this.stopped;
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
