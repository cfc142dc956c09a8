import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** @throws Error when the run has no Redis of its own */
export function testRedisUrl(): string {
  // eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
  const url = process.env['TEST_REDIS_URL'];
  if (url === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');
  return url;
}

const LOOK_EVERY_MS = 20;

/** Looks until there is something to see. @throws Error naming what did not happen in time */
export async function until<Value>(
  what: string,
  look: () => Promise<Value | undefined | false> | Value | undefined | false,
  withinMs = 60_000,
): Promise<Value> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(LOOK_EVERY_MS);
  }
}

/** Removes the keys of a pattern; Redis is everybody's. */
export async function removeKeys(redis: Redis, pattern: string): Promise<void> {
  const keys = await redis.keys(pattern);
  if (keys.length > 0) await redis.del(...keys);
}
