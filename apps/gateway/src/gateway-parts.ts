import type { Redis } from 'ioredis';
import { RedisConfigChannel, type ConfigChannel } from '#libs/config-distribution';
import type { GatewayConfig } from './config/gateway.config.ts';
import { ActiveGateway } from './config-subscriber/active-gateway.ts';
import { ConfigSubscriber } from './config-subscriber/config-subscriber.ts';
import { EnvironmentAdmission } from './config-subscriber/environment-admission.ts';
import { EnvironmentContact } from './config-subscriber/environment-contact.ts';
import { createEnvironmentRedis } from './config-subscriber/environment-redis.ts';
import { Journal } from './config-subscriber/journal.ts';
import { LeaseKeeper } from './config-subscriber/lease-keeper.ts';
import { SnapshotStore } from './config-subscriber/snapshot/snapshot-store.ts';
import { GATEWAY_DEFAULTS, type GatewaySettings } from './http-server/gateway-settings.ts';
import { TrafficServer } from './http-server/traffic-server.ts';
import { ChannelIdentityDirectory } from './identity/channel-identity-directory.ts';
import { EnvironmentRefreshTokens } from './identity/environment-refresh-tokens.ts';
import type { GatewayKeySets } from './key-sets/gateway-key-sets.ts';
import { joinKeySets } from './key-sets/join-key-sets.ts';
import type { KeySetFetcher } from './key-sets/key-set-fetcher.ts';
import { TrafficAddress } from './listening.ts';
import { errorFacts, type Logger, programVersion } from '#libs/program-shell';
import { GatewayMetrics } from './metrics/gateway-metrics.ts';
import { PolicyJournal } from './metrics/policy-journal.ts';
import { TokenEndpoint } from './token-endpoint/token-endpoint.ts';
import { UpstreamPool } from './upstream/upstream-pool.ts';

/** Everything that a gateway is made of, joined but not started. */
export interface GatewayParts {
  readonly metrics: GatewayMetrics;
  readonly redis: Redis;
  readonly snapshot: SnapshotStore;
  readonly upstream: UpstreamPool;
  readonly keySets: GatewayKeySets;
  readonly keySetFetcher: KeySetFetcher;
  readonly active: ActiveGateway;
  readonly subscriber: ConfigSubscriber;
  readonly traffic: TrafficServer;
  readonly address: TrafficAddress;
}

type ActiveWiring = Pick<Wiring, 'config' | 'upstream' | 'metrics' | 'logger' | 'journal' | 'contact' | 'keySets'>;
type Wiring = Omit<GatewayParts, 'subscriber' | 'traffic'> & {
  readonly config: GatewayConfig;
  readonly logger: Logger;
  readonly channel: ConfigChannel;
  readonly journal: Journal;
  readonly contact: EnvironmentContact;
  /** The clock that requests are judged by. The configuration is followed by the system's own. */
  readonly nowMs: () => number;
};

const MS_PER_SECOND = 1_000;

function createActive(wiring: ActiveWiring): ActiveGateway {
  const { config, upstream, metrics, logger, journal, contact: revocations, keySets } = wiring;
  const { dropped: onDropped, ignored: onIgnored } = new PolicyJournal(logger, metrics, () => performance.now());
  const { environment, rootContext, faultCodes } = config;
  const rules = { environment, rootContext, options: { faultCodes, onDropped, onIgnored, revocations, keySets } };
  return new ActiveGateway(rules, {
    onSwap: (upstreams) => upstream.follow(upstreams),
    onContest: (contest) => journal.routeContested(contest),
  });
}

function createSubscriber(wiring: Wiring): ConfigSubscriber {
  const { config, channel, address, active, snapshot, journal, contact } = wiring;
  const { environment, gatewayId, rootContext } = config;
  const identity = {
    ...{ gatewayId, rootContext },
    programVersion: programVersion(import.meta.dirname),
    startedAt: new Date().toISOString(),
    address: () => address.text(),
  };
  return new ConfigSubscriber({
    environment,
    channel,
    admission: new EnvironmentAdmission(environment, config.gatewayKey),
    contact,
    active,
    snapshot,
    lease: new LeaseKeeper(channel, identity, () => performance.now()),
    journal,
    nowMs: Date.now,
  });
}

function createTokenEndpoint(wiring: Wiring, subscriber: ConfigSubscriber): TokenEndpoint {
  const { config, channel, redis, active, journal, metrics, logger } = wiring;
  const keys = () => subscriber.keys;
  return new TokenEndpoint({
    identities: new ChannelIdentityDirectory({ channel, keys, onRefused: (kind) => journal.identityRefused(kind) }),
    issuers: { proxy: (proxyId) => active.current?.proxies.get(proxyId)?.linked },
    refreshTokens: new EnvironmentRefreshTokens(redis, config.environment, keys),
    events: {
      onAnswered: (what) => {
        metrics.countTokenAnswer(what.grantType, what.outcome);
        logger.debug(what, 'token request');
      },
      onUnexpected: (error, correlationId) =>
        logger.error({ correlationId, ...errorFacts(error) }, 'a token request failed'),
    },
  });
}

function createTraffic(wiring: Wiring, tokenEndpoint: TokenEndpoint): TrafficServer {
  const { config, active, upstream, metrics, logger, nowMs } = wiring;
  const settings: GatewaySettings = {
    ...GATEWAY_DEFAULTS,
    rootContext: config.rootContext,
    trustedProxies: config.trustedProxies,
    adminOrigin: { host: config.adminHost, port: config.adminPort },
  };
  return new TrafficServer({
    current: () => active.current,
    tokenEndpoint,
    upstream,
    settings,
    nowMs,
    onExchange: (summary) => {
      metrics.countExchange(summary);
      logger.debug(summary, 'exchange');
    },
    onError: (error) => logger.error(errorFacts(error), 'a request failed'),
  });
}

/**
 * Picks every adapter and joins the parts. Opens nothing.
 *
 * @param nowMs milliseconds since the epoch: what requests are judged by
 */
export function joinParts(config: GatewayConfig, logger: Logger, nowMs: () => number): GatewayParts {
  const metrics = new GatewayMetrics();
  const redis = createEnvironmentRedis(config.redisUrl);
  const upstream = new UpstreamPool({ adminOrigin: { host: config.adminHost, port: config.adminPort } });
  const journal = new Journal(logger, metrics);
  redis.on('error', (error) => journal.channelDown(error));
  const contact = new EnvironmentContact(() => performance.now());
  redis.on('close', () => contact.lost());
  const { keySets, keySetFetcher } = joinKeySets({ config, logger, metrics, nowMs });
  const wiring: Wiring = {
    config,
    logger,
    metrics,
    redis,
    upstream,
    keySets,
    keySetFetcher,
    channel: new RedisConfigChannel(redis, config.environment),
    snapshot: new SnapshotStore(config.snapshotDir),
    active: createActive({ config, upstream, metrics, logger, journal, contact, keySets }),
    journal,
    contact,
    nowMs,
    address: new TrafficAddress(config.host, config.port),
  };
  const { snapshot, active, address } = wiring;
  const subscriber = createSubscriber(wiring);
  const traffic = createTraffic(wiring, createTokenEndpoint(wiring, subscriber));
  metrics.observe(() => ({
    deployment: subscriber.highestDeployment,
    proxies: active.current?.proxies.size ?? 0,
    rejected: subscriber.rejectedCount,
    ageSeconds: subscriber.ageMs / MS_PER_SECOND,
    isRedisUp: subscriber.isRedisUp,
  }));
  return { metrics, redis, snapshot, upstream, keySets, keySetFetcher, active, subscriber, traffic, address };
}
