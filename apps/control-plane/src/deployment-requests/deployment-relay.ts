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

  constructor(
    private readonly rows: DeploymentRows,
    private readonly queues: DeploymentQueues,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.flush(), LOOK_EVERY_MS);
  }

  async onApplicationShutdown(): Promise<void> {
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
        await this.enqueueOpen();
      } catch (error) {
        this.logger.warn({ reason: reasonOf(error) }, 'deployments wait: no job could be made');
        return false;
      }
    } while (this.again);
    return true;
  }

  private async enqueueOpen(): Promise<void> {
    for (const wish of await this.rows.withoutJob(WISHES_PER_LOOK)) {
      await this.queues.add(wish);
      await this.rows.noteEnqueued(wish.environmentId, wish.deployment);
    }
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
