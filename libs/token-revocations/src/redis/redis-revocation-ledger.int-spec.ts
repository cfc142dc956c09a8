import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { Redis } from 'ioredis';
import { RevocationLedgerFull, RevocationLedgerUnavailable, type RevocationLedger } from '../revocation-ledger.port.ts';
import { describeRevocationLedger, readAll, someRevocation, someRevocations, T0_MS } from '../testing/index.ts';
import type { TokenRevocation } from '../token-revocation.ts';
import { RedisRevocationLedger } from './redis-revocation-ledger.ts';
import { revocationKeysOf } from './revocation-keys.ts';

// A dependency of ioredis, which ships no types: the slot a Redis Cluster gives a key.
const slotOf = createRequire(import.meta.url)('cluster-key-slot') as (key: string) => number;

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const redis = new Redis(redisUrl);
const run = `test-${randomBytes(6).toString('hex')}`;
const key = randomBytes(32);
let environments = 0;
const someEnvironment = (): string => `${run}-${(environments += 1)}`;

afterAll(async () => {
  const left = await redis.keys(`gw:{${run}*`);
  if (left.length > 0) await redis.unlink(...left);
  redis.disconnect();
});

describeRevocationLedger(
  'RedisRevocationLedger',
  (limits) => new RedisRevocationLedger(redis, someEnvironment(), key, limits),
);

describe('what RedisRevocationLedger keeps', () => {
  const environment = someEnvironment();
  const ledger = new RedisRevocationLedger(redis, environment, key);
  const user = someRevocation({ by: 'user', value: 'secret-user-name' });

  it('lies in one cluster slot, beside the environment’s channel', async () => {
    await ledger.record([user, ...someRevocations(3)], T0_MS);
    const keys = await redis.keys(`gw:{${environment}}*`);
    expect(keys.sort()).toEqual(Object.values(revocationKeysOf(environment)).sort());
    expect(new Set([...keys, `gw:{${environment}}:position`].map(slotOf)).size).toBe(1);
  });

  it('names no user and no token in clear', async () => {
    const { position, entries, sequences } = revocationKeysOf(environment);
    const seen = [await redis.get(position), await redis.hgetall(entries), await redis.zrange(sequences, '0', '-1')];
    expect(JSON.stringify(seen).length).toBeGreaterThan(400);
    expect(JSON.stringify(seen)).not.toContain(user.value);
  });

  it('is the same for every gateway, and grows only by what says something new', async () => {
    const other = new RedisRevocationLedger(redis, environment, key);
    const before = await other.since(undefined);
    expect(await other.record([user], T0_MS)).toEqual(before.position);
    expect((await redis.hlen(revocationKeysOf(environment).entries)).toString()).toBe('4');
  });

  it('accepts no key of another length and no environment that would leave the slot', () => {
    expect(() => new RedisRevocationLedger(redis, environment, randomBytes(16))).toThrow(RangeError);
    expect(() => new RedisRevocationLedger(redis, 'a}b', key)).toThrow(RangeError);
  });

  it('throws RevocationLedgerUnavailable when Redis is away', async () => {
    const away = new Redis({ port: 1, lazyConnect: true, enableOfflineQueue: false, retryStrategy: () => null });
    away.on('error', () => undefined);
    const cutOff = new RedisRevocationLedger(away, environment, key);
    await expect(cutOff.record([user], T0_MS)).rejects.toThrow(RevocationLedgerUnavailable);
    await expect(cutOff.since(undefined)).rejects.toThrow(RevocationLedgerUnavailable);
  });
});

