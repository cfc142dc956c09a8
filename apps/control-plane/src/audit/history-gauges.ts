import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { ControlPlaneMetrics } from '../operations/control-plane-metrics.ts';

/** What this process last found about the log: anything but 0 in the first three wants somebody to look. */
@Injectable()
export class HistoryGauges {
  readonly isFaulty: Gauge;
  readonly lostCheckpoints: Gauge;
  readonly isFileFailing: Gauge;
  readonly checkpoint: Gauge;

  constructor(metrics: ControlPlaneMetrics) {
    const gauge = (name: string, help: string) =>
      new Gauge({ name: `gatewarden_history_${name}`, help, registers: [metrics.registry] });
    this.isFaulty = gauge(
      'faulty',
      '1: an event or a checkpoint is not as it was recorded, checkpoints stop before it',
    );
    this.lostCheckpoints = gauge('lost_checkpoints', 'Checkpoints in the file that the database does not have');
    this.isFileFailing = gauge('checkpoint_file_failing', '1: the file of checkpoints cannot be written');
    this.checkpoint = gauge('last_checkpoint_timestamp_seconds', 'When this process last took a checkpoint');
  }
}
