import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { PostgresTransaction, Projection, ProjectionRunner } from '#libs/event-store';

export const PROJECTION_RUNNER = Symbol('PROJECTION_RUNNER');

/** How long a question waits for a read model to show what was answered before. */
const SHOWN_WITHIN_MS = 2_000;

/** Keeps the read models up with the log while the process runs. */
@Injectable()
export class ReadModels implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(@Inject(PROJECTION_RUNNER) private readonly runner: ProjectionRunner) {}

  onApplicationBootstrap(): void {
    this.runner.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.runner.stop();
  }

  /**
   * For whoever is about to read the tables of a projection: waits, within reason, until they show every change that was
   * answered before the question came, whichever process made it. Changes do not wait for this.
   *
   * @returns whether they do
   * @throws EventStoreUnavailable
   */
  upToDate({ name }: Pick<Projection<PostgresTransaction>, 'name'>): Promise<boolean> {
    return this.runner.showsAll(name, SHOWN_WITHIN_MS);
  }
}
