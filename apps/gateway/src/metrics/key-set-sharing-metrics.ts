import { Counter, type Registry } from 'prom-client';

/** How a wish for a newer key set ended, as seen from the gateways that share them. */
export type SharingOutcome =
  /** This gateway asked the server, and told the others. */
  | 'fetched'
  /** Another one had asked already. */
  | 'taken'
  /** Another one was asking: this one waited for what it found. */
  | 'waited'
  /** Another one is asking, and nobody here waits for it. */
  | 'under-way'
  /** Asked so short a time ago, by whomever, that nobody may ask again. */
  | 'too-soon'
  /** Nothing could be shared (Redis away, keys of the environment not there yet): this gateway asked for itself. */
  | 'alone';

/** What sharing key sets saves. */
export class KeySetSharingMetrics {
  private readonly wishes: Counter<'outcome'>;

  constructor(registry: Registry) {
    this.wishes = new Counter({
      name: 'gatewarden_key_set_shared_total',
      help: 'Wishes for newer key sets, by what sharing them with the other gateways came to',
      labelNames: ['outcome'],
      registers: [registry],
    });
  }

  count(outcome: SharingOutcome): void {
    this.wishes.inc({ outcome });
  }
}
