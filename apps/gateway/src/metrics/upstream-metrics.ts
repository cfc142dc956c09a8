import { Counter, Gauge, type Registry } from 'prom-client';
import type { Logger } from '#libs/program-shell';
import type { HealthWatcher, OriginFacts } from '../upstream/health/origin-health.ts';
import type { UpstreamHealth } from '../upstream/health/upstream-health.ts';

const MS_PER_SECOND = 1_000;

/** Writes down which upstream addresses cease to take part, and which come back. */
export function healthLog(logger: Logger): HealthWatcher {
  return {
    ejected: (origin, forMs) =>
      logger.warn({ origin, forSeconds: forMs / MS_PER_SECOND }, 'an upstream address fails: it takes no part'),
    readmitted: (origin) => logger.info({ origin }, 'an upstream address answers again'),
  };
}

/** Adds what is known of the origins of upstreams. Once. */
export function observeUpstreamHealth(registry: Registry, health: UpstreamHealth): void {
  const registers = [registry];
  const labelNames = ['origin'] as const;
  const gauge = (
    name: string,
    help: string,
    aggregator: 'sum' | 'max',
    value: (facts: OriginFacts) => number,
  ): void => {
    new Gauge({
      ...{ name: `gatewarden_upstream_${name}`, help, aggregator, labelNames, registers },
      collect: function () {
        this.reset();
        for (const [origin, facts] of health.facts) this.set({ origin }, value(facts));
      },
    });
  };
  gauge('requests_in_flight', 'Requests whose answers have not ended', 'sum', ({ inFlight }) => inFlight);
  const ejectedHelp = '1: takes no part, because it failed (of several workers, in one at least)';
  gauge('ejected', ejectedHelp, 'max', ({ isEjected }) => (isEjected ? 1 : 0));
  new Counter({
    ...{ name: 'gatewarden_upstream_ejections_total', help: 'How often an address was ejected', labelNames, registers },
    collect: function () {
      this.reset();
      for (const [origin, { ejections }] of health.facts) this.inc({ origin }, ejections);
    },
  });
  new Counter({
    name: 'gatewarden_upstream_further_attempts_total',
    help: 'Attempts after the first of a request, by the address that they were for',
    labelNames: ['origin', 'outcome'],
    registers,
    collect: function () {
      this.reset();
      for (const [origin, { retries, retriesRefused }] of health.facts) {
        this.inc({ origin, outcome: 'done' }, retries);
        this.inc({ origin, outcome: 'budget-exhausted' }, retriesRefused);
      }
    },
  });
  new Counter({
    name: 'gatewarden_upstream_all_ejected_total',
    help: 'Requests sent to an ejected address because all addresses of their proxy were',
    registers,
    collect: function () {
      this.reset();
      this.inc(health.sentRegardless);
    },
  });
}
