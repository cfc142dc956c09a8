import { Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { ControlPlaneMetrics } from '../../operations/control-plane-metrics.ts';
import type { DriftFinding, DriftProblem } from './drift-finding.ts';

const PLACES: readonly DriftFinding['where'][] = ['redis', 'gateway'];
const PROBLEMS: readonly DriftProblem[] = ['missing', 'older', 'newer', 'altered', 'not-recorded'];

/** What a repair published again or told again. */
export type RepairedWhat = 'log' | 'everything' | 'proxy' | 'identity' | 'key';

/** What this process found of the environments that it keeps. */
@Injectable()
export class DriftMetrics {
  private readonly open: Gauge;
  private readonly found: Counter;
  private readonly repairs: Counter;
  private readonly comparedAt: Gauge;

  constructor({ registry }: ControlPlaneMetrics) {
    const registers = [registry];
    this.open = new Gauge({
      name: 'gatewarden_drift',
      help: 'Proxies, identities and gateways that differ from what is recorded, as they were last looked at',
      labelNames: ['environment', 'where', 'problem'],
      registers,
    });
    this.found = new Counter({
      name: 'gatewarden_drift_found_total',
      help: 'Differences found between an environment and what is recorded',
      labelNames: ['environment', 'where', 'problem'],
      registers,
    });
    this.repairs = new Counter({
      name: 'gatewarden_drift_repairs_total',
      help: 'What was published or told again because it was not there as recorded',
      labelNames: ['environment', 'what'],
      registers,
    });
    this.comparedAt = new Gauge({
      name: 'gatewarden_drift_compared_timestamp_seconds',
      help: 'When this process last finished comparing everything in an environment',
      labelNames: ['environment'],
      registers,
    });
  }

  noteFound(environment: string, findings: readonly DriftFinding[]): void {
    for (const { where, problem } of findings) this.found.inc({ environment, where, problem });
  }

  showOpen(environment: string, findings: readonly DriftFinding[]): void {
    for (const where of PLACES)
      for (const problem of PROBLEMS) {
        const count = findings.filter((one) => one.where === where && one.problem === problem).length;
        this.open.set({ environment, where, problem }, count);
      }
  }

  noteRepair(environment: string, what: RepairedWhat, count: number): void {
    if (count > 0) this.repairs.inc({ environment, what }, count);
  }

  noteCompared(environment: string): void {
    this.comparedAt.setToCurrentTime({ environment });
  }

  /** The environment is gone, or another process keeps it. */
  forget(environment: string): void {
    this.comparedAt.remove({ environment });
    for (const where of PLACES) for (const problem of PROBLEMS) this.open.remove({ environment, where, problem });
  }
}
