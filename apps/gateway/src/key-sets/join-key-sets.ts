import type { Logger } from '#libs/program-shell';
import type { GatewayConfig } from '../config/gateway.config.ts';
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts';
import { KeySetMetrics } from '../metrics/key-set-metrics.ts';
import { GatewayKeySets } from './gateway-key-sets.ts';
import { KeySetFetcher } from './key-set-fetcher.ts';
import { KeySetGuard } from './key-set-guard.ts';
import { KeySetJournal } from './key-set-journal.ts';

export interface KeySetSurroundings {
  readonly config: GatewayConfig;
  readonly logger: Logger;
  readonly metrics: GatewayMetrics;
  readonly nowMs: () => number;
}

export interface KeySetParts {
  readonly keySets: GatewayKeySets;
  readonly keySetFetcher: KeySetFetcher;
}

/** Joins what fetches, keeps and tells of key sets. Fetches nothing. */
export function joinKeySets({ config, logger, metrics, nowMs }: KeySetSurroundings): KeySetParts {
  const { adminHost, adminPort, jwksAllowPrivateHosts: allowPrivateHosts } = config;
  const guard = new KeySetGuard({ allowPrivateHosts, adminOrigin: { host: adminHost, port: adminPort } });
  const keySetFetcher = new KeySetFetcher({ guard });
  const keySetMetrics = new KeySetMetrics(metrics.registry);
  const keySets = new GatewayKeySets({
    documents: keySetFetcher,
    journal: new KeySetJournal(logger, keySetMetrics, nowMs),
    staleLimitSeconds: config.jwksStaleLimitSeconds,
    nowMs,
  });
  keySetMetrics.observeAges(() => keySets.ages());
  return { keySets, keySetFetcher };
}
