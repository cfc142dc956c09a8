import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { LOGGER } from '../injection-tokens.ts';
import { FailingWork, type Logger } from '#libs/program-shell';
import { DeploymentRows, type DeploymentKey } from './deployment-rows.ts';
import { DeploymentQueues } from './deployment-queues.ts';
import { OvertakenWishes } from './overtaken-wishes.ts';

const LOOK_EVERY_MS = 500;
const WISHES_PER_LOOK = 200;
/** So many get their jobs at once when they are asked for; more take their turn with those of others. */
const CARRIED_AT_ONCE = 20;

/**
 * Makes a job of every recorded wish to deploy. The wish stays until its deployment has ended, so a crash between the
 * two, or a queue that lost its data, only means that the job is made again under the same id. Of many wishes for one
 * proxy the newest alone gets that far.
 */
@Injectable()
export class DeploymentRelay implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<boolean> | undefined;
  private again = false;
  private stopped = false;
  private readonly work: FailingWork;

  constructor(
    private readonly rows: DeploymentRows,
    private readonly queues: DeploymentQueues,
    private readonly overtaken: OvertakenWishes,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.work = new FailingWork(logger, {
      fails: 'deployments wait: no job could be made',
      works: 'jobs of deployments can be made again',
    });
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.flush(), LOOK_EVERY_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  /**
   * Makes jobs of wishes that were recorded just now, without looking for them. That they have one is not noted: should
   * they still be open at the next look, their jobs are made once more, which changes nothing.
   *
   * @returns false when the queue could not be reached
   */
  async carry(wishes: readonly DeploymentKey[]): Promise<boolean> {
    if (wishes.length > CARRIED_AT_ONCE) return this.flush();
    try {
      await Promise.all(wishes.map((wish) => this.queues.add(wish)));
      return true;
    } catch (error) {
      this.work.failed(error);
      return false;
    }
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
        await this.endOvertaken();
        if (await this.enqueueOpen()) this.again = true;
        this.work.worked();
      } catch (error) {
        this.work.failed(error);
        return false;
      }
    } while (this.again && !this.stopped);
    return true;
  }

  /** A burst of changes to one proxy collapses to the newest: the others are not carried out. */
  private async endOvertaken(): Promise<void> {
    for (const environmentId of await this.rows.environmentsWithOvertaken()) {
      const ended = await this.overtaken.end(environmentId);
      // Not waited for: a job that is still there finds that nothing is left to do.
      void this.queues.drop(environmentId, ended);
    }
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
