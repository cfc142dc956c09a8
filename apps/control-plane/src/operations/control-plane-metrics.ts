import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { ProjectionRunner } from '#libs/event-store';
import { DATABASE } from '../injection-tokens.ts';
import { PROJECTION_RUNNER } from '../persistence/read-models.ts';

/** What Prometheus is told: counted when it asks, not kept beside the truth. */
@Injectable()
export class ControlPlaneMetrics {
  readonly registry = new Registry();
  private readonly deployments: Gauge;
  private readonly lag: Gauge;

  constructor(
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(PROJECTION_RUNNER) private readonly runner: ProjectionRunner,
  ) {
    collectDefaultMetrics({ register: this.registry });
    const registers = [this.registry];
    this.deployments = new Gauge({
      name: 'gatewarden_deployments',
      help: 'Deployments by environment and state',
      labelNames: ['environment', 'state'],
      registers,
    });
    this.lag = new Gauge({
      name: 'gatewarden_projection_events_behind',
      help: 'Events that a read model has not seen yet',
      labelNames: ['projection'],
      registers,
    });
  }

  async text(): Promise<string> {
    const found = await this.database.query<{ environment: string; state: string; count: string }>(
      `select names.name as environment, state, count(*) from deployments
       join names on names.kind = 'environment' and names.entity_id = environment_id group by 1, 2`,
    );
    this.deployments.reset();
    for (const { environment, state, count } of found.rows) this.deployments.set({ environment, state }, Number(count));
    for (const { projection, eventsBehind } of await this.runner.lag())
      this.lag.set({ projection }, Number(eventsBehind));
    return this.registry.metrics();
  }
}