describe('RedisRevocationLedger and what others write', () => {
  let environment: string;
  let keys: ReturnType<typeof revocationKeysOf>;
  let ledger: RevocationLedger;
  beforeEach(() => {
    environment = someEnvironment();
    keys = revocationKeysOf(environment);
    ledger = new RedisRevocationLedger(redis, environment, key, { page: 4 });
  });

  const plant = async (id: string, text: string, sequence: number | string): Promise<void> => {
    await redis.hset(keys.entries, id, text);
    await redis.zadd(keys.sequences, sequence, id);
  };
  const alone = async (revocation: TokenRevocation) => {
    const { sequence } = await ledger.record([revocation], T0_MS);
    const [id = ''] = await redis.zrangebyscore(keys.sequences, sequence, sequence);
    return { id, sealed: (await redis.hget(keys.entries, id)) ?? '', sequence };
  };

  it('counts a planted entry as refused and reads the others', async () => {
    const [one, other] = [someRevocation(), someRevocation()];
    await ledger.record([one, other], T0_MS);
    await plant('planted', 'AAAA', 5);
    expect(await readAll(ledger)).toMatchObject({ revocations: [one, other], refusedCount: 1 });
  });

  it.each(['Infinity', '-Infinity', '0', '-3', '1.5', '9007199254740993'])(
    'is not led astray by entries under the sequence %s',
    async (sequence) => {
      const one = someRevocation();
      const start = await ledger.record([one], T0_MS);
      for (let index = 0; index < 9; index += 1) {
        await plant(`planted-${index}`, 'AAAA', sequence.replace('Infinity', 'inf'));
      }
      expect((await readAll(ledger)).revocations).toEqual([one]);
      const other = someRevocation();
      const end = await ledger.record([other], T0_MS);
      expect(end).toEqual({ epoch: start.epoch, sequence: start.sequence + 1 });
      expect((await readAll(ledger, start)).revocations).toEqual([other]);
    },
  );

  it('refuses an entry of which any one character was replaced', async () => {
    const { id, sealed } = await alone(someRevocation());
    for (let at = 0; at < sealed.length; at += 1) {
      await redis.hset(
        keys.entries,
        id,
        `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`,
      );
      expect(await readAll(ledger)).toMatchObject({ revocations: [], refusedCount: 1 });
    }
  });

  it('refuses entries that changed places', async () => {
    const [one, other] = [await alone(someRevocation()), await alone(someRevocation())];
    await redis.hset(keys.entries, one.id, other.sealed, other.id, one.sealed);
    expect(await readAll(ledger)).toMatchObject({ revocations: [], refusedCount: 2 });
  });

  it('refuses entries of another environment and of another key', async () => {
    const revocation = someRevocation();
    const elsewhere = someEnvironment();
    for (const [name, otherKey] of [
      [elsewhere, key],
      [environment, randomBytes(32)],
    ] as const) {
      await new RedisRevocationLedger(redis, name, otherKey).record([revocation], T0_MS);
      const [[id, text] = ['', '']] = Object.entries(await redis.hgetall(revocationKeysOf(name).entries));
      await redis.del(...Object.values(keys));
      await plant(id, text, 5);
      expect(await readAll(ledger)).toMatchObject({ revocations: [], refusedCount: 1 });
    }
  });

  it('writes over what does not open, and joins what an older copy lacks', async () => {
    const narrow = someRevocation({ issuedUntilSeconds: 1 });
    const { id, sealed } = await alone(narrow);
    const wide = { ...narrow, issuedUntilSeconds: 9 };
    await ledger.record([wide], T0_MS);
    for (const text of [sealed, 'AAAA', '']) {
      await redis.hset(keys.entries, id, text);
      await ledger.record([wide], T0_MS);
      expect(await readAll(ledger)).toMatchObject({ revocations: [wide], refusedCount: 0 });
    }
  });

  it.each(['entries', 'sequences'] as const)('records again what was deleted from its %s', async (where) => {
    const revocation = someRevocation();
    const { id } = await alone(revocation);
    await (where === 'entries' ? redis.hdel(keys.entries, id) : redis.zrem(keys.sequences, id));
    expect((await readAll(ledger)).revocations).toEqual([]);
    await ledger.record([revocation], T0_MS);
    expect((await readAll(ledger)).revocations).toEqual([revocation]);
  });

  it.each(['', 'nonsense', 'epoch', '{} 7', 'epoch -1', `epoch ${'9'.repeat(40)}`])(
    'begins anew where the position says %j, above what it holds',
    async (text) => {
      const [one, other] = [someRevocation(), someRevocation()];
      const before = await ledger.record([one], T0_MS);
      await redis.set(keys.position, text);
      const after = await ledger.record([other], T0_MS);
      expect(after.epoch).not.toBe(before.epoch);
      expect(after.sequence).toBeGreaterThan(before.sequence);
      const news = await readAll(ledger, before);
      expect([news.wasFromStart, news.revocations, news.position]).toEqual([true, [one, other], after]);
    },
  );

  it('gives no number twice when the sequence was set back', async () => {
    const before = await ledger.record(someRevocations(3), T0_MS);
    await redis.set(keys.position, `${before.epoch} 1`);
    expect((await ledger.since(before)).isFromStart).toBe(false);
    const late = someRevocation();
    expect(await ledger.record([late], T0_MS)).toEqual({ ...before, sequence: before.sequence + 1 });
    expect((await ledger.since(before)).revocations).toEqual([late]);
  });

  it('reads no text that is longer than any entry', async () => {
    const one = someRevocation({ value: 'ü'.repeat(2_048) });
    await ledger.record([one], T0_MS);
    await plant('giant', 'A'.repeat(5_000_000), 5);
    const { revocations, refusedCount } = await readAll(ledger);
    expect([revocations, refusedCount]).toEqual([[one], 1]);
  });

  describe('when it is full of what nobody could read', () => {
    const MINUTE_MS = 60_000;
    const full = (): RevocationLedger => new RedisRevocationLedger(redis, environment, key, { entries: 20 });
    const fill = async (): Promise<void> => {
      const junk = Array.from({ length: 2_000 }, (_, index) => [`j${index}`, 'x'] as const);
      await redis.hset(keys.entries, { ...Object.fromEntries(junk), giant: 'A'.repeat(20_000) });
    };

    it('makes room by itself, and keeps what was recorded', async () => {
      const [one, ended] = [someRevocation(), someRevocation({ endsAtMs: T0_MS + 1 })];
      await full().record([one, ended], T0_MS);
      await fill();
      // What is in no list of ends would never be forgotten.
      await redis.unlink(keys.ends);
      const another = someRevocation();
      await full().record([another], T0_MS + 2 * MINUTE_MS);
      expect((await readAll(full())).revocations).toEqual([one, another]);
      expect(await redis.hlen(keys.entries)).toBe(2);
    });

    it('looks over its entries once in a minute at most', async () => {
      const ledger = full();
      await fill();
      await ledger.record([someRevocation()], T0_MS);
      await fill();
      await expect(ledger.record([someRevocation()], T0_MS + MINUTE_MS - 1)).rejects.toThrow(RevocationLedgerFull);
      await ledger.record([someRevocation()], T0_MS + MINUTE_MS);
      expect((await readAll(ledger)).heldCount).toBe(2);
    });
  });

  it('is unavailable, not broken, where a key is of another type', async () => {
    await redis.lpush(keys.entries, 'x');
    await expect(ledger.record([someRevocation()], T0_MS)).rejects.toThrow(RevocationLedgerUnavailable);
  });

  it('goes on after Redis was emptied', async () => {
    const before = await ledger.record(someRevocations(2), T0_MS);
    expect(await redis.unlink(...Object.values(keys))).toBe(4);
    expect(await ledger.since(before)).toMatchObject({ isFromStart: true, heldCount: 0 });
    const one = someRevocation();
    const after = await ledger.record([one], T0_MS + 1_000);
    expect(await ledger.since(before)).toMatchObject({ isFromStart: true, revocations: [one], position: after });
  });
});
