import { Counter, Gauge, type Registry } from 'prom-client';

/** A set that a policy names, as its age is told. */
export interface KeySetAge {
  /** Without query string: it may hold a secret. */
  readonly address: string;
  readonly ageSeconds: number;
}

/** What becomes of key sets by address. */
export class KeySetMetrics {
  private readonly fetches: Counter<'outcome'>;
  private readonly refetches: Counter;
  private readonly staleServings: Counter;

  constructor(private readonly registry: Registry) {
    const registers = [registry];
    this.fetches = new Counter({
      name: 'gatewarden_key_set_fetches_total',
      help: 'Fetches of key sets by outcome',
      labelNames: ['outcome'],
      registers,
    });
    this.refetches = new Counter({
      name: 'gatewarden_key_set_refetches_total',
      help: 'Of these, those that a token with an unknown kid asked for',
      registers,
    });
    this.staleServings = new Counter({
      name: 'gatewarden_key_set_stale_servings_total',
      help: 'Requests judged by a key set that is no longer fresh, because its host fails',
      registers,
    });
  }

  /** Adds the age of every set that a policy names; asked for when the metrics are read. Once. */
  observeAges(ages: () => Iterable<KeySetAge>): void {
    new Gauge({
      name: 'gatewarden_key_set_age_seconds',
      help: 'Since the key set was fetched',
      labelNames: ['address'],
      registers: [this.registry],
      collect: function () {
        this.reset();
        for (const { address, ageSeconds } of ages()) this.set({ address }, ageSeconds);
      },
    });
  }

  countFetch(outcome: string): void {
    this.fetches.inc({ outcome });
  }

  countRefetch(): void {
    this.refetches.inc();
  }

  countStaleServing(): void {
    this.staleServings.inc();
  }
}
