import type { VerifiedTokenCounts, VerifiedTokens } from '#libs/jwt-engine';
import { Counter, Gauge, type Registry } from 'prom-client';

type Count = keyof VerifiedTokenCounts;

const TOTALS: readonly (readonly [name: string, count: Count, help: string])[] = [
  ['hits', 'hits', 'Tokens whose signature needed no checking, because it was good before'],
  ['misses', 'misses', 'Tokens whose signature was checked'],
  ['repeated_refusals', 'repeatedRefusals', 'Tokens refused because their signature was bad less than a second before'],
  ['evictions', 'evictions', 'Good tokens forgotten because others came or nobody showed them any more'],
];

const GAUGES: readonly (readonly [name: string, count: Count, help: string])[] = [
  ['entries', 'entries', 'Good tokens remembered'],
  ['bytes', 'bytes', 'About how much memory they take, rather more than less'],
];

/** Shows what becomes of remembered tokens; nothing is done per request. undefined: none is remembered, all is zero. */
export function observeTokenCache(registry: Registry, tokens: VerifiedTokens | undefined): void {
  const registers = [registry];
  for (const [name, count, help] of TOTALS) {
    new Counter({
      name: `gatewarden_token_cache_${name}_total`,
      help,
      registers,
      collect: function () {
        this.reset();
        this.inc(tokens?.counts[count] ?? 0);
      },
    });
  }
  for (const [name, count, help] of GAUGES) {
    new Gauge({
      name: `gatewarden_token_cache_${name}`,
      help,
      registers,
      collect: function () {
        this.set(tokens?.counts[count] ?? 0);
      },
    });
  }
}
