import { Counter, Gauge, type Registry } from 'prom-client';

/** What a gateway knows of revoked tokens, and what comes of it. */
export class RevocationMetrics {
  private readonly recorded: Counter<'by'>;
  private readonly refusedTokens: Counter;

  constructor(private readonly registry: Registry) {
    const registers = [registry];
    this.recorded = new Counter({
      name: 'gatewarden_revocations_recorded_total',
      help: 'Revocations that this gateway recorded for its clients, by what they speak of',
      labelNames: ['by'],
      registers,
    });
    this.refusedTokens = new Counter({
      name: 'gatewarden_revoked_tokens_refused_total',
      help: 'API calls whose token was valid but for its revocation',
      registers,
    });
  }

  /** Adds how many there are. Once. */
  observe(known: { readonly size: number }): void {
    new Gauge({
      name: 'gatewarden_revocations_known',
      help: 'Revocations of access tokens that this gateway knows',
      aggregator: 'min',
      registers: [this.registry],
      collect: function () {
        this.set(known.size);
      },
    });
  }

  countRecorded(by: string): void {
    this.recorded.inc({ by });
  }

  countRefusedToken(): void {
    this.refusedTokens.inc();
  }
}
