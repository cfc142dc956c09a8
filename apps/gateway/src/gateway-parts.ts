import { RedisConfigChannel, type ChannelKeys, type ConfigChannel } from '#libs/config-distribution';
import { VerifiedTokens } from '#libs/jwt-engine';
import type { GatewayConfig } from './config/gateway.config.ts';
import { ActiveGateway } from './config-subscriber/active-gateway.ts';
import { ConfigSubscriber } from './config-subscriber/config-subscriber.ts';
import { EnvironmentAdmission } from './config-subscriber/environment-admission.ts';
import { EnvironmentContact } from './config-subscriber/environment-contact.ts';
import { createEnvironmentRedis } from './config-subscriber/environment-redis.ts';
import { Journal } from './config-subscriber/journal.ts';
import { LeaseKeeper, type SaidBeside } from './config-subscriber/lease-keeper.ts';
import { proxyTitle } from './config-subscriber/served-configuration.ts';
import { SnapshotStore } from './config-subscriber/snapshot/snapshot-store.ts';
import { StandingOrders } from './config-subscriber/standing-orders.ts';
import type { KeySetOrders } from '#libs/policy-contracts';
import type { LinkOptions } from '#libs/policy-runtime';
import { joinCredentials } from './credentials/join-credentials.ts';
import type { GatewayCredentials } from './credentials/gateway-credentials.ts';
import { GATEWAY_DEFAULTS, type GatewaySettings } from './http-server/gateway-settings.ts';
import { CertificateKeeper } from './http-server/listener/certificate-keeper.ts';
import { TrafficServer } from './http-server/traffic-server.ts';
import { ChannelIdentityDirectory } from './identity/channel-identity-directory.ts';
import { EnvironmentRefreshTokens } from './identity/environment-refresh-tokens.ts';
import type { GatewayKeySets } from './key-sets/gateway-key-sets.ts';
import { joinLogins } from './identity/join-logins.ts';
import { joinKeySets } from './key-sets/join-key-sets.ts';
import type { KeySetFetcher } from './key-sets/key-set-fetcher.ts';
import { TrafficAddress } from './listening.ts';
import { errorFacts, type Logger, programVersion } from '#libs/program-shell';
import { onConnectionLost, watchEviction, type RedisClient } from '#libs/redis-clients';
import { GatewayMetrics } from './metrics/gateway-metrics.ts';
import { LastKnownCount } from './metrics/last-known-count.ts';
import { ListenerJournal } from './metrics/listener-journal.ts';
import { observeLoad } from './metrics/load-metrics.ts';
import { OverloadJournal } from './metrics/overload-journal.ts';
import { PolicyJournal } from './metrics/policy-journal.ts';
import { observeTokenCache } from './metrics/token-cache-metrics.ts';
import { TokenJournal } from './metrics/token-journal.ts';
import { TokenMetrics } from './metrics/token-metrics.ts';
import { healthLog, observeUpstreamHealth } from './metrics/upstream-metrics.ts';
import { joinRevocations, type RevocationParts } from './revocations/join-revocations.ts';
import { TrafficObservers } from './traffic-observers.ts';
import type { IssuerDirectory } from './token-endpoint/identity/identity.port.ts';
import { PublishedKeys, type LiveKeys } from './token-endpoint/published-keys/published-keys.ts';
import { TokenEndpoint } from './token-endpoint/token-endpoint.ts';
import { UpstreamCredentials } from './upstream/upstream-credentials.ts';
import { UpstreamPool } from './upstream/upstream-pool.ts';

/** Everything that a gateway is made of, joined but not started. */
export interface GatewayParts {
  readonly metrics: GatewayMetrics;
  readonly redis: RedisClient;
  readonly snapshot: SnapshotStore;
  readonly upstream: UpstreamPool;
  readonly keySets: GatewayKeySets;
  readonly keySetFetcher: KeySetFetcher;
  readonly active: ActiveGateway;
  readonly subscriber: ConfigSubscriber;
  readonly traffic: TrafficServer;
  readonly tokenJournal: TokenJournal;
  readonly observers: TrafficObservers;
  readonly address: TrafficAddress;
}

function createUpstream(config: GatewayConfig, logger: Logger, metrics: GatewayMetrics): UpstreamPool {
  const onRefused = (faults: readonly string[]): void => {
    metrics.countReport('upstream-credentials');
    logger.error({ faults }, 'certificates for upstreams cannot be used: those before go on');
  };
  return new UpstreamPool({
    adminOrigin: { host: config.adminHost, port: config.adminPort },
    credentials: new UpstreamCredentials(config.upstreamFiles, { onRefused, nowMs: () => performance.now() }),
    limits: config.upstreamLimits,
    watcher: healthLog(logger),
  });
}

