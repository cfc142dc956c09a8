import { redisAddress, type RedisAddress } from '#libs/program-shell';

/**
 * After `disconnect()` ioredis waits for the socket to close, by default 2 s; for one that was lost before, it waits in
 * vain, and the process with it. What is in hand was waited for already when a connection is given up.
 */
const CLOSED_WITHIN_MS = 200;

/** Where a Redis is, and what all connections to one have in common. */
export const connectionTo = (url: string): RedisAddress & { readonly disconnectTimeout: number } => ({
  ...redisAddress(url),
  disconnectTimeout: CLOSED_WITHIN_MS,
});
