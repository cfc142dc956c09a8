import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { Gauge } from 'prom-client';
import { DATABASE } from '../injection-tokens.ts';
import { ControlPlaneMetrics } from '../operations/control-plane-metrics.ts';
import type { OpenStage } from './domain/key-rotation.ts';

interface RotationRow {
  stage: OpenStage | null;
  since_seconds: number | null;
  signed_at_seconds: number | null;
}

/** Without names: those of keys are their projects' own, and whoever reaches the port reads metrics. */
const ROTATIONS = `select stage,
    extract(epoch from now() - stage_since)::float8 as since_seconds,
    extract(epoch from last_signed_at)::float8 as signed_at_seconds
  from key_rotations
  where stage is not null or last_signed_at is not null`;

const STAGES: readonly OpenStage[] = ['publishing', 'waiting', 'retiring'];

/** When keys were rotated, and how long rotations wait: looked up when metrics are asked for. */
@Injectable()
export class RotationMetrics {
  private readonly lastRotation: Gauge<'which'>;
  private readonly rotations: Gauge<'stage'>;
  private readonly oldest: Gauge<'stage'>;

  constructor(
    metrics: ControlPlaneMetrics,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {
    const registers = [metrics.registry];
    this.lastRotation = new Gauge({
      name: 'gatewarden_key_last_rotation_timestamp_seconds',
      help: 'When a key began to sign by rotation, in seconds since the epoch: the last one that did, and of the keys that did the one for which it is longest ago; left out: none has yet',
      ...{ labelNames: ['which'], registers },
    });
    this.rotations = new Gauge({
      ...{
        name: 'gatewarden_key_rotations',
        help: 'Keys that are rotated, by the stage of their newest rotation under way',
      },
      ...{ labelNames: ['stage'], registers },
    });
    this.oldest = new Gauge({
      name: 'gatewarden_oldest_key_rotation_stage_seconds',
      help: 'Since the rotation that is in this stage for longest came to it; 0: there is none',
      ...{ labelNames: ['stage'], registers },
    });
    metrics.observe(() => this.refresh());
  }

  private async refresh(): Promise<void> {
    const { rows } = await this.database.query<RotationRow>(ROTATIONS);
    this.lastRotation.reset();
    const signedAt = rows.map((row) => row.signed_at_seconds).filter((seconds) => seconds !== null);
    if (signedAt.length > 0) {
      this.lastRotation.set({ which: 'newest' }, Math.max(...signedAt));
      this.lastRotation.set({ which: 'oldest' }, Math.min(...signedAt));
    }
    for (const stage of STAGES) {
      const inStage = rows.filter((row) => row.stage === stage);
      this.rotations.set({ stage }, inStage.length);
      this.oldest.set({ stage }, Math.max(0, ...inStage.map((row) => row.since_seconds ?? 0)));
    }
  }
}
