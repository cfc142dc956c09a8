import { Redis } from 'ioredis';
import { redisAddress } from '#libs/program-shell';

const CONNECT_TIMEOUT_MS = 2_000;
/** Longer than any step takes on a healthy server; a frozen one must not freeze the gateway. */
const COMMAND_TIMEOUT_MS = 2_000;
const LONGEST_PAUSE_MS = 1_000;
const FIRST_PAUSE_MS = 50;

/**
 * A connection to the environment's Redis that is not open yet: commands fail at once while Redis is away, and it comes
 * back by itself.
 */
export function createEnvironmentRedis(url: string): Redis {
  const redis = new Redis({
    ...redisAddress(url),
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(attempt * FIRST_PAUSE_MS, LONGEST_PAUSE_MS),
  });
  // Without a listener ioredis would write to the console.
  redis.on('error', () => undefined);
  return redis;
}

/** Fulfils when the first attempt to connect is over, whatever came of it. */
export const connectOnce = (redis: Redis): Promise<void> => redis.connect().catch(() => undefined);
