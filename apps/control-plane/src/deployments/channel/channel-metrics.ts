import { Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { ControlPlaneMetrics } from '../../operations/control-plane-metrics.ts';

/** What this process finds wrong with the Redis of an environment, by the environment's name. */
@Injectable()
export class ChannelMetrics {
  private readonly foreignLeases: Counter<'environment'>;
  private readonly redisUp: Gauge<'environment'>;

  constructor({ registry }: ControlPlaneMetrics) {
    const registers = [registry];
    this.foreignLeases = new Counter({
      name: 'gatewarden_foreign_leases_total',
      help: 'Leases that were refused: not sealed with the key of the environment, or old ones put back; each text counted once',
      labelNames: ['environment'],
      registers,
    });
    this.redisUp = new Gauge({
      name: 'gatewarden_environment_redis_up',
      help: '1 while this process is connected to the Redis of the environment',
      labelNames: ['environment'],
      registers,
    });
  }

  /** From here on the process works with the environment. Of a series that is born at 1 Prometheus sees no increase. */
  watch(environment: string): void {
    this.foreignLeases.inc({ environment }, 0);
  }

  countForeignLeases(environment: string, count: number): void {
    this.foreignLeases.inc({ environment }, count);
  }

  noteRedis(environment: string, isUp: boolean): void {
    this.redisUp.set({ environment }, isUp ? 1 : 0);
  }

  /** The process works with the environment no longer. */
  forget(environment: string): void {
    this.redisUp.remove({ environment });
  }
}
