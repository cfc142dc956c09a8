import { Redis } from 'ioredis';
import { redisAddress } from '#libs/program-shell';

const CONNECT_TIMEOUT_MS = 2_000;
/** Longer than any step takes on a healthy server; a frozen one must not freeze the gateway. */
const COMMAND_TIMEOUT_MS = 2_000;
const LONGEST_PAUSE_MS = 1_000;
const FIRST_PAUSE_MS = 50;

/** Commands of one turn of the event loop leave in one write: under load, a system call costs more than a command. */
class GatheringRedis extends Redis {
  private gathering: Redis['stream'] | undefined;

  override sendCommand(...sent: Parameters<Redis['sendCommand']>): unknown {
    if (this.status === 'ready' && this.gathering !== this.stream) this.gather(this.stream);
    return super.sendCommand(...sent);
  }

  private gather(connection: Redis['stream']): void {
    this.gathering = connection;
    connection.cork();
    setImmediate(() => {
      if (this.gathering === connection) this.gathering = undefined;
      connection.uncork();
    });
  }
}

/**
 * A connection to the environment's Redis that is not open yet: commands fail at once while Redis is away, and it comes
 * back by itself.
 */
export function createEnvironmentRedis(url: string): Redis {
  const redis = new GatheringRedis({
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
