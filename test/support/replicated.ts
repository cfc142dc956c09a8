import type { Redis } from 'ioredis';
import { until } from './until.ts';

async function offsetOf(redis: Redis, name: string): Promise<number> {
  return Number(new RegExp(`\\b${name}:(\\d+)`).exec(await redis.info('replication'))?.[1]);
}

/** Ends when a replica has all that its master was told up to now. */
export async function replicated(master: Redis, replica: Redis): Promise<void> {
  const written = await offsetOf(master, 'master_repl_offset');
  await until('the replica has everything', async () => (await offsetOf(replica, 'slave_repl_offset')) >= written);
}
