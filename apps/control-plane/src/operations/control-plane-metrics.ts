import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { EVENT_STORE, type PostgresEventStore, type ProjectionRunner } from '#libs/event-store';
import { DATABASE } from '../injection-tokens.ts';
import { PROJECTION_RUNNER } from '../persistence/read-models.ts';
import { MetricsSource } from './metrics-source.ts';

interface PendingRow {
  environment: string;
  count: string;
  oldest_seconds: number;
}

/** Reads the open wishes by their own index, so that it costs the same however long the history of deployments is. */
export const PENDING_DEPLOYMENTS = `select names.name as environment, count(open.deployment) as count,
    coalesce(extract(epoch from now() - min(open.requested_at)), 0)::float8 as oldest_seconds
  from names left join deployments open on open.environment_id = names.entity_id and open.state = 'pending'
  where names.kind = 'environment' group by names.name`;

/** What Prometheus is told: most of it is looked up when it asks, and not kept beside the truth. */
@Injectable()
export class ControlPlaneMetrics {
  readonly registry = new Registry();
  private readonly sources: MetricsSource[] = [];
  private readonly pending: Gauge;
  private readonly oldest: Gauge;
  private readonly lag: Gauge;
  private readonly lateSources: Gauge;
  private readonly databaseUp: Gauge;
  private readonly takesChanges: MetricsSource;

  constructor(
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(PROJECTION_RUNNER) private readonly runner: ProjectionRunner,
    @Inject(EVENT_STORE) store: PostgresEventStore,
  ) {
    collectDefaultMetrics({ register: this.registry });
    const gauge = (name: string, help: string, labelNames: string[]) =>
      new Gauge({ name: `gatewarden_${name}`, help, labelNames, registers: [this.registry] });
    this.pending = gauge('pending_deployments', 'Deployments that have not ended', ['environment']);
    this.oldest = gauge(
      'oldest_pending_deployment_seconds',
      'Since the oldest deployment that has not ended was asked for; 0: there is none',
      ['environment'],
    );
    this.lag = gauge('projection_events_behind', 'Events that a read model has not seen yet', ['projection']);
    this.lateSources = gauge(
      'metrics_sources_missing',
      'Places that could not be asked in time for these metrics: what is looked up there is old or left out',
      [],
    );
    this.databaseUp = gauge('database_up', '1 when the database answered within a second and takes changes', []);
    this.takesChanges = new MetricsSource(async () => {
      if (!(await store.takesChanges())) throw new Error('the database is read-only');
    });
    this.observe(() => this.countPending());
    this.observe(() => this.measureLag());
  }

  /**
   * Brings metrics up to date before they are given out. What cannot be known is best taken out of its gauge.
   *
   * @param refresh may fail and may hang: nobody waits for it for long, and it does not run twice at a time.
   */
  observe(refresh: () => Promise<void>): void {
    this.sources.push(new MetricsSource(refresh));
  }

  /** In the text format of Prometheus; comes within about a second, whatever is away. */
  async text(): Promise<string> {
    const asked = this.sources.map((source) => source.refreshed());
    this.databaseUp.set((await this.takesChanges.refreshed()) ? 1 : 0);
    const isFresh = await Promise.all(asked);
    this.lateSources.set(isFresh.filter((one) => !one).length);
    return this.registry.metrics();
  }

  private async countPending(): Promise<void> {
    const { rows } = await this.database.query<PendingRow>(PENDING_DEPLOYMENTS);
    this.pending.reset();
    this.oldest.reset();
    for (const { environment, count, oldest_seconds: seconds } of rows) {
      this.pending.set({ environment }, Number(count));
      this.oldest.set({ environment }, seconds);
    }
  }

  private async measureLag(): Promise<void> {
    for (const { projection, eventsBehind } of await this.runner.lag())
      this.lag.set({ projection }, Number(eventsBehind));
  }
}
