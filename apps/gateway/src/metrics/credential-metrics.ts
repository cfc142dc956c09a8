import { Counter, Gauge, type Registry } from 'prom-client';

/** What becomes of the credentials that API calls depend on in ACL mode. No label names one. */
export class CredentialMetrics {
  private readonly reads: Counter<'outcome'>;

  constructor(private readonly registry: Registry) {
    this.reads = new Counter({
      name: 'gatewarden_credential_reads_total',
      help: 'Credentials read because a request needed one that was not followed, by outcome',
      labelNames: ['outcome'],
      registers: [registry],
    });
  }

  /** Adds how many there are. Once. */
  observe(credentials: { readonly count: number }): void {
    new Gauge({
      name: 'gatewarden_known_credentials',
      help: 'Credentials that requests used lately, kept in memory and on disk',
      aggregator: 'max',
      registers: [this.registry],
      collect: function () {
        this.set(credentials.count);
      },
    });
  }

  countRead(outcome: string): void {
    this.reads.inc({ outcome });
  }
}
