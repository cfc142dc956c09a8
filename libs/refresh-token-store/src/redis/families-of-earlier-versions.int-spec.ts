import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import type { FamilyRecord } from '../family/family-record.ts';
import type { RefreshTokenSubject } from '../refresh-token-store.port.ts';
import { T0_MS, rulesWith, successorOf } from '../testing/index.ts';
import { deriveStoreKeys } from '../token/store-keys.ts';
import { FamilySeals } from './family-seals.ts';
import { RedisRefreshTokenStore } from './redis-refresh-token-store.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

/**
 * What the first version left in Redis: a login at T0_MS, and one a millisecond later that was refreshed at T0_MS + 5 s.
 * Written by that version and never changed.
 */
const frozen = JSON.parse(readFileSync(new URL('./families-of-2026-11.json', import.meta.url), 'utf8')) as {
  readonly keyByte: number;
  readonly environment: string;
  readonly subject: RefreshTokenSubject;
  readonly fresh: string;
  readonly used: string;
  readonly newest: string;
  readonly families: Record<string, string>;
  readonly active: string[];
  readonly order: string[];
  readonly successor: Record<string, string>;
};
const { environment, subject, fresh, used, newest } = frozen;
const tag = fresh.slice(0, 22);
const prefix = `gw:${environment}:rt:{${tag}}`;
const key = Buffer.alloc(32, frozen.keyByte);
const redis = new Redis(redisUrl);
const store = new RedisRefreshTokenStore(redis, environment, key, { gatewayId: 'gateway-2' });
const seals = new FamilySeals(environment, deriveStoreKeys(key, environment));
const rules = rulesWith();

beforeEach(async () => {
  const written = redis.multi().hset(`${prefix}:families`, frozen.families);
  for (const set of ['active', 'order'] as const) {
    for (let at = 0; at < frozen[set].length; at += 2) {
      written.zadd(`${prefix}:${set}`, frozen[set][at + 1] ?? '', frozen[set][at] ?? '');
    }
  }
  for (const [familyId, sealed] of Object.entries(frozen.successor)) {
    written.set(`${prefix}:successor:${familyId}`, sealed);
  }
  await written.exec();
});
afterEach(async () => redis.unlink(...(await redis.keys(`gw:${environment}*`))));
afterAll(() => redis.disconnect());

describe('families of the first version', () => {
  it('are told, without the gateways that nobody noted', async () => {
    const families = await store.familiesOf(subject, T0_MS + 5_000);
    expect(families).toMatchObject([
      { subject, startedAtMs: T0_MS, uses: 0, lastUsedAtMs: undefined, startedBy: undefined, lastGateway: undefined },
      { subject, startedAtMs: T0_MS + 1, uses: 1, lastUsedAtMs: T0_MS + 5_000, startedBy: undefined },
    ]);
  });

  it('are refreshed, by whom is noted from then on', async () => {
    expect(await store.rotate(fresh, subject, rules, T0_MS + 6_000)).toMatchObject({ kind: 'rotated', subject });
    expect(await store.familiesOf(subject, T0_MS + 6_000)).toMatchObject([
      { startedBy: undefined, lastGateway: 'gateway-2', lastUsedAtMs: T0_MS + 6_000 },
      { lastGateway: undefined },
    ]);
    const limit = rulesWith({ absoluteLifeMs: 20_000 });
    const rotation = await store.rotate(newest, subject, limit, T0_MS + 6_000);
    expect(rotation).toMatchObject({ kind: 'rotated', expiresAtMs: T0_MS + 20_001 });
  });

  it('give their successor again within the grace, and end when a token is used again after it', async () => {
    expect(await store.rotate(used, subject, rules, T0_MS + 6_000)).toMatchObject({ kind: 'repeated', token: newest });
    expect(await store.rotate(used, subject, rules, T0_MS + 15_000)).toMatchObject({ kind: 'reused' });
    expect(await store.rotate(newest, subject, rules, T0_MS + 15_000)).toMatchObject({ kind: 'reused' });
    expect(await store.activeCount(subject, T0_MS + 15_000)).toBe(1);
  });

  it('are counted with those of today', async () => {
    await store.issue(subject, rulesWith({ activeCount: 2 }), T0_MS + 6_000);
    expect(await store.rotate(fresh, subject, rules, T0_MS + 6_000)).toEqual({ kind: 'unknown' });
    expect(await store.rotate(newest, subject, rules, T0_MS + 6_000)).toMatchObject({ kind: 'rotated' });
  });
});

describe('families of today', () => {
  const recordOf = async (familyId: string): Promise<FamilyRecord> => {
    const record = seals.openRecord({ tag, familyId }, (await redis.hget(`${prefix}:families`, familyId)) ?? '');
    if (record === undefined) throw new Error('no record');
    return record;
  };

  it('have all that the first version reads', async () => {
    const issue = await store.issue(subject, rules, T0_MS + 7_000);
    if (issue.kind !== 'issued') throw new Error('not issued');
    const opened = await recordOf(issue.familyId);
    expect(opened).toMatchObject({
      ...{ subject, startedAtMs: T0_MS + 7_000, issuedAtMs: T0_MS + 7_000, expiresAtMs: T0_MS + 7_000 + rules.lifeMs },
      ...{ newestHash: expect.any(String) as string, uses: 0, graceUntilMs: 0 },
    });
    successorOf(await store.rotate(issue.token, subject, rules, T0_MS + 8_000));
    expect(await recordOf(issue.familyId)).toMatchObject({
      ...{ subject, startedAtMs: T0_MS + 7_000, issuedAtMs: T0_MS + 8_000, expiresAtMs: T0_MS + 8_000 + rules.lifeMs },
      ...{ previousHash: opened.newestHash, uses: 1, graceUntilMs: T0_MS + 18_000 },
    });
  });

  it('do not name a gateway for a token that one of the first version gave', async () => {
    const issue = await store.issue(subject, rules, T0_MS + 7_000);
    if (issue.kind !== 'issued') throw new Error('not issued');
    // What the first version makes of a record: it keeps what it does not know, and replaces the rest.
    const advanced = { ...(await recordOf(issue.familyId)), uses: 1, issuedAtMs: T0_MS + 8_000 };
    const sealed = seals.sealRecord({ tag, familyId: issue.familyId }, advanced);
    await redis.hset(`${prefix}:families`, issue.familyId, sealed);
    const families = await store.familiesOf(subject, T0_MS + 8_000);
    const expected = { startedBy: 'gateway-2', lastGateway: undefined, lastUsedAtMs: T0_MS + 8_000 };
    expect(families.find(({ familyId }) => familyId === issue.familyId)).toMatchObject(expected);
  });
});
