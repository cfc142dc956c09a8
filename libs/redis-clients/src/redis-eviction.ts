import { Cluster, type Redis } from 'ioredis';

/** What a program needs of a connection to ask. */
interface AskedRedis {
  on(event: 'ready', listener: () => void): unknown;
  info(section: 'memory'): Promise<string>;
}

const KEEPS_ALL = 'noeviction';

/** The policy in the answer to `INFO memory` by which a full Redis throws keys away; undefined: it throws none away. */
export function evictionPolicyIn(info: string): string | undefined {
  const policy = /^maxmemory_policy:([a-z-]+)\r?$/m.exec(info)?.[1];
  return policy === KEEPS_ALL ? undefined : policy;
}

/**
 * Asks a Redis, whenever a connection to it stands, whether it throws keys away when it is full: jobs, logins and revocations
 * would be gone, and nobody told. A server that does not answer, or may not, is not asked again.
 */
export function watchEviction(redis: AskedRedis | Cluster, onEvicting: (policy: string) => void): void {
  // Each node has a policy of its own.
  if (redis instanceof Cluster) redis.on('+node', (node: Redis) => watchServer(node, onEvicting));
  else watchServer(redis, onEvicting);
}

function watchServer(redis: AskedRedis, onEvicting: (policy: string) => void): void {
  redis.on('ready', () => {
    redis.info('memory').then(
      (info) => {
        const policy = evictionPolicyIn(info);
        if (policy !== undefined) onEvicting(policy);
      },
      () => undefined,
    );
  });
}
