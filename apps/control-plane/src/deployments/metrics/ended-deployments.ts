import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { Counter, Histogram } from 'prom-client';
import { DeploymentSettled } from '../../deployment-requests/deployment-settled.ts';
import { DATABASE } from '../../injection-tokens.ts';
import { ControlPlaneMetrics } from '../../operations/control-plane-metrics.ts';

interface Ended {
  readonly environmentId: string;
  readonly deployment: number;
}

interface EndedRow {
  environment: string;
  kind: string;
  outcome: string;
  seconds: number;
}

const SELECT = `select names.name as environment, deployments.kind, state as outcome,
    extract(epoch from settled_at - requested_at)::float8 as seconds
  from deployments join names on names.kind = 'environment' and names.entity_id = environment_id
  where (environment_id, deployment) in (select * from unnest($1::text[], $2::bigint[])) and settled_at is not null`;

const BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800];
/** Where nobody asks for metrics they are looked up by themselves after so many. */
const LOOKED_UP_AT = 1_000;

/** Counts the deployments that this process ended. What they were is looked up when metrics are asked for. */
@Injectable()
export class EndedDeployments {
  private ended: Ended[] = [];
  private readonly count: Counter;
  private readonly durations: Histogram;

  constructor(
    metrics: ControlPlaneMetrics,
    settled: DeploymentSettled,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {
    const registers = [metrics.registry];
    const labelNames = ['environment', 'kind', 'outcome'];
    this.count = new Counter({
      ...{ name: 'gatewarden_deployments_ended_total', help: 'Deployments that this process ended' },
      ...{ labelNames, registers },
    });
    this.durations = new Histogram({
      ...{ name: 'gatewarden_deployment_duration_seconds', help: 'From the request of a deployment to its end' },
      ...{ labelNames, registers, buckets: BUCKETS_SECONDS },
    });
    metrics.observe(() => this.lookUp());
    settled.onAny((environmentId, deployment) => this.note({ environmentId, deployment }));
  }

  private note(ended: Ended): void {
    this.ended.push(ended);
    if (this.ended.length % LOOKED_UP_AT === 0) void this.lookUp().catch(() => undefined);
  }

  private async lookUp(): Promise<void> {
    const { ended } = this;
    if (ended.length === 0) return;
    this.ended = [];
    const ids = ended.map(({ environmentId }) => environmentId);
    const numbers = ended.map(({ deployment }) => deployment);
    const { rows } = await this.database.query<EndedRow>(SELECT, [ids, numbers]).catch((error: unknown) => {
      this.ended = [...ended, ...this.ended];
      throw error;
    });
    for (const { seconds, ...labels } of rows) {
      this.count.inc(labels);
      this.durations.observe(labels, Math.max(0, seconds));
    }
  }
}
