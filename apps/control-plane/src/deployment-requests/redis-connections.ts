import { openRedis, type RedisClient, type RedisClientOptions } from '#libs/redis-clients';
import type { ControlPlaneConfig } from '../config/control-plane.config.ts';

/**
 * After `disconnect()` ioredis waits for the socket to close, by default 2 s; for one that was lost before, it waits in
 * vain, and the process with it. What is in hand was waited for already when a connection is given up.
 */
const CLOSED_WITHIN_MS = 200;

/** Opens a client of this process, to its own Redis or to that of an environment. */
export const connectTo = (
  url: string,
  { redisTls }: Pick<ControlPlaneConfig, 'redisTls'>,
  options: Omit<RedisClientOptions, 'tls' | 'disconnectTimeoutMs'>,
): RedisClient => openRedis(url, { ...options, tls: redisTls, disconnectTimeoutMs: CLOSED_WITHIN_MS });
