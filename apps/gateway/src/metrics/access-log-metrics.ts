import { Counter, type Registry } from 'prom-client';

/** What the access log could not hold. */
export class AccessLogMetrics {
  private readonly dropped: Counter;

  constructor(registry: Registry) {
    this.dropped = new Counter({
      name: 'gatewarden_access_log_dropped_total',
      help: 'Lines of the access log that were lost, because whoever reads it reads too slowly',
      registers: [registry],
    });
  }

  countDropped(): void {
    this.dropped.inc();
  }
}
