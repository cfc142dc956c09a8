import type { Redis } from 'ioredis';

/** What somebody does to an entry who may write to Redis, but has no key of the environment. */
export const ATTACKS = [
  'older',
  'foreign',
  'of-another',
  'altered',
  'truncated',
  'junk',
  'other-type',
  'huge',
  'deleted',
] as const;
export type Attack = (typeof ATTACKS)[number];

export const HUGE_BYTES = 64 * 1024 * 1024;
const JUNK = 's1.\u0000junk';

/** Everything that Redis holds under a prefix: key -> its type, and its dump. */
export type Copy = ReadonlyMap<string, { readonly type: string; readonly dump: Buffer }>;

/** One record: a key, and what lies under it. */
export interface Entry {
  /** After the environment's prefix. */
  readonly name: string;
  readonly key: string;
  readonly type: string;
  /** Of a hash or a sorted set; '' for what has none. */
  readonly field: string;
  readonly value: string;
}

/** The Redis of an environment in the hands of somebody else, who may do everything there. */
export class HostileRedis {
  constructor(
    private readonly redis: Redis,
    private readonly environment: string,
    /** What another environment holds, in this or another Redis. */
    private readonly foreign: readonly Entry[],
  ) {}

  async copy(): Promise<Copy> {
    const copy = new Map<string, { type: string; dump: Buffer }>();
    for (const key of await keysOf(this.redis, this.environment)) {
      const dump = await this.redis.dumpBuffer(key);
      if (dump !== null) copy.set(key, { type: await this.redis.type(key), dump });
    }
    return copy;
  }

  async restore(copy: Copy): Promise<void> {
    const found = await keysOf(this.redis, this.environment);
    const restoring = this.redis.multi();
    if (found.length > 0) restoring.del(...found);
    for (const [key, { dump }] of copy) restoring.restore(key, 0, dump);
    await restoring.exec();
  }

  /** All records of the environment. */
  entries(): Promise<readonly Entry[]> {
    return HostileRedis.entriesOf(this.redis, this.environment);
  }

  static async entriesOf(redis: Redis, environment: string): Promise<readonly Entry[]> {
    const entries: Entry[] = [];
    for (const key of await keysOf(redis, environment)) {
      const type = await redis.type(key);
      const name = key.slice(key.indexOf(':', 3) + 1);
      for (const [field, value] of await fieldsOf(redis, key, type)) entries.push({ name, key, type, field, value });
    }
    return entries;
  }

  /**
   * Does it to a record.
   *
   * @param before the record as it was earlier
   * @returns whether there was something to do
   */
  async attack(attack: Attack, entry: Entry, before: Entry | undefined): Promise<boolean> {
    const { key, field } = entry;
    if (attack === 'other-type') {
      await this.redis.del(key);
      await (entry.type === 'string' ? this.redis.rpush(key, 'x') : this.redis.set(key, 'x'));
      return true;
    }
    if (attack === 'deleted') {
      await this.redis.del(key);
      return true;
    }
    const value = await this.valueFor(attack, entry, before);
    if (value === undefined || value === entry.value) return false;
    await this.put(entry, key, field, value);
    return true;
  }

  private async valueFor(attack: Attack, entry: Entry, before: Entry | undefined): Promise<string | undefined> {
    const { value } = entry;
    if (attack === 'older') return before?.value;
    if (attack === 'foreign') return this.foreignValue(entry);
    if (attack === 'of-another') {
      const others = await this.entries();
      return others.find(({ key, field }) => key === entry.key && field !== entry.field)?.value;
    }
    const made: Partial<Record<Attack, () => string>> = {
      altered: () => value.replace(/.(.?)$/, (last, kept: string) => (last.startsWith('A') ? 'B' : 'A') + kept),
      truncated: () => value.slice(0, value.length / 2),
      junk: () => JUNK,
      huge: () => 'x'.repeat(HUGE_BYTES),
    };
    return made[attack]?.();
  }

  private foreignValue(entry: Entry): string | undefined {
    const same = this.foreign.filter(({ name }) => name === entry.name);
    return (same.find(({ field }) => field === entry.field) ?? same[0])?.value;
  }

  private async put({ type }: Entry, key: string, field: string, value: string): Promise<void> {
    if (type === 'hash') await this.redis.hset(key, field, value);
    else if (type === 'string') await this.redis.set(key, value);
    else if (type === 'zset') {
      if (/^\d+(\.\d+)?$/.test(value)) await this.redis.zadd(key, value, field);
      else await this.redis.zadd(key, 1, value);
    } else if (type === 'stream') {
      // The record of this sequence, and all later ones as they were.
      const all = await this.redis.xrange(key, '-', '+');
      const again = this.redis.multi().del(key);
      for (const [id, [, proxyId = '', , deployment = '', , record = '']] of all)
        again.xadd(key, id, 'p', proxyId, 'd', deployment, 'r', id === field ? value : record);
      await again.exec();
    }
  }
}

async function fieldsOf(redis: Redis, key: string, type: string): Promise<readonly (readonly [string, string])[]> {
  // Redis gives them in another order each time.
  if (type === 'hash') return Object.entries(await redis.hgetall(key)).sort(([one], [other]) => (one < other ? -1 : 1));
  if (type === 'string') return [['', (await redis.get(key)) ?? '']];
  if (type === 'stream')
    return (await redis.xrange(key, '-', '+')).map(([id, fields]) => [id, fields[5] ?? ''] as const);
  const scored = await redis.zrange(key, '0', '-1', 'WITHSCORES');
  return scored.flatMap((member, index) => (index % 2 === 0 ? [[member, scored[index + 1] ?? ''] as const] : []));
}

async function keysOf(redis: Redis, environment: string): Promise<readonly string[]> {
  const [slotted, plain] = [`gw:{${environment}}:*`, `gw:${environment}:*`];
  return [...(await redis.keys(slotted)), ...(await redis.keys(plain))].sort();
}
