import { Counter, Gauge, type Registry } from 'prom-client';

/** A set that a policy names. */
export interface NamedKeySet {
  /** Without query string: it may hold a secret. */
  readonly address: string;
  /** Milliseconds since the epoch; undefined: it is not there. */
  readonly fetchedAtMs: number | undefined;
  /** When its keys were first seen to have other ids than before; undefined: never yet. */
  readonly changedAtMs: number | undefined;
}

/** What is asked for when the metrics are read. */
export interface ObservedKeySets {
  named(): Iterable<NamedKeySet>;
  readonly counts: { readonly policy: number; readonly variable: number };
}

const MS_PER_SECOND = 1_000;

/** What becomes of key sets by address. */
export class KeySetMetrics {
  private readonly fetches: Counter<'outcome'>;
  private readonly refetches: Counter;
  private readonly staleServings: Counter;
  private readonly denied: Counter;
  private readonly flushes: Counter;

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
    this.denied = new Counter({
      name: 'gatewarden_key_set_denied_total',
      help: 'Tokens refused because an operator denied their key',
      registers,
    });
    this.flushes = new Counter({
      name: 'gatewarden_key_set_flushes_total',
      help: 'Key sets emptied because an operator ordered it',
      registers,
    });
  }

  /** Adds what is known of the sets that there are. Once. Of several addresses that differ in their query, the last. */
  observe(keySets: ObservedKeySets, nowMs: () => number): void {
    this.observeNamed('gatewarden_key_set_age_seconds', 'Since the key set was fetched', function* () {
      for (const { address, fetchedAtMs } of keySets.named()) {
        if (fetchedAtMs !== undefined) yield { address, value: (nowMs() - fetchedAtMs) / MS_PER_SECOND };
      }
    });
    const changed = 'When the ids of the keys in the set last changed, in seconds since the epoch';
    this.observeNamed('gatewarden_key_set_changed_timestamp_seconds', changed, function* () {
      for (const { address, changedAtMs } of keySets.named()) {
        if (changedAtMs !== undefined) yield { address, value: changedAtMs / MS_PER_SECOND };
      }
    });
    this.observeCounts(keySets);
  }

  private observeNamed(
    name: string,
    help: string,
    values: () => Iterable<{ readonly address: string; readonly value: number }>,
  ): void {
    new Gauge({
      ...{ name, help, labelNames: ['address'], aggregator: 'max', registers: [this.registry] },
      collect: function () {
        this.reset();
        for (const { address, value } of values()) this.set({ address }, value);
      },
    });
  }

  private observeCounts(keySets: ObservedKeySets): void {
    new Gauge({
      name: 'gatewarden_key_sets',
      help: 'Key sets by whether a policy names their address or it stood in a variable',
      aggregator: 'max',
      labelNames: ['origin'],
      registers: [this.registry],
      collect: function () {
        for (const [origin, count] of Object.entries(keySets.counts)) this.set({ origin }, count);
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

  countDenied(): void {
    this.denied.inc();
  }

  countFlushes(sets: number): void {
    this.flushes.inc(sets);
  }
}
