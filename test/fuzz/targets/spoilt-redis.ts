import type { Redis } from 'ioredis';
import { type SeededRandom } from '../../chaos/seeded-random.ts';
import { mutateText } from '../mutate-text.ts';

/** One value in Redis, and how another one is put in its place. */
export interface RedisPlace {
  readonly key: string;
  readonly type: string;
  /** Field of a hash, member of a sorted set or of a set, id of an entry; '' of a string. */
  readonly field: string;
  readonly value: string;
}

const PIECES = [
  ...'{}[]",: .-\n\u0000\u00ff0aA_',
  ...[
    's1.',
    'null',
    '99 ',
    '0 ',
    '-1 ',
    '1e3 ',
    'NaN ',
    'Infinity ',
    '9007199254740993 ',
    '1 1 ',
    'AAAA',
    ' ',
    '"',
    '4503599627370497',
  ],
];
const OTHER_KINDS = ['string', 'hash', 'list', 'set', 'zset', 'stream'] as const;
const HUGE = 300_000;

async function placesOf(redis: Redis, key: string): Promise<RedisPlace[]> {
  const type = await redis.type(key);
  const place = ([field, value]: readonly [string, string]): RedisPlace => ({ key, type, field, value });
  if (type === 'string') return [place(['', (await redis.get(key)) ?? ''])];
  if (type === 'hash') return Object.entries(await redis.hgetall(key)).map(([field, value]) => place([field, value]));
  if (type === 'set') return (await redis.smembers(key)).map((member) => place([member, member]));
  if (type === 'zset') {
    const flat = await redis.zrangebyscore(key, '-inf', '+inf', 'WITHSCORES');
    return flat.flatMap((member, at) => (at % 2 === 0 ? [place([member, flat[at + 1] ?? ''])] : []));
  }
  const entries = await redis.xrange(key, '-', '+');
  return entries.flatMap(([id, fields]) =>
    fields.flatMap((name, at) => (at % 2 === 0 ? [place([`${id} ${name}`, fields[at + 1] ?? ''])] : [])),
  );
}

/** Every value of a Redis, in the order of its keys and fields. */
export async function allPlaces(redis: Redis): Promise<RedisPlace[]> {
  const keys = (await redis.keys('*')).sort();
  const places = await Promise.all(keys.map((key) => placesOf(redis, key)));
  return places.flat();
}

/** Writes a value where another one is. */
async function write(redis: Redis, { key, type, field }: RedisPlace, value: Buffer): Promise<void> {
  if (type === 'string') await redis.set(key, value);
  else if (type === 'hash') await redis.hset(key, field, value);
  else if (type === 'set') await redis.sadd(key, value);
  // A score is a number, whoever writes it: another member under it is what can be put there.
  else if (type === 'zset') await redis.zadd(key, Number.parseFloat(value.toString()) || 0, field);
  else {
    const [id = '', name = ''] = field.split(' ');
    const others = (await redis.xrange(key, id, id)).flatMap(([, fields]) => fields);
    const at = others.indexOf(name) + 1;
    await redis.xdel(key, id);
    // An entry cannot be put back in the middle: what follows goes too, and the end is somebody else's.
    await redis.xadd(key, '*', ...others.map((text, place) => (place === at ? value : text)));
  }
}

async function makeOther(redis: Redis, key: string, kind: (typeof OTHER_KINDS)[number]): Promise<void> {
  await redis.del(key);
  if (kind === 'string') await redis.set(key, 'x');
  if (kind === 'hash') await redis.hset(key, 'x', 'y');
  if (kind === 'list') await redis.rpush(key, 'x');
  if (kind === 'set') await redis.sadd(key, 'x');
  if (kind === 'zset') await redis.zadd(key, 1, 'x');
  if (kind === 'stream') await redis.xadd(key, '*', 'p', 'x');
}

/** What somebody does who may write to Redis. `text` is the value that is put in, one character for each byte. */
export interface Spoiling {
  readonly place: RedisPlace;
  readonly text: string;
  readonly apply: (redis: Redis, text: string) => Promise<void>;
}

/** What is sealed in another value, behind the clear text of this one. */
const grafted = (value: string, other: string): string =>
  value.slice(0, value.lastIndexOf(' ') + 1) + other.slice(other.lastIndexOf(' ') + 1);

export function spoilingOf(random: SeededRandom, places: readonly RedisPlace[]): Spoiling {
  // By key first: some have many values.
  const key = random.pick([...new Set(places.map((place) => place.key))]);
  const place = random.pick(places.filter((one) => one.key === key));
  // Another value that could stand there, mostly.
  const other = random.pick(random.between(0, 2) === 0 ? places : places.filter((one) => one.key === key)).value;
  const put: Spoiling['apply'] = (redis, text) => write(redis, place, Buffer.from(text, 'latin1'));
  const way = random.between(0, 19);
  if (way === 0) return { place, text: '', apply: (redis) => redis.del(place.key).then(() => undefined) };
  if (way === 1) {
    const kind = random.pick(OTHER_KINDS);
    return { place, text: kind, apply: (redis) => makeOther(redis, place.key, kind) };
  }
  if (way === 2) return { place, text: '', apply: put };
  if (way === 3) return { place, text: 'x'.repeat(HUGE), apply: put };
  if (way < 7) return { place, text: other, apply: put };
  if (way === 8) return { place, text: grafted(place.value, other), apply: put };
  if (way === 7) {
    const field = mutateText(place.field, random, PIECES);
    return {
      place,
      text: place.value,
      apply: (redis, text) =>
        write(redis, { ...place, field: place.type === 'stream' ? place.field : field }, Buffer.from(text, 'latin1')),
    };
  }
  return { place, text: mutateText(place.value, random, PIECES), apply: put };
}

/** The whole content of a Redis, to be put back: values, kinds and ends of life. */
export class KeptContent {
  private constructor(
    private readonly redis: Redis,
    private readonly dumps: ReadonlyMap<string, Buffer>,
  ) {}

  static async of(redis: Redis): Promise<KeptContent> {
    const keys = await redis.keys('*');
    const dumps = await Promise.all(keys.map(async (key) => [key, await redis.dumpBuffer(key)] as const));
    return new KeptContent(redis, new Map(dumps.flatMap(([key, dump]) => (dump === null ? [] : [[key, dump]]))));
  }

  async restore(): Promise<void> {
    const all = this.redis.pipeline().flushdb();
    for (const [key, dump] of this.dumps) all.restore(key, 0, dump, 'REPLACE');
    await all.exec();
  }
}
