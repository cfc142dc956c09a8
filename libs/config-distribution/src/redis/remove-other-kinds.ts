import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ChannelUnavailable } from '../config-channel.port.ts';
import { redisKeysOf } from './channel-keys.ts';

/** As `TYPE` of Redis names it. */
export type RedisKind = 'string' | 'hash' | 'zset' | 'stream';

/** What is needed of a connection. */
interface EvaluatingRedis {
  eval(script: string, keyCount: number, ...keysThenArguments: string[]): Promise<unknown>;
}

const SCRIPT = readFileSync(fileURLToPath(new URL('./remove-other-kinds.lua', import.meta.url)), 'utf8');

/** Every key of the channel and of shared key sets, with its kind. */
function channelKinds(environment: string): [string, RedisKind][] {
  const { keySets, identities, log, leaseTimes, ...named } = redisKeysOf(environment);
  const hashes = [named.keyRing, named.heads, named.artifacts, named.lastGood, named.sequences, named.position];
  hashes.push(named.checkpoint, named.leases, ...['client', 'credential', 'orders'].map(identities));
  const shelves = [keySets('policy'), keySets('variable')];
  hashes.push(...shelves.flatMap(({ attempts, documents }) => [attempts, documents]));
  const sets = [leaseTimes, ...shelves.map(({ uses }) => uses)];
  return [
    [log, 'stream'],
    ...hashes.map((key): [string, RedisKind] => [key, 'hash']),
    ...sets.map((key): [string, RedisKind] => [key, 'zset']),
  ];
}

/**
 * Removes what stands in place of the channel and is of another kind: it would have every look fail, as if Redis were away,
 * for as long as it stands there. What is missing then is put back as after a loss.
 *
 * @param others further keys of the environment, in the same cluster slot, with their kinds
 * @returns the keys that were removed
 * @throws ChannelUnavailable
 */
export async function removeOtherKinds(
  redis: EvaluatingRedis,
  environment: string,
  others: readonly (readonly [key: string, kind: RedisKind])[] = [],
): Promise<readonly string[]> {
  const kinds = [...channelKinds(environment), ...others];
  const keys = kinds.map(([key]) => key);
  try {
    return (await redis.eval(SCRIPT, keys.length, ...keys, ...kinds.map(([, kind]) => kind))) as string[];
  } catch (cause) {
    throw new ChannelUnavailable(environment, cause);
  }
}
