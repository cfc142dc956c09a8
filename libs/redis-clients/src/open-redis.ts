import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { redisAddress, type ClusterAddress, type SentinelAddress, type SingleAddress } from './redis-address.ts';
import type { RedisTls } from './redis-tls.ts';

/** A client of any form; commands and scripts are the same in all of them. */
export type RedisClient = Redis | Cluster;

/** The same promises for every form of Redis. */
export interface RedisClientOptions {
  readonly tls?: RedisTls | undefined;
  /** True: connects when it is told to, or with the first command. */
  readonly isLazy?: boolean;
  /** False (default): commands fail at once while there is no connection. */
  readonly isQueueing?: boolean;
  /** How often a command is sent again whose connection was lost; null: until it is done. */
  readonly retriesPerRequest: number | null;
  /** Pause before a new attempt to connect, in milliseconds. */
  readonly pauseMs?: (attempt: number) => number;
  readonly connectTimeoutMs?: number;
  /** After this long a command counts as failed, in milliseconds; left out: none does. */
  readonly commandTimeoutMs?: number;
  /**
   * A server that owes an answer for this long is given up, and looked for anew, in milliseconds: another one may have taken
   * its place, behind one address too. Longer than any blocking command.
   */
  readonly silenceTimeoutMs?: number;
  /** How long a closed connection is waited for, in milliseconds. */
  readonly disconnectTimeoutMs?: number;
}

const SENTINEL_PAUSE_MS = 500;
const SENTINEL_ANSWER_MS = 1_000;
const SLOTS_ANSWER_MS = 1_000;
const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
const defaultPauseMs = (attempt: number): number => Math.min(attempt * 100, 2_000);

/** It was the master until now, or an address leads to a replica: there is nothing to be had from it. */
const isReadOnlyReplica = (error: Error): boolean => /\bREADONLY\b/.test(error.message);

type NodeOptions = Pick<
  RedisOptions,
  | 'username'
  | 'password'
  | 'tls'
  | 'maxRetriesPerRequest'
  | 'connectTimeout'
  | 'commandTimeout'
  | 'disconnectTimeout'
  | 'socketTimeout'
>;
type Addressed = SingleAddress | SentinelAddress | ClusterAddress;

/** What holds for one connection, whatever it leads to. */
function connectionOptions(address: Addressed, options: RedisClientOptions): NodeOptions {
  const { commandTimeoutMs, disconnectTimeoutMs, silenceTimeoutMs } = options;
  return {
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.isEncrypted ? { tls: { ...options.tls } } : {}),
    maxRetriesPerRequest: options.retriesPerRequest,
    connectTimeout: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
    ...(commandTimeoutMs === undefined ? {} : { commandTimeout: commandTimeoutMs }),
    ...(disconnectTimeoutMs === undefined ? {} : { disconnectTimeout: disconnectTimeoutMs }),
    ...(silenceTimeoutMs === undefined ? {} : { socketTimeout: silenceTimeoutMs }),
  };
}

function placeOf(address: SingleAddress | SentinelAddress, tls: RedisTls | undefined): RedisOptions {
  if (address.kind === 'single') return { ...address.node, db: address.db };
  const { sentinels, master, db, sentinelUsername, sentinelPassword, isEncrypted } = address;
  return {
    sentinels: [...sentinels],
    name: master,
    db,
    ...(sentinelUsername === undefined ? {} : { sentinelUsername }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    // A client that gives up asking Sentinels ends for good.
    sentinelRetryStrategy: () => SENTINEL_PAUSE_MS,
    sentinelCommandTimeout: SENTINEL_ANSWER_MS,
    ...(isEncrypted ? { enableTLSForSentinelMode: true, sentinelTLS: { ...tls } } : {}),
  };
}

function openCluster(address: ClusterAddress, options: RedisClientOptions): Cluster {
  const cluster = new Cluster([...address.nodes], {
    clusterRetryStrategy: options.pauseMs ?? defaultPauseMs,
    enableOfflineQueue: options.isQueueing === true,
    lazyConnect: options.isLazy === true,
    slotsRefreshTimeout: SLOTS_ANSWER_MS,
    // Whoever connects while the cluster is down would never be answered, neither then nor later: BullMQ's workers would wait
    // for ever (redis/ioredis#709). Without this check it is the commands that say that the cluster is down.
    enableReadyCheck: false,
    // Names stay names: certificates are made out to them.
    dnsLookup: (name, answer) => answer(null, name),
    redisOptions: connectionOptions(address, options),
  });
  connectMastersEarly(cluster);
  return cluster;
}

/** Else each would be connected by its first command, and those behind that one would fail and be sent again later. */
function connectMastersEarly(cluster: Cluster): void {
  const connect = (node: Redis): void => {
    const isIdleMaster = node.status === 'wait' && node.options.readOnly !== true;
    if (cluster.status === 'ready' && isIdleMaster) node.connect().catch(() => undefined);
  };
  cluster.on('+node', connect);
  cluster.on('ready', () => cluster.nodes('master').forEach(connect));
}

/**
 * Opens the client that the form of the address asks for.
 *
 * @param Client of a single server or of a master behind Sentinels; nodes of a cluster are ioredis's own
 * @throws RangeError when the address was not checked; never repeats it
 */
export function openRedis(
  url: string,
  options: RedisClientOptions,
  Client: new (options: RedisOptions) => Redis = Redis,
): RedisClient {
  const address = redisAddress(url);
  if (address.kind === 'cluster') return openCluster(address, options);
  return new Client({
    ...placeOf(address, options.tls),
    ...connectionOptions(address, options),
    lazyConnect: options.isLazy === true,
    enableOfflineQueue: options.isQueueing === true,
    ...(options.pauseMs === undefined ? {} : { retryStrategy: options.pauseMs }),
    reconnectOnError: isReadOnlyReplica,
  });
}

/** Calls whenever a connection to data was lost: of a cluster, to any of its nodes. */
export function onConnectionLost(redis: RedisClient, lost: () => void): void {
  redis.on('close', lost);
  if (redis instanceof Cluster) redis.on('-node', lost);
}