function createCertificate(
  { tls }: GatewayConfig['listener'],
  journal: ListenerJournal,
): CertificateKeeper | undefined {
  if (tls === undefined) return undefined;
  const events = { onReplaced: journal.certificateReplaced, onRefused: journal.certificateRefused };
  const certificate = new CertificateKeeper(tls, events);
  journal.observe(() => certificate.current.expiresAtMs);
  return certificate;
}

type ActiveWiring = Pick<
  Wiring,
  'config' | 'upstream' | 'metrics' | 'logger' | 'journal' | 'revocations' | 'credentials' | 'keySets'
>;
type Wiring = Omit<GatewayParts, 'subscriber' | 'traffic'> &
  RevocationParts & {
    readonly config: GatewayConfig;
    readonly logger: Logger;
    readonly channel: ConfigChannel;
    readonly journal: Journal;
    readonly contact: EnvironmentContact;
    readonly credentials: GatewayCredentials;
    readonly tokenMetrics: TokenMetrics;
    /** The clock that requests are judged by. The configuration is followed by the system's own. */
    readonly nowMs: () => number;
  };

const MS_PER_SECOND = 1_000;

function createActive(wiring: ActiveWiring): ActiveGateway {
  const { config, upstream, metrics, logger, journal, revocations, credentials, keySets } = wiring;
  const { dropped: onDropped, ignored: onIgnored } = new PolicyJournal(logger, metrics, () => performance.now());
  const { environment, rootContext, faultCodes } = config;
  const verdictsOf: LinkOptions['verdictsOf'] = (policy) => metrics.exchanges.verdictsOf(policy);
  const verifiedTokens = config.tokenCache && new VerifiedTokens(config.tokenCache);
  observeTokenCache(metrics.registry, verifiedTokens);
  const told = { onDropped, onIgnored, verdictsOf };
  const options = { faultCodes, ...told, revocations, credentials, keySets, verifiedTokens };
  const rules = { environment, rootContext, options };
  return new ActiveGateway(rules, {
    onSwap: (upstreams, named) => {
      upstream.follow(upstreams);
      keySets.follow(named);
    },
    onContest: (contest) => journal.routeContested(contest),
  });
}

function createSubscriber(wiring: Wiring): ConfigSubscriber {
  const {
    config,
    channel,
    address,
    active,
    snapshot,
    journal,
    contact,
    keySets,
    credentials,
    revocationFollower: revocations,
  } = wiring;
  const { environment, gatewayId, rootContext } = config;
  const identity = {
    ...{ gatewayId, rootContext },
    programVersion: programVersion(import.meta.dirname),
    startedAt: new Date().toISOString(),
    address: () => address.text(),
  };
  const obey = (given: KeySetOrders): void => keySets.obey(given);
  const orders = new StandingOrders({ channel, journal, file: snapshot.orders, obey });
  const beside = (): SaidBeside => ({
    obeys: { 'key-sets': orders.version, revocations: revocations.sequence },
    keySetNotes: [...keySets.notes()],
  });
  return new ConfigSubscriber({
    environment,
    channel,
    admission: new EnvironmentAdmission(environment, config.gatewayKey),
    contact,
    active,
    snapshot,
    orders,
    revocations,
    credentials,
    lease: new LeaseKeeper(channel, identity, () => performance.now(), beside),
    journal,
    nowMs: Date.now,
  });
}

function liveKeysOf({ current, served }: ActiveGateway): LiveKeys | undefined {
  return (
    current && { version: served.digest, proxies: () => [...current.proxies.values()].map(({ linked }) => linked) }
  );
}

function issuersOf(active: ActiveGateway): IssuerDirectory {
  return {
    proxy: (proxyId) => active.current?.proxies.get(proxyId)?.linked,
    proxyNamed: (project, proxy) => active.current?.proxiesByName.get(proxyTitle(project, proxy))?.linked,
    all: () => [...(active.current?.proxies.values() ?? [])].map(({ linked }) => linked),
  };
}

function createTokenEndpoint(wiring: Wiring, subscriber: ConfigSubscriber): TokenEndpoint {
  const { config, channel, redis, active, journal, tokenMetrics, tokenJournal, revocations, nowMs } = wiring;
  const keys = () => subscriber.keys;
  const logins = joinLogins(config, redis, keys, tokenMetrics);
  const refreshTokens = new EnvironmentRefreshTokens(redis, config.environment, keys, config.gatewayId);
  const families = new LastKnownCount(
    () => refreshTokens.liveFamilies(nowMs()),
    () => performance.now(),
  );
  tokenMetrics.observe({ passwordChecks: () => logins.passwords.load, liveFamilies: () => families.read() });
  return new TokenEndpoint({
    identities: new ChannelIdentityDirectory({ channel, keys, onRefused: journal.identityRefused.bind(journal) }),
    issuers: issuersOf(active),
    refreshTokens,
    // Not those of the policies: theirs count what is refused.
    revocations: revocations.known,
    revocationWriter: wiring.revocationWriter,
    publishedKeys: new PublishedKeys(() => liveKeysOf(active)),
    ...logins,
    events: { onAnswered: tokenJournal.answered, onUnexpected: tokenJournal.unexpected },
  });
}

