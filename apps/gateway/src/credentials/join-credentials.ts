import type { ChannelKeys, ConfigChannel } from '#libs/config-distribution';
import type { Logger } from '#libs/program-shell';
import type { GatewayConfig } from '../config/gateway.config.ts';
import type { Journal } from '../config-subscriber/journal.ts';
import { CredentialMetrics } from '../metrics/credential-metrics.ts';
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts';
import { CredentialFiles } from './credential-files.ts';
import { CredentialJournal } from './credential-journal.ts';
import { GatewayCredentials } from './gateway-credentials.ts';
import { KeptCredentials } from './kept-credentials.ts';

export interface CredentialSurroundings {
  readonly config: Pick<GatewayConfig, 'snapshotDir'>;
  readonly channel: ConfigChannel;
  /** The environment's keys; undefined as long as they are not known. */
  readonly channelKeys: () => ChannelKeys | undefined;
  readonly journal: Journal;
  readonly logger: Logger;
  readonly metrics: GatewayMetrics;
}

/** Joins what reads, follows and keeps credentials. Reads nothing. */
export function joinCredentials(surroundings: CredentialSurroundings): GatewayCredentials {
  const { config, channel, channelKeys, journal, logger, metrics } = surroundings;
  const own = new CredentialMetrics(metrics.registry);
  const credentials = new GatewayCredentials({
    channel,
    keys: channelKeys,
    kept: new KeptCredentials(new CredentialFiles(config.snapshotDir), journal),
    events: new CredentialJournal(logger, metrics, own),
    nowMs: () => performance.now(),
  });
  own.observe(credentials);
  return credentials;
}
