import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import type { ReadText } from './secret-scan.ts';

/** Every column of every row of every table; binary ones as text and as what PostgreSQL shows of them. */
export async function textsOfDatabase(pool: pg.Pool): Promise<readonly ReadText[]> {
  const tables = await pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const texts: ReadText[] = [];
  for (const { name } of tables.rows) {
    const { rows, fields } = await pool.query({ text: `select * from ${name}`, rowMode: 'array' });
    for (const row of rows as unknown[][])
      for (const [index, value] of row.entries())
        texts.push({ place: `table ${name}.${fields[index]?.name}`, text: textOf(value) });
  }
  return texts;
}

function textOf(value: unknown): string {
  if (Buffer.isBuffer(value)) return `${value.toString('latin1')} ${value.toString('base64')} ${value.toString('hex')}`;
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** Every key of a server: its name, its dump, and what commands read of it. */
export async function textsOfRedis(redis: Redis): Promise<readonly ReadText[]> {
  const texts: ReadText[] = [];
  for (const key of await redis.keys('*')) {
    const place = `Redis key ${key}`;
    const dump = await redis.dumpBuffer(key);
    texts.push({
      place,
      text: `${key} ${dump?.toString('latin1') ?? ''} ${JSON.stringify(await readable(redis, key))}`,
    });
  }
  return texts;
}

async function readable(redis: Redis, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'hash':
      return redis.hgetall(key);
    case 'string':
      return redis.get(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, '0', '-1', 'WITHSCORES');
    case 'stream':
      return redis.xrange(key, '-', '+');
    default:
      return null;
  }
}

/**
 * Every file below a directory, and its name.
 *
 * @param sinceMs milliseconds since the epoch: of those alone that were written to since then
 */
export function textsOfFiles(directory: string, sinceMs = 0): readonly ReadText[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const file = path.join(entry.parentPath, entry.name);
    if (!entry.isFile() || statSync(file).mtimeMs < sinceMs) return [];
    return [{ place: `file ${path.relative(directory, file)}`, text: `${file} ${readFileSync(file, 'latin1')}` }];
  });
}