function createTraffic(wiring: Wiring, tokenEndpoint: TokenEndpoint): TrafficServer {
  const { config, active, upstream, observers, logger, metrics, nowMs } = wiring;
  const journal = new ListenerJournal(logger, metrics);
  const settings: GatewaySettings = {
    ...GATEWAY_DEFAULTS,
    limits: config.limits,
    processes: config.processes ?? 1,
    addsForwarded: config.addsForwarded,
    rootContext: config.rootContext,
    trustedProxies: config.trustedProxies,
    adminOrigin: { host: config.adminHost, port: config.adminPort },
  };
  const overload = new OverloadJournal(logger, metrics, () => performance.now());
  return new TrafficServer({
    current: () => active.current,
    tokenEndpoint,
    upstream,
    settings,
    listener: config.listener,
    certificate: createCertificate(config.listener, journal),
    onProxyRefused: journal.proxyRefused,
    nowMs,
    onExchange: observers.onExchange,
    tracer: observers.tracer,
    onOverload: (reason) => overload.refused(reason),
    onError: (error) => logger.error(errorFacts(error), 'a request failed'),
  });
}

function createObservers(config: GatewayConfig, logger: Logger, metrics: GatewayMetrics): TrafficObservers {
  const { gatewayId, environment } = config;
  const program = { version: programVersion(import.meta.dirname), gatewayId, environment };
  return new TrafficObservers({ config, program, logger, metrics });
}

/**
 * Picks every adapter and joins the parts. Opens nothing.
 *
 * @param nowMs milliseconds since the epoch: what requests are judged by
 */
export function joinParts(config: GatewayConfig, logger: Logger, nowMs: () => number): GatewayParts {
  const metrics = new GatewayMetrics();
  const redis = createEnvironmentRedis(config.redisUrl, config.redisTls);
  const upstream = createUpstream(config, logger, metrics);
  const journal = new Journal(logger, metrics);
  redis.on('error', (error) => journal.channelDown(error));
  watchEviction(redis, (policy) => journal.redisEvicts(policy));
  const contact = new EnvironmentContact(() => performance.now());
  onConnectionLost(redis, () => contact.lost());
  const tokenMetrics = new TokenMetrics(metrics.registry);
  const tokenJournal = new TokenJournal(logger, tokenMetrics, () => performance.now());
  const onNote = (): void => subscriber.tellSoon();
  const channelKeys = (): ChannelKeys | undefined => subscriber.keys;
  const surroundings = { config, logger, metrics, redis, channelKeys, nowMs, onNote };
  const { keySets, keySetFetcher } = joinKeySets(surroundings);
  const channel = new RedisConfigChannel(redis, config.environment);
  const revocationParts = joinRevocations({ ...surroundings, channel, contact });
  const { revocations } = revocationParts;
  const credentials = joinCredentials({ ...surroundings, channel, journal });
  const wiring: Wiring = {
    ...{ config, logger, metrics, redis, upstream, keySets, keySetFetcher, channel },
    snapshot: new SnapshotStore(config.snapshotDir),
    active: createActive({ config, upstream, metrics, logger, journal, revocations, credentials, keySets }),
    journal,
    contact,
    ...revocationParts,
    credentials,
    tokenMetrics,
    tokenJournal,
    observers: createObservers(config, logger, metrics),
    nowMs,
    address: new TrafficAddress(config.host, config.port),
  };
  const { snapshot, active, address, observers } = wiring;
  const subscriber = createSubscriber(wiring);
  const traffic = createTraffic(wiring, createTokenEndpoint(wiring, subscriber));
  metrics.observe(() => ({
    deployment: subscriber.highestDeployment,
    proxies: active.current?.proxies.size ?? 0,
    rejected: subscriber.rejectedCount,
    ageSeconds: subscriber.ageMs / MS_PER_SECOND,
    isRedisUp: subscriber.isRedisUp,
  }));
  observeUpstreamHealth(metrics.registry, upstream.health);
  observeLoad(metrics.registry, { traffic: () => traffic.load, upstreams: () => upstream.loads });
  const opened = { snapshot, upstream, keySets, keySetFetcher, active, subscriber, traffic, address };
  return { metrics, redis, tokenJournal, observers, ...opened };
}
