import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { GlobalPosition, PostgresTransaction, Projection, ProjectionRunner } from '#libs/event-store';

export const PROJECTION_RUNNER = Symbol('PROJECTION_RUNNER');

/** How long an answer waits for the read models to show what it changed. */
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

  /** Whoever changed something reads it back: waits, within reason, until it shows. */
  async show(position: GlobalPosition): Promise<void> {
    this.runner.wake();
    await this.runner.waitUntil(position, SHOWN_WITHIN_MS);
  }
}

/** A projection as a table of what each event does to its rows. */
export function projection(
  name: string,
  table: string,
  handlers: Readonly<Record<string, (transaction: PostgresTransaction, event: ProjectedEvent) => Promise<unknown>>>,
): Projection<PostgresTransaction> {
  return {
    name,
    eventTypes: new Set(Object.keys(handlers)),
    apply: async (transaction, event) => void (await handlers[event.type]?.(transaction, event)),
    reset: async (transaction) => void (await transaction.query(`truncate ${table}`)),
  };
}

export type ProjectedEvent = Parameters<Projection<PostgresTransaction>['apply']>[1];
