import type { RedisClient } from '#libs/redis-clients';
import type { ChannelKeys, ConfigChannel } from '#libs/config-distribution';
import type { Logger } from '#libs/program-shell';
import type { GatewayConfig } from '../config/gateway.config.ts';
import type { EnvironmentContact } from '../config-subscriber/environment-contact.ts';
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts';
import { RevocationMetrics } from '../metrics/revocation-metrics.ts';
import { EnvironmentRevocationLedger } from './environment-revocation-ledger.ts';
import { GatewayRevocations } from './gateway-revocations.ts';
import { RevocationFollower } from './revocation-follower.ts';
import { RevocationJournal } from './revocation-journal.ts';
import { RevocationWriter } from './revocation-writer.ts';
import { RevocationsFile } from './revocations-file.ts';

export interface RevocationSurroundings {
  readonly config: GatewayConfig;
  readonly logger: Logger;
  readonly metrics: GatewayMetrics;
  /** The connection to the environment's Redis; opened elsewhere. */
  readonly redis: RedisClient;
  readonly channel: ConfigChannel;
  /** The environment's keys; undefined as long as they are not known. */
  readonly channelKeys: () => ChannelKeys | undefined;
  readonly contact: EnvironmentContact;
  readonly nowMs: () => number;
}

export interface RevocationParts {
  /** For the policies. */
  readonly revocations: GatewayRevocations;
  /** For the looks at Redis. */
  readonly revocationFollower: RevocationFollower;
  /** For the token service. */
  readonly revocationWriter: RevocationWriter;
}

/** Joins what follows, keeps, answers and records revocations. Reads nothing. */
export function joinRevocations(surroundings: RevocationSurroundings): RevocationParts {
  const { config, logger, metrics, redis, channel, channelKeys, contact, nowMs } = surroundings;
  const ownMetrics = new RevocationMetrics(metrics.registry);
  const revocations = new GatewayRevocations(contact, () => ownMetrics.countRefusedToken());
  const { known } = revocations;
  ownMetrics.observe(known);
  const journal = new RevocationJournal(logger, metrics, ownMetrics);
  const ledger = new EnvironmentRevocationLedger(redis, config.environment, channelKeys);
  const file = new RevocationsFile(config.snapshotDir);
  const follower = new RevocationFollower({ known, ledger, file, journal, nowMs });
  const nudge = (): Promise<void> => channel.nudge();
  const writer = new RevocationWriter({ ledger, follower, journal, nudge, nowMs });
  return { revocations, revocationFollower: follower, revocationWriter: writer };
}
