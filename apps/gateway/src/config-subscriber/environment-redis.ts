import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { openRedis, type RedisClient, type RedisTls } from '#libs/redis-clients';

const CONNECT_TIMEOUT_MS = 2_000;
/** Longer than any step takes on a healthy server; a frozen one must not freeze the gateway. */
const COMMAND_TIMEOUT_MS = 2_000;
const FIRST_ATTEMPT_MS = 3_000;
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
export function createEnvironmentRedis(url: string, tls?: RedisTls): RedisClient {
  const options = {
    tls,
    isLazy: true,
    retriesPerRequest: 0,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
    silenceTimeoutMs: COMMAND_TIMEOUT_MS,
    pauseMs: (attempt: number) => Math.min(attempt * FIRST_PAUSE_MS, LONGEST_PAUSE_MS),
  };
  const redis = openRedis(url, options, GatheringRedis);
  // Without a listener ioredis would write to the console.
  redis.on('error', () => undefined);
  return redis;
}

/** Fulfils when the first attempt to connect is over, whatever came of it, and after a while in any case. */
export async function connectOnce(redis: RedisClient): Promise<void> {
  const over = new AbortController();
  // Sentinels and nodes of a cluster are asked one after the other, for as long as it takes.
  const late = pause(FIRST_ATTEMPT_MS, undefined, { signal: over.signal });
  await Promise.race([redis.connect(), late]).catch(() => undefined);
  over.abort();
  await late.catch(() => undefined);
}
