import { setTimeout as pause } from 'node:timers/promises';
import type { RedisClient } from '#libs/redis-clients';
import { RedisKeySetShelf, type ChannelKeys } from '#libs/config-distribution';
import type { Logger } from '#libs/program-shell';
import type { GatewayConfig } from '../config/gateway.config.ts';
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts';
import { KeySetMetrics } from '../metrics/key-set-metrics.ts';
import { KeySetSharingMetrics } from '../metrics/key-set-sharing-metrics.ts';
import { FRESHNESS_SECONDS } from './freshness.ts';
import { GatewayKeySets } from './gateway-key-sets.ts';
import { KeySetFetcher } from './key-set-fetcher.ts';
import { KeySetGuard } from './key-set-guard.ts';
import { KeySetJournal } from './key-set-journal.ts';
import { ReadableKeySets } from './readable-key-sets.ts';
import { SharedDocuments } from './shared-documents.ts';
import { SharingJournal } from './sharing-journal.ts';

export interface KeySetSurroundings {
  readonly config: GatewayConfig;
  readonly logger: Logger;
  readonly metrics: GatewayMetrics;
  /** The connection to the environment's Redis, through which its gateways share key sets; opened elsewhere. */
  readonly redis: RedisClient;
  /** The environment's keys; undefined as long as they are not known. */
  readonly channelKeys: () => ChannelKeys | undefined;
  readonly nowMs: () => number;
  /** As {@link GatewayKeySetsOptions.onNote}. */
  readonly onNote?: (() => void) | undefined;
}

export interface KeySetParts {
  readonly keySets: GatewayKeySets;
  readonly keySetFetcher: KeySetFetcher;
}

const MS_PER_SECOND = 1_000;

function joinSharing(
  { config, logger, metrics, redis, channelKeys, nowMs }: KeySetSurroundings,
  fetcher: KeySetFetcher,
): SharedDocuments {
  const { environment, jwksStaleLimitSeconds, jwksAllowPrivateHosts: allowPrivateHosts } = config;
  const keepMs = Math.max(jwksStaleLimitSeconds, FRESHNESS_SECONDS.longest) * MS_PER_SECOND;
  return new SharedDocuments({
    ...{ allowPrivateHosts, nowMs, keys: channelKeys },
    source: new ReadableKeySets(fetcher),
    shelf: new RedisKeySetShelf(redis, { environment, keepMs }),
    journal: new SharingJournal(logger, metrics, new KeySetSharingMetrics(metrics.registry)),
    pause: (ms) => pause(ms, undefined, { ref: false }),
    steadyMs: () => performance.now(),
  });
}

/** Joins what fetches, shares, keeps and tells of key sets. Fetches nothing. */
export function joinKeySets(surroundings: KeySetSurroundings): KeySetParts {
  const { config, logger, metrics, nowMs, onNote } = surroundings;
  const { adminHost, adminPort, jwksAllowPrivateHosts: allowPrivateHosts } = config;
  const guard = new KeySetGuard({ allowPrivateHosts, adminOrigin: { host: adminHost, port: adminPort } });
  const keySetFetcher = new KeySetFetcher({ guard });
  const keySetMetrics = new KeySetMetrics(metrics.registry);
  const keySets = new GatewayKeySets({
    documents: joinSharing(surroundings, keySetFetcher),
    journal: new KeySetJournal(logger, keySetMetrics, nowMs),
    staleLimitSeconds: config.jwksStaleLimitSeconds,
    nowMs,
    onNote,
  });
  keySetMetrics.observe(keySets, nowMs);
  return { keySets, keySetFetcher };
}
